package apikey

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// reads lets those who want the same record at the same time share one read of the store.
//
// A read may be shared only with callers who came before it began, or, if the feed is live,
// as long as no change was told since it began: one who comes after a Revoke returned must
// not be served by a read that began before. Everybody else waits for it to end, and then
// one of them reads for all. The one who reads does so in its own goroutine and under its own
// context; if that context ends, a waiter reads again.
type reads struct {
	store Store
	feed  *feed
	count *atomic.Uint64

	mu      sync.Mutex
	order   uint64 // numbers arrivals and beginnings
	running map[ID]*read
}

type read struct {
	began uint64
	mark  mark // sampled before the read
	live  bool

	done      chan struct{} // made by the first who waits; closed when the rest is set
	record    *Record       // nil: there is none; shared, so not to be changed
	facts     facts         // what keys show of it
	err       error
	abandoned bool // by a caller whose context ended
}

func (s *reads) get(ctx context.Context, id ID) (*read, error) {
	s.mu.Lock()
	s.order++
	arrived := s.order
	for {
		r := s.running[id]
		if r == nil {
			s.order++
			r = &read{began: s.order, mark: s.feed.mark(id), live: s.feed.live()}
			s.running[id] = r
			s.mu.Unlock()
			s.read(ctx, id, r)
			return r, r.err
		}
		shared := arrived < r.began || r.live && s.feed.live() && s.feed.mark(id) == r.mark
		if r.done == nil {
			r.done = make(chan struct{})
		}
		s.mu.Unlock()
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, endOf(ctx)
		}
		if shared && !r.abandoned {
			return r, r.err
		}
		s.mu.Lock()
	}
}

var errWrongRecord = errors.New("the store answered with another record")

func (s *reads) read(ctx context.Context, id ID, r *read) {
	r.abandoned = true // should the store panic
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, id)
		if r.done != nil {
			close(r.done)
		}
	}()
	s.count.Add(1)
	record, err := s.store.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		r.err = err
	case record == nil || record.ID != id:
		r.err = errWrongRecord
	default:
		r.record = record
		r.facts = pack(record)
	}
	r.abandoned = r.err != nil && ctx.Err() != nil
}
