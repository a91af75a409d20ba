package modeltest_test

import (
	"context"
	"sync"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// bare hides that a store tells of changes.
type bare struct{ apikey.Store }

// watched is a Store whose feed is another's.
type watched struct {
	apikey.Store
	apikey.Watcher
}

// stopping is a Store whose calls stop before and after what they do, so that others come in
// between.
type stopping struct {
	apikey.Store
	stop func()
}

func (s stopping) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.stop()
	defer s.stop()
	return s.Store.Get(ctx, id)
}

func (s stopping) Replace(ctx context.Context, r *apikey.Record) error {
	s.stop()
	defer s.stop()
	return s.Store.Replace(ctx, r)
}

func (s stopping) Delete(ctx context.Context, id apikey.ID) error {
	s.stop()
	defer s.stop()
	return s.Store.Delete(ctx, id)
}

// stoppingFeed stops between a commit and the word of it.
type stoppingFeed struct {
	apikey.Watcher
	stop func()
}

func (s stoppingFeed) Watch(f func(apikey.Change)) func() {
	return s.Watcher.Watch(func(c apikey.Change) {
		s.stop()
		f(c)
	})
}

// shared is what the stores of several processes have in common: the data, and the log of what
// was changed, in the order of the commits.
type shared struct {
	apikey.Store
	mu  sync.Mutex // a commit and its line in the log are one
	log []apikey.ID
}

func (s *shared) commit(id apikey.ID, write func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := write()
	if err == nil {
		s.log = append(s.log, id)
	}
	return err
}

// polled is the Store of one process among several. What the others change it learns by
// poll; nothing calls that but the test.
type polled struct {
	*shared
	mu       sync.Mutex
	watchers map[*func(apikey.Change)]bool
	polling  chan struct{} // held by the one poll at a time; guards the next two
	read     int           // how much of the log
	begun    bool
	// mute leaves out the word of writes that wrote nothing, as a store must not.
	mute bool
}

func newPolled(s *shared) *polled {
	return &polled{shared: s, watchers: make(map[*func(apikey.Change)]bool), polling: make(chan struct{}, 1)}
}

func (p *polled) Replace(ctx context.Context, r *apikey.Record) error {
	return p.write(ctx, r.ID, func() error { return p.Store.Replace(ctx, r) })
}

func (p *polled) Delete(ctx context.Context, id apikey.ID) error {
	return p.write(ctx, id, func() error { return p.Store.Delete(ctx, id) })
}

func (p *polled) write(ctx context.Context, id apikey.ID, write func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := p.commit(id, write)
	if err == nil || !p.mute {
		p.tell(apikey.Change{ID: id})
	}
	return err
}

func (p *polled) Watch(f func(apikey.Change)) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[&f] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, &f)
	}
}

func (p *polled) Heartbeat() time.Duration { return 100 * time.Millisecond }

func (p *polled) tell(c apikey.Change) {
	p.mu.Lock()
	var fs []func(apikey.Change)
	for f := range p.watchers {
		fs = append(fs, *f)
	}
	p.mu.Unlock()
	for _, f := range fs {
		f(c)
	}
}

// poll delivers what was committed since the last poll; if that is pruned, a gap.
func (p *polled) poll(pruned bool) {
	p.polling <- struct{}{}
	defer func() { <-p.polling }()
	fresh := time.Now()
	p.shared.mu.Lock()
	news := p.log[p.read:len(p.log):len(p.log)]
	p.read = len(p.log)
	p.shared.mu.Unlock()
	if pruned || !p.begun {
		p.begun = true
		p.tell(apikey.Change{Gap: true})
	} else {
		for _, id := range news {
			p.tell(apikey.Change{ID: id})
		}
	}
	p.tell(apikey.Change{Fresh: fresh})
}
