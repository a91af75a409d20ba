package modeltest_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// TestBrokenAreFound: the histories are such that the usual mistakes show in them. Each of these
// was made by somebody, and passes tests that revoke a key which is warm already.
func TestBrokenAreFound(t *testing.T) {
	for _, broken := range []struct {
		name  string
		build func(w *world, stop func())
	}{
		{"a cache that checks first and fills later", func(w *world, stop func()) {
			p := w.watched(stop)
			w.issuer(p)
			n := &naive{verifier: reading(w, p), keys: make(map[string]*apikey.Key)}
			p.store.(apikey.Watcher).Watch(n.told)
			p.verifiers = append(p.verifiers, n)
		}},
		{"callers who join whatever is under way", func(w *world, stop func()) {
			p := w.watched(stop)
			w.issuer(p)
			p.verifiers = append(p.verifiers, &joining{verifier: reading(w, p), running: make(map[string]*joint)})
		}},
		{"a store that is silent about writes that came second", func(w *world, stop func()) {
			s := &shared{Store: memstore.New()}
			for range 2 {
				p := w.polled(s, stop)
				p.feed.mute = true
				w.issuer(p)
				w.verifier(p, roomy)
			}
		}},
	} {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			// One history in a hundred shows it, or more: thousands never all miss it.
			seed := newSeed(t)
			for n := range 5000 {
				a := scheduled(t, broken.build, rand.New(rand.NewPCG(seed, uint64(n))))
				if why := a.h.illegal(len(a.w.processes)); strings.Contains(why, "are illegal") {
					t.Logf("found in history %d:\n%s", n, why)
					return
				}
			}
			t.Error("thousands of histories, and all of them legal")
		})
	}
}

// reading returns a Verifier that reads the record at every call.
func reading(w *world, p *process) verifier {
	unwatched := &process{store: bare{p.store}}
	w.verifier(unwatched, roomy)
	return unwatched.verifiers[0]
}

// naive is a cache of accepted keys, and forgets those that are changed.
type naive struct {
	verifier
	mu   sync.Mutex
	keys map[string]*apikey.Key // by text
}

func (n *naive) Verify(ctx context.Context, text string) (*apikey.Key, error) {
	n.mu.Lock()
	key := n.keys[text]
	n.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := n.verifier.Verify(ctx, text)
	if err == nil {
		n.mu.Lock()
		n.keys[text] = key
		n.mu.Unlock()
	}
	return key, err
}

func (n *naive) told(c apikey.Change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for text, key := range n.keys {
		if strings.HasSuffix(key.ID(), c.ID.String()) {
			delete(n.keys, text)
		}
	}
}

// joining has all who present a text while it is being verified share the answer.
type joining struct {
	verifier
	mu      sync.Mutex
	running map[string]*joint
}

type joint struct {
	done chan struct{}
	key  *apikey.Key
	err  error
}

func (j *joining) Verify(ctx context.Context, text string) (*apikey.Key, error) {
	j.mu.Lock()
	if run := j.running[text]; run != nil {
		j.mu.Unlock()
		<-run.done
		return run.key, run.err
	}
	run := &joint{done: make(chan struct{})}
	j.running[text] = run
	j.mu.Unlock()

	run.key, run.err = j.verifier.Verify(ctx, text)
	j.mu.Lock()
	delete(j.running, text)
	j.mu.Unlock()
	close(run.done)
	return run.key, run.err
}
