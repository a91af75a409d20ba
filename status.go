package apikey

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// never is an end that does not come, in ns since 1970.
const never = math.MaxInt64

func end(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixNano()
}

// over judges by the clock. An end is the first instant at which it is over.
func (h hit) over(now int64) error {
	switch {
	case now < h.ends:
		return nil
	case now >= end(h.entry.facts.time(expires)):
		return ErrExpired
	}
	return ErrUnknown
}

// judge is status, for a record that was just read. A rejection is not taken back: if others
// can write, what told us may be ahead of the feed, and a Verify under way with an older record
// must not make the key warm again.
func (v *Verifier) judge(r *read, id ID, prefix string, number uint16) (*Credential, error) {
	c, err := r.status(prefix, number, v.clock.nanos())
	if err != nil && v.feed.watched && !v.feed.alone {
		v.feed.changed(id)
		v.cache.distrust(id)
	}
	return c, err
}

// status judges a record, before any secret is looked at, for the credential of this number;
// 0: for none. A number that is gone, or past its not-after, is as unknown as one that never was.
func (r *read) status(prefix string, number uint16, now int64) (*Credential, error) {
	switch {
	case r.record == nil || r.record.Prefix != prefix:
		return nil, ErrUnknown
	case !r.record.RevokedAt.IsZero():
		return nil, ErrRevoked
	case now >= end(r.record.ExpiresAt):
		return nil, ErrExpired
	case r.record.Disabled:
		return nil, fmt.Errorf("%w: disabled", ErrDenied)
	case number == 0:
		return nil, nil
	}
	c := r.current(number, now)
	if c == nil {
		return nil, ErrUnknown
	}
	return c, nil
}

// current returns the credential of a number that is alive at that time, whatever else holds of the key; nil: there
// is none.
func (r *read) current(number uint16, now int64) *Credential {
	c := r.record.credential(number)
	if c == nil || now >= end(c.NotAfter) {
		return nil
	}
	return c
}

// allowed asks the embedding program, if it wants to be asked. What it returns is a refusal,
// unless it says that it could not tell.
func (v *Verifier) allowed(ctx context.Context, key *Key, f facts) error {
	if v.options.Check == nil {
		return nil
	}
	err := v.options.Check(ctx, key)
	switch {
	case err == nil:
		return nil
	case isFailure(err):
		return unavailable("check key "+f.keyID(), err)
	}
	if errors.Is(err, ErrRejected) { // one reason is enough
		return &RejectedError{f.keyID(), fmt.Errorf("%w: %v", ErrDenied, err)}
	}
	return &RejectedError{f.keyID(), fmt.Errorf("%w: %w", ErrDenied, err)}
}
