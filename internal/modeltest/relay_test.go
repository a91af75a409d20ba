package modeltest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// relay is a Store whose watchers hear of its own changes at once, and of all that it tells late, and edited.
type relay struct {
	*pgstore.Store
	late func() time.Duration
	edit func(*apikey.Change) // when it arrives

	mu  sync.Mutex
	own map[*func(apikey.Change)]bool
}

func (r *relay) Replace(ctx context.Context, record *apikey.Record) error {
	defer r.tell(record.ID)
	return r.Store.Replace(ctx, record)
}

func (r *relay) Delete(ctx context.Context, id apikey.ID) error {
	defer r.tell(id)
	return r.Store.Delete(ctx, id)
}

func (r *relay) tell(id apikey.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for f := range r.own {
		(*f)(apikey.Change{ID: id})
	}
}

func (r *relay) Watch(f func(apikey.Change)) (stop func()) {
	type parcel struct {
		due    time.Time
		change apikey.Change
	}
	way := make(chan parcel, 1<<16) // so that the store never waits
	arrived := make(chan struct{})
	go func() {
		defer close(arrived)
		for p := range way {
			<-time.After(time.Until(p.due))
			r.edit(&p.change)
			f(p.change)
		}
	}()
	r.mu.Lock()
	r.own[&f] = true
	r.mu.Unlock()
	unwatch := r.Store.Watch(func(c apikey.Change) { way <- parcel{time.Now().Add(r.late()), c} })
	return func() {
		unwatch()
		close(way)
		<-arrived
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.own, &f)
	}
}

// deaf tells that it is fresh, and not of what.
func deaf(t *testing.T, dsn string, options *pgstore.Options) apikey.Store {
	return &relay{Store: openStore(t, dsn, options, nil), own: make(map[*func(apikey.Change)]bool),
		late: func() time.Duration { return 0 }, edit: func(c *apikey.Change) { c.ID = apikey.ID{} }}
}

// boastful takes the time at which its news arrives for that at which it was read.
func boastful(t *testing.T, dsn string, options *pgstore.Options) apikey.Store {
	return &relay{Store: openStore(t, dsn, options, nil), own: make(map[*func(apikey.Change)]bool),
		late: func() time.Duration { return 2 * shortBound }, edit: func(c *apikey.Change) {
			if !c.Fresh.IsZero() {
				c.Fresh = time.Now()
			}
		}}
}
