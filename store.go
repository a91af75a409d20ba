package apikey

import (
	"context"
	"strings"
	"time"
)

// Store keeps records and a few small named values. The packages below store/ are
// implementations; package store/storetest tests any other.
//
// A Store is safe for concurrent use and linearizable, and a nil error from a write
// means that it is durable. A context that is already done has no effect and its error
// is the answer; one that ends later may leave the outcome of a write unknown. A store
// neither keeps nor changes what it is handed, and what it returns is the caller's own.
//
// The errors named at each method are matched with [errors.Is]; anything else a store
// returns is a fault, which a [Verifier] answers with [ErrUnavailable].
//
// The interface will not grow: further powers are optional interfaces, like [Watcher].
type Store interface {
	// Create stores a record under its ID as Version 1, whatever r.Version says, and with the
	// last-used times that it holds, as a restored one does.
	// ErrExists if the ID is there, ErrNameTaken if another record has its non-empty UniqueKey.
	Create(ctx context.Context, r *Record) error

	// Get returns the record as last committed, never from a replica that may lag. ErrNotFound.
	Get(ctx context.Context, id ID) (*Record, error)

	// Replace stores r with Version r.Version+1 if r.Version is the stored one. ErrConflict
	// if it is not, or if the record is gone: Replace never creates. ErrNameTaken as in
	// Create. The stored last-used times stay, whatever r holds (see [Record.KeepUse]).
	// A Replace with Version 0 never writes and answers ErrConflict.
	Replace(ctx context.Context, r *Record) error

	// Delete removes the record and frees its UniqueKey. ErrNotFound.
	Delete(ctx context.Context, id ID) error

	// List returns records that match f with an ID below before (zero: no bound), newest
	// first, at most limit of them. next is what to pass as before to go on; zero: there
	// are no more. So that the work of one call is bounded, a page may be short, or empty,
	// with next set. A limit below 1 is an error. While records come and go, every record
	// that matches from the first page to the last is seen exactly once.
	List(ctx context.Context, f Filter, before ID, limit int) (page []*Record, next ID, err error)

	// Count returns how many records match f.
	Count(ctx context.Context, f Filter) (int, error)

	// RecordUse applies a batch of last-used times in one transaction (see [Use.Apply]).
	// Times only move forward; ids and numbers that are not there are skipped. It changes
	// no Version and is no Change to a Watcher.
	RecordUse(ctx context.Context, uses []Use) error

	// Value returns a small named value; nil: there is none.
	Value(ctx context.Context, name string) ([]byte, error)

	// SwapValue sets a named value if its present one is old. A name is any bytes, but not none. nil means absence: as old,
	// that there must be none; as new, that it is deleted. An empty value that is not nil
	// is a value. ErrConflict if the present value is another.
	SwapValue(ctx context.Context, name string, old, new []byte) error
}

// Watcher is what a [Store] also implements if it can tell of changes. With it a
// [Verifier] trusts the records it has read until a change is told; without it, it reads
// the record at every call.
//
// A lost notification may delay a revocation, up to [VerifierOptions].MaxStaleness, and
// must never hide one.
type Watcher interface {
	// Watch calls f for every change, also concurrently, until stop returns. stop waits for calls
	// under way, so it is never called from f; calling it again does nothing. Watch does no I/O and
	// can't fail: a feed that is down is silent. f neither blocks nor calls the store.
	//
	// f may be told of more than there was: of Creates, and of one change twice. Each Replace and
	// Delete through this Store value calls f after its commit and before
	// it returns: also when it returns an error but may have committed, and also when it
	// returns ErrConflict or ErrNotFound, since then someone else was first. What others
	// write arrives later, in the order of their commits.
	Watch(f func(Change)) (stop func())

	// Heartbeat is the longest pause between two Fresh of a healthy feed. Zero means that
	// nobody else can write while the store is open, so that silence is fresh.
	Heartbeat() time.Duration
}

// Change is what a feed tells. Its fields apply in this order.
type Change struct {
	// Gap: distrust every record read before. Sent with the first poll, when resuming past
	// changes that were pruned, and at Close.
	Gap bool
	// ID, unless zero: this record was changed or is gone.
	ID ID
	// Fresh, unless zero: all that was committed before this instant has been delivered. It is
	// [time.Now], with its monotonic reading, taken before the feed was read.
	Fresh time.Time
}

// ChangesKept is how long a [ChangeLog] remembers a change, at least.
const ChangesKept = time.Hour

// ChangeLog is what a [Store] also implements if it remembers which records were changed lately.
// Package sts needs it to tell the verifiers of other processes which keys have died: a process
// that has just started, or another one on the same store, must know what happened before.
type ChangeLog interface {
	// Changes returns the records that were replaced or deleted no longer than within ago by the
	// store's own clock, each once, in no order; it may return more. It is linearizable and durable as
	// the change itself: a change is in it from its commit on, until ChangesKept has passed. A
	// clock that was set back, or is right again after it was ahead, hides none. Creates, RecordUse and
	// writes that were refused are no changes. A within below zero, or above ChangesKept, is an error.
	Changes(ctx context.Context, within time.Duration) ([]Logged, error)
}

// Logged is the latest change of a record.
type Logged struct {
	ID       ID
	Sequence uint64 // higher with every change of this record
}

// Filter selects records. Zero fields select all.
type Filter struct {
	Subject  string    // exactly this subject
	Type     string    // exactly this type
	NameFold string    // Record.NameFold contains it, byte by byte, without wildcards
	ValidAt  time.Time // neither revoked nor, at this time of the caller's clock, expired
}

// Match reports whether r is selected.
func (f *Filter) Match(r *Record) bool {
	return (f.Subject == "" || f.Subject == r.Subject) &&
		(f.Type == "" || f.Type == r.Type) &&
		(f.NameFold == "" || strings.Contains(r.NameFold, f.NameFold)) &&
		(f.ValidAt.IsZero() || r.RevokedAt.IsZero() && (r.ExpiresAt.IsZero() || f.ValidAt.Before(r.ExpiresAt)))
}
