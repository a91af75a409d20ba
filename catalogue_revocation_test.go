package apikey_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// CVE-2020-15223: the revocation of a token answered success although the store had failed. Here a Revoke of which any call
// fails says so, and one that says nothing has revoked.
func TestCVE_2020_15223_RevokeReportsTheStore(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for call := 1; ; call++ {
			inner := memstore.New()
			keys := apikeytest.New(t, &apikeytest.Options{Store: inner})
			key, text := keys.Create(t, apikey.CreateParams{})
			fault := &storetest.Fault{Call: call, After: after}
			failing := apikeytest.New(t, &apikeytest.Options{Store: fault.Wrap(inner)}).Issuer
			_, err := failing.Revoke(t.Context(), key.ID(), apikey.RevokeParams{})
			_, verified := keys.Verifier.Verify(t.Context(), text)
			if fault.Calls() < call { // no fault in it
				if wantRejection(t, "revoked", verified, apikey.ErrRevoked); err != nil || call < 3 {
					t.Errorf("%v, %d calls", err, call-1)
				}
				break
			}
			if wantFailure(t, fmt.Sprintf("call %d", call), err, apikey.ErrUnavailable, nil); err == nil {
				break
			}
			if stored(t, inner, key.ID()).RevokedAt.IsZero() != (verified == nil) {
				t.Errorf("call %d: the store and Verify, %v, do not agree", call, verified)
			}
		}
	}
}

// CVE-2020-26892: who revoked all credentials of before an instant compared that with now, and not with when each was issued.
// RevokeSubject goes by when a key was created, however lately it was used or changed.
func TestCVE_2020_26892_RevokedByTheTimeOfIssue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		old, oldText := keys.Create(t, apikey.CreateParams{Subject: "u"})
		_, secret, err := keys.Issuer.Rotate(t.Context(), old.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour / 2)
		if _, err := keys.Issuer.Update(t.Context(), old.ID(), apikey.UpdateParams{Description: new("changed just now")}); err != nil {
			t.Fatal(err)
		}
		_, same := keys.Create(t, apikey.CreateParams{Subject: "u"}) // in the same millisecond, and before
		for _, text := range []string{oldText, secret.Reveal(), same} {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := keys.Issuer.RevokeSubject(t.Context(), "u", apikey.RevokeParams{}); n != 2 || err != nil {
			t.Errorf("%d revoked, %v", n, err)
		}
		_, later := keys.Create(t, apikey.CreateParams{Subject: "u"}) // in the same millisecond, and after
		for _, text := range []string{oldText, secret.Reveal(), same} {
			_, err := keys.Verifier.Verify(t.Context(), text)
			wantRejection(t, "issued before", err, apikey.ErrRevoked)
		}
		if _, err := keys.Verifier.Verify(t.Context(), later); err != nil {
			t.Errorf("issued after: %v", err)
		}
	})
}

// CVE-2021-32923: a lease that was about to end was rounded to none, and lived for ever. Here less than a second is refused
// wherever a time is given, and what has less than a second left, or no time at all, keeps that.
func TestCVE_2021_32923_NothingRoundsToNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		for _, in := range []time.Duration{1, time.Microsecond, time.Millisecond, 999 * time.Millisecond, time.Second - 1, -1, -time.Hour} {
			p := valid()
			p.ExpiresIn = in
			_, _, err := keys.Issuer.Create(t.Context(), p)
			wantInvalid(t, in.String(), err, "ExpiresIn")
			p.ExpiresIn, p.ExpiresAt = 0, time.Now().Add(in)
			_, _, err = keys.Issuer.Create(t.Context(), p)
			wantInvalid(t, in.String(), err, "ExpiresAt")
			key, _ := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Hour})
			_, err = keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{ExpiresIn: &in})
			wantInvalid(t, in.String(), err, "ExpiresIn")
		}
		// A second is a second: whatever is done with the key in its last millisecond, it ends.
		key, text := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Second})
		time.Sleep(999 * time.Millisecond)
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Error(err)
		}
		if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: new("late")}); err != nil {
			t.Error(err)
		}
		_, secret, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
		for _, text := range []string{text, secret.Reveal()} {
			_, err := keys.Verifier.Verify(t.Context(), text)
			wantRejection(t, "a second later", err, apikey.ErrExpired)
		}
	})
}

// C8 (GO-2026-5375): what never ends could not be revoked, as only what was to end was on the list.
func TestC8_WhatNeverEndsCanBeRevoked(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{})
	if at, ends := key.ExpiresAt(); ends {
		t.Fatalf("control: it ends at %v", at)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string]*apikey.Verifier{"here": keys.Verifier, "after a restart": apikeytest.New(t, &apikeytest.Options{Store: keys.Store}).Verifier} {
		_, err := v.Verify(t.Context(), text)
		wantRejection(t, what, err, apikey.ErrRevoked)
		_, err = v.Lookup(t.Context(), key.ID())
		wantRejection(t, what+", Lookup", err, apikey.ErrRevoked)
	}
}
