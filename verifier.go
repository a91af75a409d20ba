package apikey

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Verifier checks keys. Safe for concurrent use; it must be closed.
//
// Every error either matches [ErrRejected], and one of [ErrMalformed], [ErrUnknown],
// [ErrRevoked], [ErrExpired] and [ErrDenied], or is a failure of the system and matches
// [ErrOverloaded] or [ErrUnavailable], and its cause. No error holds a part of what was presented.
type Verifier struct {
	store   Store
	options VerifierOptions
	clock   *clock
	feed    *feed
	seed    *seed
	reads   *reads
	cache   *cache
	hashing *hashing
	uses    *lastUsed
	stats   *stats

	rewrites rewrites
	closed   atomic.Bool
	closing  func() error
	unwatch  func()
}

// NewVerifier returns a Verifier on store. It does no I/O: the seed is read at the first
// call. A wrong option is a [*ValidationError].
func NewVerifier(store Store, opts *VerifierOptions) (*Verifier, error) {
	if store == nil {
		return nil, invalid("store", "required")
	}
	var o VerifierOptions
	if opts != nil {
		o = *opts
	}
	if err := o.complete(store); err != nil {
		return nil, err
	}
	v := &Verifier{store: store, options: o, clock: newClock(), stats: new(stats), unwatch: func() {}}
	v.feed = newFeed(v.clock, store, o.MaxStaleness)
	v.seed = newSeed(store, &v.stats.reads)
	v.reads = &reads{store: store, feed: v.feed, count: &v.stats.reads, running: make(map[ID]*read)}
	v.hashing = &hashing{v: v, running: make(map[work]*flight)}
	v.hashing.ctx, v.hashing.cancel = context.WithCancelCause(context.Background())
	v.uses = &lastUsed{store: store, interval: o.LastUsedInterval,
		step: int64(o.LastUsedInterval) / 8, log: o.Logger, stats: v.stats, pending: make(map[credentialID]int64)}
	v.uses.ctx, v.uses.cancel = context.WithCancel(context.Background())
	v.cache = newCache(v.feed, o.CacheBytes, v.uses.keep)
	v.uses.cache = v.cache
	v.closing = sync.OnceValue(v.close)
	if w, ok := store.(Watcher); ok {
		v.unwatch = w.Watch(v.told)
	}
	return v, nil
}

// told is what the store calls.
func (v *Verifier) told(c Change) {
	if c.Gap {
		v.feed.gap()
	}
	if !c.ID.IsZero() {
		v.feed.changed(c.ID)
		v.cache.distrust(c.ID)
	}
	if !c.Fresh.IsZero() {
		v.feed.fresh(c.Fresh)
	}
}

var errClosed = fmt.Errorf("%w: the Verifier is closed", ErrUnavailable)

// Verify accepts or refuses the text of a key. What it accepts was neither revoked, expired,
// deleted nor rotated away at some instant during the call.
//
// A key that is warm is judged from memory, without an allocation or I/O, and then it does not
// matter whether ctx has ended. The only lock is a short one, taken when its use is noted: once in
// a LastUsedInterval, or eight times while there are more uses to be written than are kept. Nothing
// but a text with a true tag ever reaches the store, and nothing but one with a current number
// reaches argon2.
func (v *Verifier) Verify(ctx context.Context, text string) (*Key, error) {
	key, by, err := v.verify(ctx, text)
	v.stats.ends(by, err)
	return key, err
}

func (v *Verifier) verify(ctx context.Context, text string) (key *Key, by step, err error) {
	if v.closed.Load() {
		return nil, cold, errClosed
	}
	// 1. Shape. Prefix and digits are looked at after a miss: a hit equals a text that passed.
	if !checksumHolds(text) {
		return nil, shape, ErrMalformed
	}

	// 2. Warm. What is judged is what was true when the clock was read, or later.
	if s, version := v.cache.find(text); s != nil {
		mono, now := v.clock.read()
		live := v.feed.liveAt(mono) // before trust is read: what made the feed live again has told of changes first
		if h, trust, ok := s.read(version); live && ok && v.cache.trusts(trust) {
			s.visit()
			key, err = v.accept(ctx, h, now)
			return key, warm, err
		}
	}
	key, err = v.verifyCold(ctx, text)
	return key, cold, err
}

// verifyCold is the rest of the seven steps.
func (v *Verifier) verifyCold(ctx context.Context, text string) (*Key, error) {
	var t token
	if !t.parse(text) || !v.takes(t.prefix) {
		return nil, ErrMalformed
	}

	// 3. Tag.
	if err := v.issuedHere(ctx, &t); err != nil {
		return nil, err
	}

	p := &presented{t, text, v.cache.secrets.sum(secretOf(text))}
	var proven, hash digest // hash: as far as argon2 has proven it
	for again := false; ; again = true {
		// 4. Record.
		r, err := v.reads.get(ctx, p.token.id)
		if err != nil {
			return nil, unavailable("read key "+p.keyID(), err)
		}

		// 5. Status.
		c, err := v.judge(r, p.token.id, p.token.prefix, p.token.number())
		if err != nil {
			return nil, &RejectedError{p.keyID(), err}
		}

		// 6. Secret.
		phc, hashed := v.cache.phcs.sum(bytesOf(c.Hash)), false
		if phc != proven || v.options.RequireMAC {
			by, err := v.prove(ctx, p, r.record, c, phc)
			if err != nil {
				return nil, p.rejectedOr(err)
			}
			proven, hash, hashed = phc, digest{}, by == byArgon2
			if by != byMAC {
				hash = phc
			}
		}

		// 7. Again, if a change came meanwhile, or if hashing took its time and nobody would
		// have told of one.
		if !again && (v.feed.mark(p.token.id) != r.mark || hashed && !v.feed.live()) {
			continue
		}
		return v.accept(ctx, v.cache.fill(p, hash, r, c), v.clock.nanos())
	}
}

// accept judges by the clock and by Check, and collects the use.
func (v *Verifier) accept(ctx context.Context, h hit, now int64) (*Key, error) {
	if err := h.over(now); err != nil {
		return nil, &RejectedError{h.entry.facts.keyID(), err}
	}
	if v.options.Check != nil {
		if err := v.allowed(ctx, h.entry.handedOut(), h.entry.facts); err != nil {
			return nil, err
		}
	}
	v.uses.use(h, now)
	return h.entry.handedOut(), nil
}

// Close writes the last-used times that are still to be written, for 5 seconds at most, and waits
// for argon2 runs under way. Afterwards every call is ErrUnavailable; so is the error that says that
// some last-used times could not be written. Closing again waits for the first Close and returns the
// same. It does not close the store.
func (v *Verifier) Close() error { return v.closing() }

func (v *Verifier) close() error {
	v.closed.Store(true)
	v.unwatch()
	v.hashing.close()
	return v.uses.close()
}
