package apikey_test

import (
	"encoding/json"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// G1: a time far ahead wraps around, is in the past or before 1970, and then what was to live long is dead, or what was
// never to end is taken for a time. Lifetimes that would wrap are refused, and the longest that is taken ends when it says.
func TestG1_LifetimesDoNotOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		key, _ := keys.Create(t, apikey.CreateParams{})
		for _, in := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, 9223372036 * time.Second, math.MinInt64, century + time.Millisecond} {
			p := valid()
			p.ExpiresIn = in
			_, _, err := keys.Issuer.Create(t.Context(), p)
			wantInvalid(t, in.String(), err, "ExpiresIn")
			_, err = keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{ExpiresIn: &in})
			wantInvalid(t, in.String(), err, "ExpiresIn")
			if _, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: in}); err == nil && in < 0 {
				t.Errorf("a grace of %v was taken", in)
			}
		}
		for _, at := range []time.Time{time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0), time.Unix(math.MaxInt64/1_000_000_000+1, 0), time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC),
			time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0), time.Unix(-1, 0), time.Time{}.Add(1)} {
			p := valid()
			p.ExpiresAt = at
			_, _, err := keys.Issuer.Create(t.Context(), p)
			wantInvalid(t, at.String(), err, "ExpiresAt")
		}
		key, text := keys.Create(t, apikey.CreateParams{ExpiresIn: century})
		if at, _ := key.ExpiresAt(); !at.Equal(time.Now().Add(century)) {
			t.Errorf("in a century: %v", at)
		}
		time.Sleep(century - time.Millisecond)
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Errorf("in the last millisecond of a century: %v", err)
		}
		time.Sleep(time.Millisecond)
		_, err := keys.Verifier.Verify(t.Context(), text)
		wantRejection(t, "after a century", err, apikey.ErrExpired)
	})
}

// G3: a year of five digits can't be written as JSON, so that the revocation of a key that had one could not be stored. What
// is stored, or shown, is a time that can be read again and is the same one.
func TestG3_TimesComeBackTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123456789)
		store := memstore.New()
		keys := apikeytest.New(t, &apikeytest.Options{Store: store})
		key, _ := keys.Create(t, apikey.CreateParams{ExpiresIn: century})
		key, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{})
		if err != nil {
			t.Fatal(err)
		}
		r := stored(t, store, key.ID())
		data, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again apikey.Record
		if err := again.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		for what, both := range map[string][2]time.Time{"created": {r.CreatedAt, again.CreatedAt}, "expires": {r.ExpiresAt, again.ExpiresAt}, "revoked": {r.RevokedAt, again.RevokedAt}} {
			if both[0] != both[1] || both[0].IsZero() {
				t.Errorf("%s: %v became %v", what, both[0], both[1])
			}
		}
		var shown struct {
			Expiration int64 `json:"expiration"`
		}
		out, err := json.Marshal(key)
		if err == nil {
			err = json.Unmarshal(out, &shown)
		}
		if at, _ := key.ExpiresAt(); err != nil || !time.UnixMilli(shown.Expiration).Equal(at) {
			t.Errorf("%v: %s; want %v", err, out, at)
		}
		// What has no place in a record is refused where it is written, and not found out by the next change.
		for what, at := range map[string]time.Time{"year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "year 2263": time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC), "1969": time.Unix(-1, 0)} {
			for field, set := range map[string]func(*apikey.Record){
				"ExpiresAt": func(r *apikey.Record) { r.ExpiresAt = at }, "RevokedAt": func(r *apikey.Record) { r.RevokedAt = at }, "CreatedAt": func(r *apikey.Record) { r.CreatedAt = at },
				"NotAfter": func(r *apikey.Record) { r.Credentials[0].NotAfter = at },
			} {
				bad := r.Clone()
				set(bad)
				if _, err := bad.MarshalBinary(); err == nil {
					t.Errorf("%s as %s was encoded", what, field)
				}
			}
		}
	})
}
