package apikey_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func TestIssuerPrefix(t *testing.T) {
	t.Parallel()
	for opts, want := range map[*apikey.IssuerOptions]string{nil: "ak", {Prefix: "sk_live"}: "sk_live"} {
		i, err := apikey.NewIssuer(memstore.New(), opts)
		if err != nil || i.Prefix() != want || i.ForSubject("user_1").Prefix() != want {
			t.Errorf("%q, %v; want %q", i.Prefix(), err, want)
		}
	}
}

func TestIssuerOptions(t *testing.T) {
	t.Parallel()
	for what, opts := range map[string]*apikey.IssuerOptions{"nil": nil, "zero": {}, "a prefix": {Prefix: "sk_live"}} {
		if i, err := apikey.NewIssuer(memstore.New(), opts); err != nil || i == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, c := range []struct {
		field  string
		argon2 hash.Params
	}{
		{"Argon2", hash.Params{Memory: 19456}},
		{"Argon2", hash.Params{Memory: 19456, Time: 2}},
		{"Argon2", hash.Params{Threads: 1}},
		{"Argon2", hash.Params{Memory: 7, Time: 1, Threads: 1}},
		{"Argon2", hash.Params{Memory: 1 << 20, Time: 1, Threads: 1}},
		{"Argon2", hash.Params{Memory: 19456, Time: 1 << 20, Threads: 1}},
		{"Argon2", hash.Params{Memory: 19456, Time: 2, Threads: 255}},
	} {
		i, err := apikey.NewIssuer(memstore.New(), &apikey.IssuerOptions{Argon2: c.argon2})
		wantInvalid(t, "costs", err, c.field)
		if i != nil {
			t.Error("an Issuer beside an error")
		}
	}
	_, err := apikey.NewIssuer(nil, nil)
	wantInvalid(t, "no store", err, "store")
	opts := &apikey.IssuerOptions{Prefix: "sk", Argon2: apikeytest.Params()}
	i, err := apikey.NewIssuer(memstore.New(), opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Prefix = "changed"
	if key, _ := newKey(t, i, apikey.CreateParams{}); !strings.HasPrefix(key.ID(), "sk_") {
		t.Errorf("changing the options later changed the Issuer: %s", key.ID())
	}
}

// The zero value of the options costs what it should.
func TestDefaultCosts(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	i, err := apikey.NewIssuer(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := newKey(t, i, apikey.CreateParams{})
	if phc := stored(t, store, key.ID()).Credentials[0].Hash; !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hashed as %.40s", phc)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	before := time.Now()
	scopes, claims := []string{"write", "read"}, json.RawMessage(`{"b":1,"a":2}`)
	key, secret := newKey(t, issuer, apikey.CreateParams{Subject: "user_1", Name: "Prod", Description: "what\u00e9", Type: "bot", CreatedBy: "admin",
		Claims: claims, Scopes: scopes, ExpiresIn: time.Hour})
	after := time.Now()
	scopes[0], claims[2] = "admin", 'x'
	text := secret.Reveal()
	got := stored(t, store, key.ID())
	created := key.CreatedAt()
	if !within(created, before, after) || !within(got.ExpiresAt, before.Add(time.Hour), after.Add(time.Hour)) || got.ExpiresAt.Nanosecond()%1e6 != 0 {
		t.Errorf("created at %v, which was %v, expires at %v", created, before, got.ExpiresAt)
	}
	digest, err := hash.Parse(got.Credentials[0].Hash)
	if err != nil || digest.Params() != apikeytest.Params() {
		t.Errorf("hash: %v, %v", digest.Params(), err)
	}
	want := &apikey.Record{
		ID: idOf(t, key), Version: 1, Prefix: "ak", Type: "bot", Subject: "user_1", Name: "Prod", NameFold: "PROD", Description: "what\u00e9", CreatedBy: "admin",
		Claims: []byte(`{"b":1,"a":2}`), Scopes: []string{"write", "read"}, CreatedAt: created, UpdatedAt: created, ExpiresAt: got.ExpiresAt,
		Credentials: []apikey.Credential{{Number: 1, Kind: apikey.KindGenerated, Hash: got.Credentials[0].Hash, Hint: text[:25], CreatedAt: created}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stored %+v, want %+v", got, want)
	}
	if read, err := issuer.Get(t.Context(), key.ID()); err != nil || state(read) != state(key) || state(key) != state(apikey.NewKey(got)) {
		t.Errorf("Create says %s, Get %s, %v", state(key), state(read), err)
	}
	least, _ := newKey(t, issuer, apikey.CreateParams{})
	if _, expires := least.ExpiresAt(); expires || least.Type() != "api_key" || least.Claims() != nil || least.Number() != 0 {
		t.Errorf("without options: %s", state(least))
	}
}

// No secret, and no 8 characters or bytes of one, is in what the store keeps.
func TestStoreHoldsNoSecret(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{Keyring: ringOf(t, 1), UniqueNames: true})
	key, first := newKey(t, issuer, apikey.CreateParams{})
	_, second, err := issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	kept := encoded(t, store, key)
	for _, text := range []string{first.Reveal(), second.Reveal()} {
		token, ok := apikey.ParseText(text)
		if !ok {
			t.Fatal("not a key")
		}
		wantNoLeak(t, "the record", text[25:], kept) // what comes before is the id
		wantNoLeak(t, "the record", string(token.Secret[:]), kept)
		tag := string([]byte{byte(token.Tag >> 40), byte(token.Tag >> 32), byte(token.Tag >> 24), byte(token.Tag >> 16), byte(token.Tag >> 8), byte(token.Tag)})
		if strings.Contains(kept, tag) {
			t.Error("the record holds the tag, a fast test of guesses")
		}
	}
}

// An expiry is the first instant at which the key is expired, to the millisecond.
func TestG2_ExpiryBoundary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		for _, in := range []func(now time.Time) apikey.CreateParams{
			func(time.Time) apikey.CreateParams { return apikey.CreateParams{ExpiresIn: time.Second} },
			func(time.Time) apikey.CreateParams {
				return apikey.CreateParams{ExpiresIn: time.Second + 999*time.Microsecond}
			},
			func(now time.Time) apikey.CreateParams {
				return apikey.CreateParams{ExpiresAt: now.Add(time.Second + 999*time.Microsecond)}
			},
			func(now time.Time) apikey.CreateParams {
				return apikey.CreateParams{ExpiresAt: now.Add(time.Second).In(time.FixedZone("", 3600))}
			},
		} {
			begun := time.Now()
			p := in(begun)
			key, text := keys.Create(t, p)
			if at, ok := key.ExpiresAt(); !ok || !at.Equal(begun.Add(time.Second)) || at.Location() != time.UTC {
				t.Errorf("%+v: expires at %v, %v", p, at, ok)
			}
			for _, c := range []struct {
				wait    time.Duration
				expired bool
			}{{0, false}, {time.Second - time.Millisecond, false}, {time.Millisecond, true}, {time.Millisecond, true}} {
				time.Sleep(c.wait)
				_, err := keys.Verifier.Verify(t.Context(), text)
				want := error(nil)
				if c.expired {
					want = apikey.ErrExpired
				}
				wantError(t, "Verify", err, want)
				read, err := keys.Issuer.Get(t.Context(), key.ID())
				if err != nil || read.Expired() != c.expired {
					t.Errorf("%v after: %v, %v", time.Since(begun), read, err)
				}
				if n, err := keys.Issuer.Count(t.Context(), apikey.Query{}); err != nil || (n == 0) != c.expired {
					t.Errorf("%v after: %d valid, %v", time.Since(begun), n, err)
				}
				if listed := ids(t, keys.Issuer, apikey.Query{}); (len(listed) == 0) != c.expired {
					t.Errorf("%v after: listed %v", time.Since(begun), listed)
				}
			}
		}
	})
}

// The log says what was done to which key, and no secret.
func TestIssuerLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{Logger: slog.New(slog.NewJSONHandler(&out, nil)), Keyring: ringOf(t, 1)})
	key, first := newKey(t, issuer, apikey.CreateParams{})
	_, second, err := issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"Update", "Update of nothing", "Revoke", "Revoke", "Delete"} {
		if err := byID[call](t.Context(), issuer, key.ID()); err != nil && call != "Update of nothing" {
			t.Fatalf("%s: %v", call, err)
		}
	}
	var events []string
	for line := range strings.Lines(out.String()) {
		var entry struct{ Level, Msg, ID, Subject string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.ID != key.ID() || entry.Level != "INFO" || entry.Subject != "user_1" && entry.Msg != "apikey: deleted" {
			t.Errorf("logged %s", line)
		}
		events = append(events, entry.Msg)
	}
	wantSame(t, "events", events, []string{"apikey: created", "apikey: rotated", "apikey: updated", "apikey: revoked", "apikey: deleted"})
	for _, s := range []apikey.Secret{first, second} {
		wantNoLeak(t, "the log", s.Reveal(), out.String())
	}
	if strings.Contains(out.String(), "argon2id") {
		t.Error("the log shows a hash")
	}
}
