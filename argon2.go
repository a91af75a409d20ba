package apikey

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// hashing runs argon2: once for a secret however many ask at once, behind the gate, and
// detached from those who ask. The permit belongs to the work: callers who go away must not
// make room for more work while theirs still runs.
type hashing struct {
	v      *Verifier
	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	closed  bool
	running map[work]*flight
	flights sync.WaitGroup
}

// work names what is to be computed, by the whole of what goes in.
type work struct {
	id     ID
	tag    uint64
	secret digest
	phc    digest
}

type flight struct {
	callers int
	started bool // argon2 runs, or ran: nothing stops it any more
	over    bool // it never will
	cancel  context.CancelFunc

	done    chan struct{} // closed when the rest is set
	matched bool
	err     error
}

func (h *hashing) matches(ctx context.Context, p *presented, r *Record, c *Credential, phc digest) (bool, error) {
	w := work{p.token.id, p.token.tag, p.digest, phc}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return false, errClosed
	}
	// A match is remembered before its flight is off the list, so between the two there is no gap.
	if h.v.cache.remembers(p, phc) {
		h.mu.Unlock()
		return true, nil
	}
	f := h.running[w]
	if f == nil && h.v.options.Gate.Refuse() {
		h.mu.Unlock()
		return false, hash.ErrBusy
	}
	if f == nil {
		f = &flight{done: make(chan struct{})}
		var queued context.Context
		queued, f.cancel = context.WithCancel(h.ctx)
		h.running[w] = f
		h.flights.Go(func() { h.fly(queued, w, f, p, r, c) })
	}
	f.callers++
	h.mu.Unlock()

	select {
	case <-f.done:
		return f.matched, f.err
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.callers--; f.callers == 0 && !f.started {
		f.over = true // nobody waits for it any more
		f.cancel()
		h.forget(w, f)
	}
	return false, endOf(ctx)
}

// fly waits for a permit, has the work done, and tells the callers.
func (h *hashing) fly(queued context.Context, w work, f *flight, p *presented, r *Record, c *Credential) {
	defer f.cancel()
	var m match
	ended := make(chan struct{})
	err := h.v.options.Gate.Do(queued, w.id, func() {
		defer close(ended)
		if h.start(f) {
			m = h.run(p, c)
		}
	})
	if h.started(f) {
		<-ended // Close may have ended the wait, but not the work
		err = m.err
	}
	if m.matches {
		h.keep(p, r, c, w.phc, m.lifted)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.matched, f.err = m.matches, err
	h.forget(w, f)
	close(f.done)
}

func (h *hashing) start(f *flight) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.started = !f.over
	return f.started
}

func (h *hashing) started(f *flight) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.over = f.over || !f.started
	return f.started
}

func (h *hashing) forget(w work, f *flight) {
	if h.running[w] == f {
		delete(h.running, w)
	}
}

type match struct {
	matches bool
	lifted  string // the PHC string of a costlier hash of the same secret; "": none
	err     error
}

// run holds a permit. Whether the costlier hash can be made is no matter of the match.
func (h *hashing) run(p *presented, c *Credential) match {
	digest, err := hash.Parse(c.Hash)
	if err != nil {
		return match{err: fmt.Errorf("its hash is damaged: %w", err)}
	}
	message := p.token.appendMessage(nil)
	h.v.stats.argon2.Add(1)
	if !digest.Matches(message) {
		return match{}
	}
	target := h.v.options.Rehash
	if target == (hash.Params{}) || !digest.Params().Below(target) || !h.v.rewrites.begin(h.v.clock) {
		return match{matches: true}
	}
	h.v.stats.argon2.Add(1)
	lifted, _ := hash.New(message, target)
	return match{matches: true, lifted: lifted.String()}
}

// keep remembers the match and stores the costlier hash, if there is one. It holds no permit.
func (h *hashing) keep(p *presented, r *Record, c *Credential, phc digest, lifted string) {
	h.v.cache.remember(p, phc)
	if lifted == "" {
		return
	}
	if h.v.rewrite(h.ctx, r, c.Number, func(c *Credential) { c.Hash = lifted }) {
		h.v.cache.remember(p, h.v.cache.phcs.sum(bytesOf(lifted)))
	}
}

// close ends what is queued and waits for what runs.
func (h *hashing) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel(errClosed)
	h.flights.Wait()
}
