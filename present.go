package apikey

import (
	"context"
	"errors"
	"slices"
)

// presented is a credential as a client presented it.
type presented struct {
	token  token
	text   string
	digest digest // of the secret
}

func (v *Verifier) takes(prefix string) bool {
	return v.options.Prefixes == nil || slices.Contains(v.options.Prefixes, prefix)
}

func (p *presented) keyID() string { return keyID(p.token.prefix, p.token.id) }

// rejectedOr names the key in a rejection; a failure is returned as it is.
func (p *presented) rejectedOr(err error) error {
	if !isFailure(err) {
		return &RejectedError{p.keyID(), err}
	}
	return err
}

// issuedHere checks the tag: nothing else of the text is believed before.
func (v *Verifier) issuedHere(ctx context.Context, t *token) error {
	key, err := v.seed.key(ctx, false)
	if err != nil {
		return unavailable("read the seed of the store", err)
	}
	if !key.holds(t) {
		return ErrUnknown
	}
	return nil
}

// Lookup returns a key by its id, with the rejections of Verify, [VerifierOptions].Check
// included, but for the secret: none is presented and none is checked. For streams that
// outlive the request that authenticated them, and for tokens derived from a key.
//
// It reads the record unless the key is warm. Only the places of keys that were verified are
// filled, so that ids, which are public, can push nothing out of the cache.
func (v *Verifier) Lookup(ctx context.Context, id string) (*Key, error) {
	if v.closed.Load() {
		return nil, errClosed
	}
	prefix, rid, err := parseKeyID(id)
	if err != nil || !v.takes(prefix) {
		return nil, ErrMalformed
	}
	mono, now := v.clock.read()
	s := v.cache.lookup(rid, mono)
	if s == nil || s.facts.text(prefixText) != prefix {
		r, err := v.reads.get(ctx, rid)
		if err != nil {
			return nil, unavailable("read key "+id, err)
		}
		if _, err = v.judge(r, rid, prefix, 0); err == ErrUnknown {
			return nil, err
		} else if err != nil {
			return nil, &RejectedError{id, err}
		}
		v.cache.fillShown(r)
		s, now = newShown(r.facts, 0), v.clock.nanos()
	}
	if now >= end(s.facts.time(expires)) {
		return nil, &RejectedError{id, ErrExpired}
	}
	if err := v.allowed(ctx, &s.key, s.facts); err != nil {
		return nil, err
	}
	return &s.key, nil
}

// Recognize tells whether a text was issued here and is current: its tag is true, its key is
// valid, and its number is alive. It does not look at the secret and asks no
// [VerifierOptions].Check, so it is never authentication. It costs one read of the store at most and no
// argon2: for deciding what to do about keys that were found lying around. Unlike Verify it answers
// [ErrExpired], and [ErrDenied] for a disabled key, for current secrets only: one that was rotated away is
// [ErrUnknown] then too.
func (v *Verifier) Recognize(ctx context.Context, text string) (*Key, error) {
	if v.closed.Load() {
		return nil, errClosed
	}
	if !checksumHolds(text) {
		return nil, ErrMalformed
	}
	var t token
	if !t.parse(text) || !v.takes(t.prefix) {
		return nil, ErrMalformed
	}
	if err := v.issuedHere(ctx, &t); err != nil {
		return nil, err
	}
	id := keyID(t.prefix, t.id)
	r, err := v.reads.get(ctx, t.id)
	if err != nil {
		return nil, unavailable("read key "+id, err)
	}
	if _, err := v.judge(r, t.id, t.prefix, t.number()); err != nil {
		// Such a key may come back, and what was rotated away does not come back with it.
		if returns := err == ErrExpired || errors.Is(err, ErrDenied); returns && r.current(t.number(), v.clock.nanos()) == nil {
			err = ErrUnknown
		}
		return nil, &RejectedError{id, err}
	}
	return keyOf(r.facts, t.number()), nil
}
