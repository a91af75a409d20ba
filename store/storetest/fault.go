package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// Fault makes one call to a store fail, for tests of what is built on a store:
//
//	for n := 1; ; n++ {
//		fault := &storetest.Fault{Call: n}
//		s := fault.Wrap(memstore.New())
//		// … use s, and see that a failure is never taken for success
//		if fault.Calls() < n {
//			break // every call has had its turn
//		}
//	}
//
// The zero value lets every call pass and counts them. It is safe for concurrent use, its
// fields are set before Wrap.
type Fault struct {
	Call  int   // which call fails, counted from 1 over all methods of all stores wrapped; 0: none
	After bool  // the call is done before it fails: a write that was committed and seems not to be
	Err   error // what it answers; nil: an error that matches nothing

	calls atomic.Int64
}

var errFault = errors.New("storetest: fault")

// Calls returns how many calls to methods of [apikey.Store] and [apikey.ChangeLog] there were.
func (f *Fault) Calls() int { return int(f.calls.Load()) }

// Wrap returns s with the fault. It implements [apikey.Watcher] and [apikey.ChangeLog] if s does,
// and nothing else that s may implement; calls to a Watcher are neither counted nor failed.
func (f *Fault) Wrap(s apikey.Store) apikey.Store {
	faulty := &faulty{s, f}
	w, watches := s.(apikey.Watcher)
	l, logs := s.(apikey.ChangeLog)
	switch {
	case watches && logs:
		return struct {
			apikey.Store
			apikey.Watcher
			apikey.ChangeLog
		}{faulty, w, faultyLog{l, f}}
	case watches:
		return struct {
			apikey.Store
			apikey.Watcher
		}{faulty, w}
	case logs:
		return struct {
			apikey.Store
			apikey.ChangeLog
		}{faulty, faultyLog{l, f}}
	}
	return faulty
}

// do calls the store, unless it is the turn to fail.
func (f *Fault) do(call func() error) error {
	if f.calls.Add(1) != int64(f.Call) {
		return call()
	}
	if f.After {
		_ = call()
	}
	if f.Err != nil {
		return f.Err
	}
	return errFault
}

type faulty struct {
	store apikey.Store
	fault *Fault
}

func (s *faulty) Create(ctx context.Context, r *apikey.Record) error {
	return s.fault.do(func() error { return s.store.Create(ctx, r) })
}

func (s *faulty) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	var r *apikey.Record
	err := s.fault.do(func() (err error) { r, err = s.store.Get(ctx, id); return err })
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *faulty) Replace(ctx context.Context, r *apikey.Record) error {
	return s.fault.do(func() error { return s.store.Replace(ctx, r) })
}

func (s *faulty) Delete(ctx context.Context, id apikey.ID) error {
	return s.fault.do(func() error { return s.store.Delete(ctx, id) })
}

func (s *faulty) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	var page []*apikey.Record
	var next apikey.ID
	err := s.fault.do(func() (err error) { page, next, err = s.store.List(ctx, f, before, limit); return err })
	if err != nil {
		return nil, apikey.ID{}, err
	}
	return page, next, nil
}

func (s *faulty) Count(ctx context.Context, f apikey.Filter) (int, error) {
	var n int
	err := s.fault.do(func() (err error) { n, err = s.store.Count(ctx, f); return err })
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (s *faulty) RecordUse(ctx context.Context, uses []apikey.Use) error {
	return s.fault.do(func() error { return s.store.RecordUse(ctx, uses) })
}

func (s *faulty) Value(ctx context.Context, name string) ([]byte, error) {
	var v []byte
	err := s.fault.do(func() (err error) { v, err = s.store.Value(ctx, name); return err })
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (s *faulty) SwapValue(ctx context.Context, name string, old, new []byte) error {
	return s.fault.do(func() error { return s.store.SwapValue(ctx, name, old, new) })
}

type faultyLog struct {
	log   apikey.ChangeLog
	fault *Fault
}

func (l faultyLog) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	var all []apikey.Logged
	err := l.fault.do(func() (err error) { all, err = l.log.Changes(ctx, within); return err })
	if err != nil {
		return nil, err
	}
	return all, nil
}
