package apikey

import (
	"errors"
	"sync/atomic"
	"unsafe"
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

// stats counts. Outcomes are striped by the stack of the goroutine that counts, so that cores do
// not pull one line of memory back and forth, even where all of them verify one key.
type stats struct {
	stripes                               [1 << stripeBits]struct{ cold, warm [outcomes]atomic.Uint64 }
	argon2, reads, useWrites, useFailures atomic.Uint64
}

const stripeBits = 6

// step is how far a call of Verify came.
type step int

const (
	shape step = iota // refused for its form
	warm              // answered from the cache
	cold              // all others
)

// ends counts a call by the error that it ends with.
func (s *stats) ends(by step, err error) {
	var here byte
	stack := uint64(uintptr(unsafe.Pointer(&here))) >> 11 // the smallest stack is 2 KiB
	stripe := &s.stripes[stack*0x9e3779b97f4a7c15>>(64-stripeBits)]
	switch {
	case by == shape:
		stripe.cold[malformed].Add(1)
	case by == warm && err == nil:
		stripe.warm[accepted].Add(1)
	case by == warm:
		stripe.warm[outcomeOf(err)].Add(1)
	default:
		stripe.cold[outcomeOf(err)].Add(1)
	}
}

func outcomeOf(err error) outcome {
	switch err {
	case nil:
		return accepted
	case ErrUnknown: // what a flood of forged keys ends with
		return unknown
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
	var fromCache uint64
	for i := range v.stats.stripes {
		for o := range n {
			answered := v.stats.stripes[i].warm[o].Load()
			fromCache += answered
			n[o] += answered + v.stats.stripes[i].cold[o].Load()
		}
	}
	gate := v.options.Gate.Stats()
	entries, bytes := v.cache.held()
	return Stats{
		Accepted: n[accepted], Malformed: n[malformed], Unknown: n[unknown], Revoked: n[revoked],
		Expired: n[expired], Denied: n[denied], Overloaded: n[overloaded], Unavailable: n[unanswered],
		Warm: fromCache, Argon2Runs: v.stats.argon2.Load(), Argon2Waits: gate.Waits, Argon2Refusals: gate.Refused,
		StoreReads: v.stats.reads.Load(), CachedEntries: entries, CachedBytes: bytes,
		LastUsedWrites: v.stats.useWrites.Load(), LastUsedFailures: v.stats.useFailures.Load(),
	}
}
