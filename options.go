package apikey

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// Defaults of a Verifier.
const (
	defaultCacheBytes       = 64 << 20
	defaultMaxStaleness     = time.Second
	defaultLastUsedInterval = 30 * time.Second
)

// VerifierOptions are the choices of a [Verifier]. The zero value, and nil, are good ones.
type VerifierOptions struct {
	// Prefixes are those of the keys it takes; nil: any, since the tag covers the prefix.
	Prefixes []string
	// Keyring lets a key that is not cached be verified by its MAC, in microseconds; nil: by argon2.
	Keyring *Keyring
	// RequireMAC refuses every credential without a right MAC under the Keyring: then whoever can
	// write the store, but lacks the keyring, can't plant a working key.
	RequireMAC bool
	// Rehash lifts a hash that has no parameter above it and one below, when argon2 has just run;
	// zero: off.
	Rehash hash.Params
	// Gate bounds the argon2 runs; share one with the Issuers of the process. nil: one of its
	// own, with the defaults of [hash.NewGate].
	Gate *hash.Gate
	// CacheBytes bounds the cache's memory; 0 is 64 MiB. Below 2 KiB the empty cache may
	// take more than that.
	CacheBytes int64
	// MaxStaleness is how old the news from a store that others write to, too, may be before
	// nothing cached is trusted and every call reads the record; 0 is 1 s. It must exceed the
	// store's heartbeat.
	MaxStaleness time.Duration
	// LastUsedInterval is the time between two writes of a credential's last use, a millisecond at
	// least; 0 is 30 s.
	LastUsedInterval time.Duration
	// Check is asked before a key is accepted, at every call: is its owner still active? An error is a
	// rejection, ErrDenied, but for one that matches ErrUnavailable, ErrOverloaded or a
	// context's: that is a failure. It is called concurrently, on the hot path, and must be quick.
	Check func(ctx context.Context, key *Key) error
	// Logger is told, at level Warn, of what fails without failing a call; nil: nobody is.
	Logger *slog.Logger
}

// complete validates the options and fills in the defaults.
func (o *VerifierOptions) complete(store Store) (err error) {
	if o.Prefixes != nil && len(o.Prefixes) == 0 {
		return invalid("Prefixes", "empty, so that no key could be accepted")
	}
	o.Prefixes = slices.Clone(o.Prefixes)
	for i, p := range o.Prefixes {
		if !validPrefix(p) {
			return invalid("Prefixes", "prefix %d is not [a-z][a-z0-9]*(_[a-z0-9]+)* of at most %d characters", i+1, maxPrefix)
		}
	}
	if o.Keyring != nil && len(o.Keyring.keys) == 0 {
		return invalid("Keyring", "not one that NewKeyring made")
	}
	if o.RequireMAC && o.Keyring == nil {
		return invalid("RequireMAC", "it needs a Keyring")
	}
	if o.Rehash != (hash.Params{}) {
		if o.Rehash, err = o.Rehash.Resolve(); err != nil {
			return invalid("Rehash", "%v", err)
		}
	}
	if o.CacheBytes < 0 {
		return invalid("CacheBytes", "negative")
	}
	if o.MaxStaleness < 0 {
		return invalid("MaxStaleness", "negative")
	}
	if o.LastUsedInterval != 0 && o.LastUsedInterval < time.Millisecond {
		return invalid("LastUsedInterval", "under a millisecond")
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MaxStaleness == 0 {
		o.MaxStaleness = defaultMaxStaleness
	}
	if w, ok := store.(Watcher); ok && w.Heartbeat() >= o.MaxStaleness {
		return invalid("MaxStaleness", "does not exceed the store's heartbeat of %v", w.Heartbeat())
	}
	if o.LastUsedInterval == 0 {
		o.LastUsedInterval = defaultLastUsedInterval
	}
	if o.Gate == nil {
		if o.Gate, err = hash.NewGate(0, 0, 0); err != nil {
			return invalid("Gate", "%v", err)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
