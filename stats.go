package apikey

import (
	"errors"
	"sync/atomic"
)

// Stats is a snapshot of a Verifier's counters, which only grow, and gauges. The counters are
// read one after the other, while others count.
type Stats struct {
	// Calls of Verify by outcome. Their sum is the number of calls that ended.
	Accepted, Malformed, Unknown, Revoked, Expired, Denied, Overloaded, Unavailable uint64

	Warm uint64 // calls of Verify that were answered from the cache alone, accepted or not

	Argon2Runs uint64 // by this Verifier
	// Of the gate, so of all who share it: how many had to wait for a permit, and how many were
	// refused one, because the queue was full or the wait was over.
	Argon2Waits, Argon2Refusals uint64

	StoreReads uint64 // of records, and of the seed

	CachedEntries int   // credentials
	CachedBytes   int64 // the cache's table included

	LastUsedWrites   uint64 // last-used times written
	LastUsedFailures uint64 // batches that failed, and times that were dropped
}

type outcome int

const (
	accepted outcome = iota
	malformed
	unknown
	revoked
	expired
	denied
	overloaded
	unanswered
	outcomes
)

// stats counts. Outcomes are striped by the text, so that cores that verify different keys do
// not pull one line of memory back and forth.
type stats struct {
	stripes [16]struct {
		outcomes [outcomes]atomic.Uint64
		warm     atomic.Uint64
		_        [128 - (outcomes+1)*8]byte
	}
	argon2, reads, useWrites, useFailures atomic.Uint64
}

func stripe(text string) int {
	if text == "" {
		return 0
	}
	return int(text[len(text)-1] & 15)
}

// ends counts a call by the error that it ends with.
func (s *stats) ends(text string, err error) {
	s.stripes[stripe(text)].outcomes[outcomeOf(err)].Add(1)
}

func (s *stats) warm(text string) { s.stripes[stripe(text)].warm.Add(1) }

func outcomeOf(err error) outcome {
	if err == nil {
		return accepted
	}
	if err == ErrMalformed { // what a flood of garbage ends with
		return malformed
	}
	for _, o := range [...]struct {
		err error
		is  outcome
	}{{ErrOverloaded, overloaded}, {ErrUnavailable, unanswered}, {ErrDenied, denied}, {ErrUnknown, unknown},
		{ErrRevoked, revoked}, {ErrExpired, expired}, {ErrMalformed, malformed}} {
		if errors.Is(err, o.err) {
			return o.is
		}
	}
	return unanswered
}

// Stats returns the counters as they stand. It may be called at any time, also after Close.
func (v *Verifier) Stats() Stats {
	var n [outcomes]uint64
	var warm uint64
	for i := range v.stats.stripes {
		for o := range n {
			n[o] += v.stats.stripes[i].outcomes[o].Load()
		}
		warm += v.stats.stripes[i].warm.Load()
	}
	gate := v.options.Gate.Stats()
	entries, bytes := v.cache.held()
	return Stats{
		Accepted: n[accepted], Malformed: n[malformed], Unknown: n[unknown], Revoked: n[revoked],
		Expired: n[expired], Denied: n[denied], Overloaded: n[overloaded], Unavailable: n[unanswered],
		Warm: warm, Argon2Runs: v.stats.argon2.Load(), Argon2Waits: gate.Waits, Argon2Refusals: gate.Refused,
		StoreReads: v.stats.reads.Load(), CachedEntries: entries, CachedBytes: bytes,
		LastUsedWrites: v.stats.useWrites.Load(), LastUsedFailures: v.stats.useFailures.Load(),
	}
}

// held returns how many entries the cache has, and their bytes.
func (c *cache) held() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.count, c.bytes
}
