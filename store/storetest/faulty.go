package storetest

import (
	"context"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

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

type faulty struct {
	store apikey.Store
	fault *Fault
}

func (s *faulty) Create(ctx context.Context, r *apikey.Record) error {
	return s.fault.do(ctx, func(ctx context.Context) error { return s.store.Create(ctx, r) })
}

func (s *faulty) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	var r *apikey.Record
	err := s.fault.do(ctx, func(ctx context.Context) (err error) { r, err = s.store.Get(ctx, id); return err })
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *faulty) Replace(ctx context.Context, r *apikey.Record) error {
	return s.fault.do(ctx, func(ctx context.Context) error { return s.store.Replace(ctx, r) })
}

func (s *faulty) Delete(ctx context.Context, id apikey.ID) error {
	return s.fault.do(ctx, func(ctx context.Context) error { return s.store.Delete(ctx, id) })
}

func (s *faulty) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	var page []*apikey.Record
	var next apikey.ID
	err := s.fault.do(ctx, func(ctx context.Context) (err error) {
		page, next, err = s.store.List(ctx, f, before, limit)
		return err
	})
	if err != nil {
		return nil, apikey.ID{}, err
	}
	return page, next, nil
}

func (s *faulty) Count(ctx context.Context, f apikey.Filter) (int, error) {
	var n int
	err := s.fault.do(ctx, func(ctx context.Context) (err error) { n, err = s.store.Count(ctx, f); return err })
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (s *faulty) RecordUse(ctx context.Context, uses []apikey.Use) error {
	return s.fault.do(ctx, func(ctx context.Context) error { return s.store.RecordUse(ctx, uses) })
}

func (s *faulty) Value(ctx context.Context, name string) ([]byte, error) {
	var v []byte
	err := s.fault.do(ctx, func(ctx context.Context) (err error) { v, err = s.store.Value(ctx, name); return err })
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (s *faulty) SwapValue(ctx context.Context, name string, old, new []byte) error {
	return s.fault.do(ctx, func(ctx context.Context) error { return s.store.SwapValue(ctx, name, old, new) })
}

type faultyLog struct {
	log   apikey.ChangeLog
	fault *Fault
}

func (l faultyLog) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	var all []apikey.Logged
	err := l.fault.do(ctx, func(ctx context.Context) (err error) { all, err = l.log.Changes(ctx, within); return err })
	if err != nil {
		return nil, err
	}
	return all, nil
}
