package apikey_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// rejections are all sentinels of which a rejection matches exactly one.
var rejections = []error{apikey.ErrMalformed, apikey.ErrUnknown, apikey.ErrRevoked, apikey.ErrExpired, apikey.ErrDenied}

// wantRejection checks that err is this rejection and nothing else.
func wantRejection(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, apikey.ErrRejected) || errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrOverloaded) {
		t.Errorf("%s: %v is no rejection", what, err)
	}
	for _, r := range rejections {
		if errors.Is(err, r) != (r == want) {
			t.Errorf("%s: %v, want %v alone", what, err, want)
		}
	}
}

func wantFailure(t *testing.T, what string, err, want, cause error) {
	t.Helper()
	if !errors.Is(err, want) || errors.Is(err, apikey.ErrRejected) || cause != nil && !errors.Is(err, cause) {
		t.Errorf("%s: %v, want %v because of %v", what, err, want, cause)
	}
}

// Texts that are no keys are a bare ErrMalformed, without a look at the store.
func TestShape(t *testing.T) {
	t.Parallel()
	store := count(memstore.New())
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	_, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	gets, values := store.gets.Load(), store.values.Load()
	for name, bad := range map[string]string{
		"empty": "", "space before": " " + text, "newline after": text + "\n", "NUL after": text + "\x00", "cut": text[:len(text)-1],
		"longer": text + "0", "no prefix": text[2:], "upper prefix": "AK" + text[2:], "other prefix, old checksum": "bk" + text[2:],
		"dash": strings.Replace(text, "_", "-", 1), "checksum": text[:len(text)-1] + flip(text[len(text)-1]),
		"bearer": "Bearer " + text, "twice": text + text, "a megabyte": strings.Repeat("a", 1<<20),
		"id": text[:5] + flip(text[5]) + text[6:], "secret": text[:40] + flip(text[40]) + text[41:],
	} {
		if _, err := keys.Verifier.Verify(t.Context(), bad); err != apikey.ErrMalformed {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := keys.Verifier.Recognize(t.Context(), bad); err != apikey.ErrMalformed {
			t.Errorf("Recognize, %s: %v", name, err)
		}
	}
	if store.gets.Load() != gets || store.values.Load() != values {
		t.Error("garbage reached the store")
	}
}

func flip(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ours := apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Prefix: "acme_live"}})
	key, text := ours.Create(t, apikey.CreateParams{})
	if !strings.HasPrefix(text, "acme_live_") || !strings.HasPrefix(key.ID(), "acme_live_") {
		t.Errorf("prefix of %s", key.ID())
	}
	if _, err := ours.Verifier.Verify(t.Context(), text); err != nil {
		t.Errorf("any prefix: %v", err)
	}
	for _, o := range []struct {
		prefixes []string
		err      error
	}{{[]string{"acme_live"}, nil}, {[]string{"ak", "acme_live"}, nil}, {[]string{"ak"}, apikey.ErrMalformed}, {[]string{"acme"}, apikey.ErrMalformed}} {
		k := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Prefixes: o.prefixes}})
		if _, err := k.Verifier.Verify(t.Context(), text); err != o.err {
			t.Errorf("%v: %v", o.prefixes, err)
		}
		if _, err := k.Verifier.Lookup(t.Context(), key.ID()); err != o.err {
			t.Errorf("Lookup %v: %v", o.prefixes, err)
		}
	}
}

// Before the first key there is no seed, so nothing can be judged: not a rejection.
func TestNoSeed(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	v := apikeytest.New(t, &apikeytest.Options{Store: store}).Verifier
	elsewhere := apikeytest.New(t, nil)
	_, text := elsewhere.Create(t, apikey.CreateParams{})
	_, err := v.Verify(t.Context(), text)
	wantFailure(t, "no seed", err, apikey.ErrUnavailable, nil)
	apikeytest.New(t, &apikeytest.Options{Store: store}).Create(t, apikey.CreateParams{})
	_, err = v.Verify(t.Context(), text)
	wantRejection(t, "a key of another store", err, apikey.ErrUnknown)

	damaged := memstore.New()
	if err := damaged.SwapValue(t.Context(), "seed", nil, []byte("short")); err != nil {
		t.Fatal(err)
	}
	broken := apikeytest.New(t, &apikeytest.Options{Store: damaged})
	_, err = broken.Verifier.Verify(t.Context(), text)
	wantFailure(t, "a damaged seed", err, apikey.ErrUnavailable, nil)
	_, _, err = broken.Issuer.Create(t.Context(), apikey.CreateParams{Subject: "u", Name: "n"})
	wantFailure(t, "a damaged seed", err, apikey.ErrUnavailable, nil)
}

// Each state has its reason, cold and warm, in Verify, Lookup and Recognize.
func TestStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		denied := errors.New("owner is gone")
		deny := map[string]bool{}
		keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{
			Check: func(_ context.Context, k *apikey.Key) error {
				if deny[k.Subject()] {
					return denied
				}
				return nil
			}}})
		cases := []struct {
			name   string
			params apikey.CreateParams
			end    func(id string) error
			want   error
		}{
			{"revoked", apikey.CreateParams{}, func(id string) error {
				_, err := keys.Issuer.Revoke(ctx, id, apikey.RevokeParams{})
				return err
			}, apikey.ErrRevoked},
			{"expired", apikey.CreateParams{ExpiresIn: time.Minute}, func(string) error { time.Sleep(time.Minute); return nil }, apikey.ErrExpired},
			{"rotated away", apikey.CreateParams{}, func(id string) error {
				_, _, err := keys.Issuer.Rotate(ctx, id, apikey.RotateParams{})
				return err
			}, apikey.ErrUnknown},
			{"past its grace", apikey.CreateParams{}, func(id string) error {
				_, _, err := keys.Issuer.Rotate(ctx, id, apikey.RotateParams{Grace: time.Second})
				time.Sleep(time.Second)
				return err
			}, apikey.ErrUnknown},
			{"deleted", apikey.CreateParams{}, func(id string) error { return keys.Issuer.Delete(ctx, id) }, apikey.ErrUnknown},
			{"denied", apikey.CreateParams{Subject: "gone"}, func(string) error { deny["gone"] = true; return nil }, apikey.ErrDenied},
			{"disabled", apikey.CreateParams{}, func(id string) error {
				r := stored(t, keys.Store, id)
				r.Disabled = true
				return keys.Store.Replace(ctx, r)
			}, apikey.ErrDenied},
		}
		for _, c := range cases {
			warm, warmText := keys.Create(t, c.params)
			cold, coldText := keys.Create(t, c.params)
			if _, err := keys.Verifier.Verify(ctx, warmText); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{warm.ID(), cold.ID()} {
				if err := c.end(id); err != nil {
					t.Fatal(err)
				}
			}
			for text, id := range map[string]string{warmText: warm.ID(), coldText: cold.ID()} {
				_, err := keys.Verifier.Verify(ctx, text)
				wantRejection(t, c.name, err, c.want)
				var rejected *apikey.RejectedError
				if !errors.As(err, &rejected) || rejected.KeyID != id {
					t.Errorf("%s: %v does not name the key", c.name, err)
				}
				if c.want == apikey.ErrDenied && id == warm.ID() && c.name == "denied" && !errors.Is(err, denied) {
					t.Errorf("%v does not wrap what Check said", err)
				}
				if _, err = keys.Verifier.Recognize(ctx, text); c.name != "denied" {
					wantRejection(t, "Recognize "+c.name, err, c.want)
				} else if err != nil {
					t.Errorf("Recognize asked Check: %v", err)
				}
				if _, err = keys.Verifier.Lookup(ctx, id); c.name != "rotated away" && c.name != "past its grace" {
					wantRejection(t, "Lookup "+c.name, err, c.want)
				} else if err != nil {
					t.Errorf("Lookup of a rotated key: %v", err)
				}
			}
		}
	})
}

// stored reads a record by its public id.
func stored(t *testing.T, s apikey.Store, id string) *apikey.Record {
	t.Helper()
	page, _, err := s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page {
		if strings.HasSuffix(id, r.ID.String()) {
			return r
		}
	}
	t.Fatalf("no record of %s", id)
	return nil
}

// What Check can't tell is a failure and not a rejection.
func TestCheckFailures(t *testing.T) {
	t.Parallel()
	var answer error
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{
		Check: func(context.Context, *apikey.Key) error { return answer }}})
	_, text := keys.Create(t, apikey.CreateParams{})
	for _, pass := range []string{"cold", "warm"} {
		for _, c := range []struct{ says, want error }{
			{apikey.ErrUnavailable, apikey.ErrUnavailable}, {apikey.ErrOverloaded, apikey.ErrOverloaded},
			{context.Canceled, apikey.ErrUnavailable}, {context.DeadlineExceeded, apikey.ErrUnavailable},
		} {
			answer = c.says
			_, err := keys.Verifier.Verify(t.Context(), text)
			wantFailure(t, pass, err, c.want, c.says)
		}
		answer = errors.New("no")
		_, err := keys.Verifier.Verify(t.Context(), text)
		wantRejection(t, pass, err, apikey.ErrDenied)
		answer = nil
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Error(err)
		}
	}
}

// An ended context is a failure where something has to be waited for, and does not matter to
// a warm key.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	why := errors.New("shutting down")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := keys.Verifier.Verify(ended, text)
	wantFailure(t, "cold", err, apikey.ErrUnavailable, context.Canceled)
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verifier.Verify(ended, text); err != nil {
		t.Errorf("warm: %v", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	keys.Verifier.Close()
	for _, text := range []string{text, "", "garbage"} {
		_, err := keys.Verifier.Verify(t.Context(), text)
		wantFailure(t, "Verify", err, apikey.ErrUnavailable, nil)
		_, err = keys.Verifier.Recognize(t.Context(), text)
		wantFailure(t, "Recognize", err, apikey.ErrUnavailable, nil)
	}
	_, err := keys.Verifier.Lookup(t.Context(), key.ID())
	wantFailure(t, "Lookup", err, apikey.ErrUnavailable, nil)
}

// Lookup reads what is not warm, fills only a place that a verified credential holds, and
// presents no credential.
func TestLookup(t *testing.T) {
	t.Parallel()
	store := count(memstore.New())
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, text := keys.Create(t, apikey.CreateParams{})
	look := func(reads int64) {
		t.Helper()
		before := store.gets.Load()
		got, err := keys.Verifier.Lookup(t.Context(), key.ID())
		if err != nil || got.ID() != key.ID() || got.Number() != 0 {
			t.Fatal(got, err)
		}
		if _, dies := got.SecretNotAfter(); dies {
			t.Error("Lookup shows a not-after, and no credential was presented")
		}
		if n := store.gets.Load() - before; n != reads {
			t.Errorf("%d reads, want %d", n, reads)
		}
	}
	look(1)
	look(1)
	if n := keys.Verifier.Stats().CachedEntries; n != 0 {
		t.Errorf("Lookup filled %d places", n)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	look(0)
	if _, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour}); err != nil {
		t.Fatal(err)
	}
	look(1)
	look(0)
	for _, id := range []string{"", "ak_", strings.ToUpper(key.ID()), text} {
		_, err := keys.Verifier.Lookup(t.Context(), id)
		wantRejection(t, "malformed id", err, apikey.ErrMalformed)
	}
	_, err := keys.Verifier.Lookup(t.Context(), "ak_"+strings.Repeat("0", 31)+"1")
	wantRejection(t, "unknown id", err, apikey.ErrUnknown)
	_, err = keys.Verifier.Lookup(t.Context(), "bk"+key.ID()[2:])
	wantRejection(t, "another prefix", err, apikey.ErrUnknown)
}

// A store that answers with nonsense is at fault: nothing is accepted.
func TestNonsenseFromTheStore(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, text := keys.Create(t, apikey.CreateParams{})
	other, _ := keys.Create(t, apikey.CreateParams{})
	for name, answer := range map[string]*apikey.Record{"nil": nil, "another record": stored(t, store, other.ID())} {
		v := apikeytest.New(t, &apikeytest.Options{Store: &nonsense{store, answer}}).Verifier
		_, err := v.Verify(t.Context(), text)
		wantFailure(t, name, err, apikey.ErrUnavailable, nil)
	}
	for name, damage := range map[string]func(*apikey.Credential){
		"no hash":        func(c *apikey.Credential) { c.Hash = "" },
		"damaged hash":   func(c *apikey.Credential) { c.Hash = c.Hash[:len(c.Hash)-1] },
		"endless passes": func(c *apikey.Credential) { c.Hash = strings.Replace(c.Hash, "t=1", "t=4294967295", 1) },
		"all memory":     func(c *apikey.Credential) { c.Hash = strings.Replace(c.Hash, "m=8", "m=4294967295", 1) },
	} {
		r := stored(t, store, key.ID())
		damage(&r.Credentials[0])
		v := apikeytest.New(t, &apikeytest.Options{Store: &nonsense{store, r}}).Verifier
		_, err := v.Verify(t.Context(), text)
		wantFailure(t, name, err, apikey.ErrUnavailable, hash.ErrFormat)
		if n := v.Stats().Argon2Runs; n != 0 {
			t.Errorf("%s: argon2 ran", name)
		}
	}
}

type nonsense struct {
	apikey.Store
	answer *apikey.Record
}

func (n *nonsense) Get(context.Context, apikey.ID) (*apikey.Record, error) { return n.answer, nil }

// A hash copied into another record, or under another number, verifies nothing there.
func TestHashesAreBound(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	mine, _ := keys.Create(t, apikey.CreateParams{})
	victim, text := keys.Create(t, apikey.CreateParams{})
	r := stored(t, store, victim.ID())
	r.Credentials[0].Hash = stored(t, store, mine.ID()).Credentials[0].Hash
	if err := store.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err := keys.Verifier.Verify(t.Context(), text)
	wantRejection(t, "another record's hash", err, apikey.ErrUnknown)
	// That was a mismatch, which nobody may remember as a match.
	_, err = keys.Verifier.Verify(t.Context(), text)
	wantRejection(t, "again", err, apikey.ErrUnknown)
	if s := keys.Verifier.Stats(); s.CachedEntries != 0 || s.Argon2Runs != 2 {
		t.Errorf("a wrong secret left a trace: %+v", s)
	}
}
