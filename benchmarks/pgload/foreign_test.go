package main

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// Only a refusal that the record agrees with is none of the errors.
func TestAnswered(t *testing.T) {
	t.Parallel()
	j, issuer := filled(t)
	const live, revoked, rotated = 0, 1, 2
	if _, err := issuer.Revoke(t.Context(), id(j.Texts[revoked]), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := issuer.Rotate(t.Context(), id(j.Texts[rotated]), apikey.RotateParams{}); err != nil {
		t.Fatal(err)
	}
	w, err := newWorker(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		text             int
		knownDead        bool
		answer           error
		refused, correct bool
	}{
		{live, false, nil, false, true},
		{live, false, apikey.ErrUnknown, false, false},
		{live, false, apikey.ErrRevoked, false, false},
		{live, false, apikey.ErrExpired, false, false},
		{live, false, apikey.ErrMalformed, false, false},
		{live, false, apikey.ErrUnavailable, false, false},
		{revoked, false, nil, false, true}, // it may not know yet
		{revoked, true, nil, false, false},
		{rotated, false, apikey.ErrRevoked, false, false},
		{revoked, false, apikey.ErrRevoked, true, true},
		{rotated, false, apikey.ErrUnknown, true, true},
	} {
		var o outcome
		if err := w.answered(t.Context(), c.text, c.knownDead, c.answer, &o); (err == nil) != c.correct || (o.Refused == 1) != c.refused {
			t.Errorf("%+v: %v, counted as refused: %d", c, err, o.Refused)
		}
	}
	for text, is := range map[int]bool{live: false, revoked: true, rotated: true} {
		if w.dead[text].Load() != is {
			t.Errorf("text %d is known to be dead: %t", text, !is)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	var o outcome // what is known needs no database
	if err := w.answered(ended, revoked, true, apikey.ErrRevoked, &o); err != nil || o.Refused != 1 {
		t.Errorf("%v, counted as refused: %d", err, o.Refused)
	}
	if err := w.answered(ended, live, false, apikey.ErrRevoked, &o); !errors.Is(err, context.Canceled) {
		t.Errorf("without an answer of the store: %v", err)
	}
}
