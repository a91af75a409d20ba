package sts

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// signingKeys are those of a service, and when they are replaced.
//
// A new key is published for lead before it signs, and every process reads the set again within a
// third of that, and lets others keep it for another third: so whoever may keep a set for as long as it was
// told to has the key before the first token that it signed. A process that can't read the
// set goes on with what it has as long as a key that it doesn't know can't sign yet.
type signingKeys struct {
	values    values
	name      string // of the value
	keyring   *apikey.Keyring
	issuer    string
	algorithm Algorithm
	rotation  time.Duration
	clock     *clock
	logger    *slog.Logger

	set    atomic.Pointer[keySet]
	retry  atomic.Int64  // not before this, in ms since 1970, after a failure
	turn   chan struct{} // held by the one who reads the set
	failed error         // the last failure; of turn

	discards atomic.Int64
}

const (
	maxLead     = 15 * time.Minute
	maxSetAge   = 30 * time.Second
	loadWait    = 5 * time.Second // for a read
	reloadWait  = time.Second     // for one that somebody could do without
	reloadPause = time.Second     // after one that failed, and between two that are made for unknown kids
)

func (k *signingKeys) lead() time.Duration   { return min(k.rotation/2, maxLead) }
func (k *signingKeys) reload() time.Duration { return min(k.lead()/3, maxSetAge) }

// current returns a set that may be signed with and published.
func (k *signingKeys) current(ctx context.Context) (*keySet, error) {
	s, now := k.set.Load(), k.clock.now()
	if s != nil && now.Sub(s.read) < k.reload() && (!k.due(s, now) || k.pausing(now)) {
		return s, nil
	}
	usable := s != nil && now.Sub(s.read) < k.lead()
	if usable && k.pausing(now) {
		return s, nil
	}
	return k.again(ctx, s, usable)
}

// again reads the set, unless somebody did since old was. Who has a usable one waits neither for others nor long.
func (k *signingKeys) again(ctx context.Context, old *keySet, usable bool) (*keySet, error) {
	select {
	case k.turn <- struct{}{}:
	default:
		if usable {
			return old, nil
		}
		select {
		case k.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, unavailable("read the signing keys", ctx.Err())
		}
	}
	defer func() { <-k.turn }()
	if s := k.set.Load(); s != nil && s != old {
		return s, nil
	}
	if !usable && k.failed != nil && k.pausing(k.clock.now()) { // who came together asks a store that is down once
		return nil, k.failed
	}
	wait := loadWait
	if usable {
		wait = reloadWait
	}
	reading, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	discards := k.discards.Load()
	s, err := k.load(reading)
	if err == nil {
		k.set.Store(s)
		if k.discards.Load() != discards { // what was read may be from before
			k.set.CompareAndSwap(s, nil)
		}
		k.failed = nil
		return s, nil
	}
	switch {
	case ctx.Err() == nil:
	case usable:
		return old, nil
	default: // this caller's end is nobody else's
		return nil, unavailable("read the signing keys", err)
	}
	k.failed = unavailable("read the signing keys", err)
	if !usable {
		k.pause(remakeAfter)
		return nil, k.failed
	}
	k.pause(reloadPause)
	k.logger.WarnContext(ctx, "sts: the signing keys could not be read; going on with those read before", "err", err)
	return old, nil
}

// pause keeps others from asking a store that has just failed.
func (k *signingKeys) pause(d time.Duration) {
	k.retry.Store(k.clock.now().Add(min(d, k.reload())).UnixMilli())
}

func (k *signingKeys) pausing(now time.Time) bool { return now.UnixMilli() < k.retry.Load() }

// load reads the set, and puts the next key into it if it is time.
func (k *signingKeys) load(ctx context.Context) (*keySet, error) {
	for {
		read := k.clock.now()
		raw, err := k.values.Value(ctx, k.name)
		if err != nil {
			return nil, err
		}
		var s *keySet
		from := read
		if raw != nil {
			if s, err = k.parse(raw, read); err != nil {
				return nil, err
			}
			if !k.due(s, read) {
				return s, nil
			}
			from = read.Add(k.lead())
		}
		key, err := k.newSigningKey(from.Truncate(time.Millisecond))
		if err != nil {
			return nil, err
		}
		next, err := s.with(key, k, read)
		if err != nil {
			return nil, err
		}
		err = k.values.SwapValue(ctx, k.name, raw, next.raw)
		switch {
		case err == nil:
			return next, nil
		case errors.Is(err, apikey.ErrConflict): // somebody was faster
		case s != nil: // those that there are go on: a disk that is full is no reason to refuse what they have signed
			k.pause(reloadPause)
			k.logger.WarnContext(ctx, "sts: the next signing key could not be stored", "err", err)
			return s, nil
		default:
			return nil, err
		}
	}
}

// due reports whether the next key must be made. One that is to sign only long from now, by the clock of
// a machine that is ahead, is not taken for it.
func (k *signingKeys) due(s *keySet, now time.Time) bool {
	for i := len(s.keys) - 1; i >= 0; i-- {
		if from := s.keys[i].from; !from.After(now.Add(2 * k.lead())) {
			return !now.Before(from.Add(k.rotation - k.lead()))
		}
	}
	return true
}

// published returns a set, and how long it may be kept: a third of lead, if the set is younger than the rest.
func (k *signingKeys) published(ctx context.Context) (*keySet, time.Duration, error) {
	keep := k.lead() / 3
	s, err := k.current(ctx)
	if err != nil {
		return nil, 0, err
	}
	if now := k.clock.now(); now.Sub(s.read) > k.lead()-keep && !k.pausing(now) { // somebody is reading it, for too long
		wait, cancel := context.WithTimeout(ctx, reloadWait)
		defer cancel()
		if young, err := k.again(wait, s, false); err == nil {
			s = young
		}
	}
	return s, max(0, min(keep, k.lead()-k.clock.now().Sub(s.read))), nil
}

// find returns the public key of a kid, nil if there is none. For one that is not known the set is read
// again, but not often: kids of tokens can be made up.
func (k *signingKeys) find(ctx context.Context, kid string) (any, error) {
	s, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	key := s.find(kid)
	if now := k.clock.now(); key == nil && now.Sub(s.read) >= reloadPause && !k.pausing(now) {
		if s, err = k.again(ctx, s, true); err != nil {
			return nil, err
		}
		key = s.find(kid)
	}
	if key == nil {
		return nil, nil
	}
	return key.public.Key, nil
}

// signing returns the key that signs now.
func (k *signingKeys) signing(ctx context.Context, now time.Time) (*signingKey, error) {
	s, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	return s.signer(now), nil
}

// discard forgets all keys, and puts a new one in their place.
func (k *signingKeys) discard(ctx context.Context) error {
	for {
		raw, err := k.values.Value(ctx, k.name)
		if err == nil && raw != nil {
			err = k.values.SwapValue(ctx, k.name, raw, nil)
			// Whatever comes next: it may be gone. Who is reading it now does not keep it, either.
			k.discards.Add(1)
			k.set.Store(nil)
		}
		if errors.Is(err, apikey.ErrConflict) {
			continue
		}
		if err != nil {
			return unavailable("discard the signing keys", err)
		}
		break
	}
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return unavailable("make a signing key", ctx.Err())
	}
	defer func() { <-k.turn }()
	s, err := k.load(ctx)
	if err != nil {
		return unavailable("make a signing key", err)
	}
	k.set.Store(s)
	return nil
}
