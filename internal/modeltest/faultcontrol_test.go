package modeltest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// TestBrokenUnderFaults: what is wrong after a fault shows in the lives.
func TestBrokenUnderFaults(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct {
		name    string
		mishaps []string // in which it has to show
		setup   setup
		found   string
	}{
		{"Revoke's error is swallowed", []string{"it fails", "the caller leaves before it"},
			setup{revoked: func(error) error { return nil }}, "revoke of a key that is {live 0 2 0} answered <nil>, and it is {live 0 2 0}"},
		{"after a fault, records are old", []string{"it is done, and fails", "the caller leaves after it"},
			setup{behind: func(s apikey.Store, l *life) apikey.Store {
				return watched{&stale{Store: s, fault: l.fault, seen: make(map[apikey.ID]*apikey.Record)}, s.(apikey.Watcher)}
			}}, "of a key that is {revoked 0 2 1} answered credential 1 of {live"},
		{"nobody is told of writes that seem to fail", []string{"it is done, and fails", "the caller leaves before it returns"},
			setup{behind: func(s apikey.Store, l *life) apikey.Store {
				return watched{s, quiet{s.(apikey.Watcher), l.fault}}
			}}, "of a key that is {revoked 0 2 1} answered credential 1 of {live"},
		{"nor of what others do while a call is held", []string{"others revoke before it"},
			setup{behind: func(s apikey.Store, l *life) apikey.Store {
				return watched{s, quiet{s.(apikey.Watcher), l.fault}}
			}}, "a Verify that began after the keys were revoked answered <nil>"},
		{"a key that can't be read is said not to be there", []string{"it fails", "the caller leaves before it"},
			setup{behind: func(s apikey.Store, _ *life) apikey.Store { return missing{s} }}, "of a key that is {live 0 2 0} answered apikey: unknown key"},
	} {
		for _, m := range mishaps() {
			for _, name := range broken.mishaps {
				if m.name != name {
					continue
				}
				t.Run(broken.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					wrong, _, _ := eachCall(t, memory(t), broken.setup, m)
					for _, w := range wrong {
						if strings.Contains(w, broken.found) {
							t.Logf("found, with %d others: %s", len(wrong)-1, w)
							return
						}
					}
					t.Errorf("not found; but:\n%s", strings.Join(wrong, "\n"))
				})
			}
		}
	}
}

// A secret that is printed is found.
func TestLeakInALife(t *testing.T) {
	t.Parallel()
	l := newLife(t, memstore.New(), "", setup{}, new(storetest.Fault), nil)
	k := l.create("a", "first")
	l.printed.WriteString("an error that quotes " + k.texts[0][len(k.texts[0])-50:])
	if wrong := l.end(); len(wrong) != 1 || !strings.Contains(wrong[0], "a part of a secret was printed") {
		t.Errorf("found: %v", wrong)
	}
}

// stale returns records as it first read them, once there was a fault.
type stale struct {
	apikey.Store
	fault *storetest.Fault
	mu    sync.Mutex
	seen  map[apikey.ID]*apikey.Record
}

func (s *stale) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.Store.Get(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.seen[id]; old != nil && s.fault.Calls() > s.fault.Call {
		return old.Clone(), nil
	}
	if err == nil && s.seen[id] == nil {
		s.seen[id] = r.Clone()
	}
	return r, err
}

// quiet tells of nothing while the call goes wrong.
type quiet struct {
	apikey.Watcher
	fault *storetest.Fault
}

func (q quiet) Watch(f func(apikey.Change)) (stop func()) {
	return q.Watcher.Watch(func(c apikey.Change) {
		if q.fault.Calls() != q.fault.Call {
			f(c)
		}
	})
}

// missing takes every failure to read a record for an answer.
type missing struct{ apikey.Store }

func (m missing) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := m.Store.Get(ctx, id)
	if err != nil && !errors.Is(err, apikey.ErrNotFound) {
		err = apikey.ErrNotFound
	}
	return r, err
}
