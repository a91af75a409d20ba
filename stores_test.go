package apikey_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// unwatched hides that a store tells of changes.
type unwatched struct{ apikey.Store }

// polled is a store with a feed that the test drives: writes through it are not told of by
// themselves, as if another process had made them.
type polled struct {
	apikey.Store
	heartbeat time.Duration
	mu        sync.Mutex
	watchers  []func(apikey.Change)
}

func (p *polled) Heartbeat() time.Duration { return p.heartbeat }

func (p *polled) Watch(f func(apikey.Change)) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers = append(p.watchers, f)
	return func() {}
}

func (p *polled) tell(c apikey.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.watchers {
		f(c)
	}
}

// Replace tells of itself, as the contract asks: of Version 0 and of conflicts, too.
func (p *polled) Replace(ctx context.Context, r *apikey.Record) error {
	err := p.Store.Replace(ctx, r)
	p.tell(apikey.Change{ID: r.ID})
	return err
}

// counted counts the calls of a store that has a feed.
type counted struct {
	apikey.Store
	apikey.Watcher
	gets, values, uses, writes atomic.Int64

	mu       sync.Mutex
	recorded []apikey.Use
	onGet    func() // runs before a Get
}

func count(s interface {
	apikey.Store
	apikey.Watcher
}) *counted {
	return &counted{Store: s, Watcher: s}
}

func (c *counted) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	c.gets.Add(1)
	c.mu.Lock()
	f := c.onGet
	c.mu.Unlock()
	if f != nil {
		f()
	}
	return c.Store.Get(ctx, id)
}

func (c *counted) Value(ctx context.Context, name string) ([]byte, error) {
	c.values.Add(1)
	return c.Store.Value(ctx, name)
}

func (c *counted) Replace(ctx context.Context, r *apikey.Record) error {
	c.writes.Add(1)
	return c.Store.Replace(ctx, r)
}

func (c *counted) RecordUse(ctx context.Context, uses []apikey.Use) error {
	c.uses.Add(1)
	c.mu.Lock()
	c.recorded = append(c.recorded, uses...)
	c.mu.Unlock()
	return c.Store.RecordUse(ctx, uses)
}

// failingUse fails to record uses while it is told to.
type failingUse struct {
	*counted
	fails atomic.Bool
}

var errDown = errors.New("store is down")

func (f *failingUse) RecordUse(ctx context.Context, uses []apikey.Use) error {
	if f.fails.Load() {
		return errDown
	}
	return f.counted.RecordUse(ctx, uses)
}
