package modeltest_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// verifier is what the histories ask of a Verifier, so that broken ones can take its place.
type verifier interface {
	Verify(ctx context.Context, text string) (*apikey.Key, error)
	Lookup(ctx context.Context, id string) (*apikey.Key, error)
	Recognize(ctx context.Context, text string) (*apikey.Key, error)
	Close() error
}

// process is what works on one Store value.
type process struct {
	store     apikey.Store
	feed      *polled // nil: nobody else can write
	issuers   []*apikey.Issuer
	verifiers []verifier
}

// world is the processes that work on the same keys.
type world struct {
	t         *testing.T
	staleness time.Duration // the bound of the feeds; only silence exceeds it
	real      bool          // time is, and nobody polls: what others change is known when the bound has passed
	processes []*process
	atomic    bool // Verifiers read the record at every look
}

func (w *world) issuer(p *process) {
	i, err := apikey.NewIssuer(p.store, &apikey.IssuerOptions{Argon2: apikeytest.Params()})
	if err != nil {
		w.t.Fatal(err)
	}
	p.issuers = append(p.issuers, i)
}

func (w *world) verifier(p *process, opts apikey.VerifierOptions) {
	opts.MaxStaleness = w.staleness
	v, err := apikey.NewVerifier(p.store, &opts)
	if err != nil {
		w.t.Fatal(err)
	}
	p.verifiers = append(p.verifiers, v)
}

func (w *world) close() {
	for _, p := range w.processes {
		for _, v := range p.verifiers {
			if err := v.Close(); err != nil {
				w.t.Error(err)
			}
		}
	}
}

var (
	roomy = apikey.VerifierOptions{CacheBytes: 1 << 16}
	tight = apikey.VerifierOptions{CacheBytes: 1} // whatever is put into the cache is pushed out at once
)

// variants are the set-ups that must keep the promise. stop is called wherever somebody else
// might come in between.
var variants = []struct {
	name  string
	build func(w *world, stop func())
}{
	{"watched", func(w *world, stop func()) {
		p := w.watched(stop)
		w.issuer(p)
		w.verifier(p, roomy)
	}},
	{"not watched", func(w *world, stop func()) {
		w.atomic = true
		p := &process{store: stopping{memstore.New(), stop}}
		w.processes = append(w.processes, p)
		w.issuer(p)
		w.verifier(p, roomy)
	}},
	{"two Verifiers", func(w *world, stop func()) {
		p := w.watched(stop)
		w.issuer(p)
		w.issuer(p)
		w.verifier(p, roomy)
		w.verifier(p, tight)
	}},
	// They write what they change about credentials, while others revoke the key.
	{"Verifiers that write", func(w *world, stop func()) {
		p := w.watched(stop)
		w.issuer(p)
		keyring, err := apikey.NewKeyring(make([]byte, 32))
		if err != nil {
			w.t.Fatal(err)
		}
		w.verifier(p, apikey.VerifierOptions{CacheBytes: 1 << 16, Keyring: keyring})
		w.verifier(p, apikey.VerifierOptions{CacheBytes: 1 << 16, Rehash: hash.Params{Memory: 16, Time: 1, Threads: 1}})
	}},
	{"two processes", func(w *world, stop func()) {
		s := &shared{Store: memstore.New()}
		for range 2 {
			p := w.polled(s, stop)
			w.issuer(p)
			w.verifier(p, roomy)
		}
	}},
}

func (w *world) watched(stop func()) *process {
	s := memstore.New()
	p := &process{store: watched{stopping{s, stop}, stoppingFeed{s, stop}}}
	w.processes = append(w.processes, p)
	return p
}

func (w *world) polled(s *shared, stop func()) *process {
	feed := newPolled(s)
	p := &process{store: watched{stopping{feed, stop}, stoppingFeed{feed, stop}}, feed: feed}
	w.processes = append(w.processes, p)
	return p
}

// act is one key, and the calls about it.
type act struct {
	w   *world
	h   history
	id  string
	rng *rand.Rand // draws the calls, not in their goroutines

	mu    sync.Mutex
	texts map[int]string // by number, as far as they were handed out
}

// newAct creates the key.
func newAct(w *world, rng *rand.Rand) *act {
	a := &act{w: w, rng: rng, texts: make(map[int]string)}
	if w.real {
		a.h.bound, a.h.began = w.staleness, time.Now()
	}
	process, p := pick(rng, w.processes)
	a.h.record(process, input{kind: create, change: a.change()}, func() output {
		key, secret, err := p.issuers[0].Create(w.t.Context(), apikey.CreateParams{Subject: "user_1", Name: "model"})
		if err == nil {
			a.id = key.ID()
			a.texts[1] = secret.Reveal()
		}
		return answer(key, err)
	})
	return a
}

// warm has every Verifier accept the key, and live on its feed from then on.
func (a *act) warm() {
	for i, p := range a.w.processes {
		if p.feed != nil {
			a.poll(i, p.feed, false)()
		}
		for _, v := range p.verifiers {
			a.look(i, v, verify, true)()
		}
	}
}

func (a *act) change() int { return int(a.h.changes.Add(1)) }

func pick[T any](rng *rand.Rand, from []T) (int, T) {
	i := rng.IntN(len(from))
	return i, from[i]
}

// someChange draws a change and returns the call of it.
func (a *act) someChange() (call func()) {
	process, p := pick(a.rng, a.w.processes)
	_, issuer := pick(a.rng, p.issuers)
	_, kind := pick(a.rng, []kind{revoke, revoke, revoke, rotate, rotate, grace, update, update, remove})
	return func() {
		in := input{kind: kind, change: a.change(), atomic: a.w.atomic}
		if kind == update || kind == revoke {
			in.n = in.change
		}
		var secret apikey.Secret
		out := a.h.record(process, in, func() output {
			var key *apikey.Key
			var err error
			ctx := a.w.t.Context()
			switch kind {
			case update:
				key, err = issuer.Update(ctx, a.id, apikey.UpdateParams{Claims: []byte(strconv.Itoa(in.n))})
			case rotate:
				key, secret, err = issuer.Rotate(ctx, a.id, apikey.RotateParams{})
			case grace:
				key, secret, err = issuer.Rotate(ctx, a.id, apikey.RotateParams{Grace: 24 * time.Hour})
			case revoke:
				key, err = issuer.Revoke(ctx, a.id, apikey.RevokeParams{Reason: strconv.Itoa(in.n)})
			case remove:
				err = issuer.Delete(ctx, a.id)
			}
			return answer(key, err)
		})
		if text := secret.Reveal(); text != "" {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.texts[newest(out.seen)] = text
		}
	}
}

// someLook draws a look and returns the call of it.
func (a *act) someLook() (call func()) {
	process, p := pick(a.rng, a.w.processes)
	_, v := pick(a.rng, p.verifiers)
	_, kind := pick(a.rng, []kind{verify, verify, verify, verify, lookup, know})
	return a.look(process, v, kind, a.rng.IntN(3) == 0)
}

func (a *act) look(process int, v verifier, kind kind, old bool) (call func()) {
	return func() {
		ctx := a.w.t.Context()
		n, text := a.secret(old)
		switch kind {
		case verify:
			a.h.record(process, input{kind: kind, n: n}, func() output { return answer(v.Verify(ctx, text)) })
		case know:
			a.h.record(process, input{kind: kind, n: n}, func() output { return answer(v.Recognize(ctx, text)) })
		case lookup:
			a.h.record(process, input{kind: kind}, func() output { return answer(v.Lookup(ctx, a.id)) })
		}
	}
}

// somePoll draws a poll and returns the call of it; nil: there is no feed to poll.
func (a *act) somePoll() (call func()) {
	process, p := pick(a.rng, a.w.processes)
	if p.feed == nil {
		return nil
	}
	return a.poll(process, p.feed, a.rng.IntN(4) == 0)
}

func (a *act) poll(process int, feed *polled, pruned bool) (call func()) {
	return func() {
		a.h.record(process, input{kind: poll}, func() output { feed.poll(pruned); return output{} })
	}
}

// secret returns the first secret or the newest that is handed out.
func (a *act) secret(old bool) (number int, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	number = 1
	for n := range a.texts {
		if !old {
			number = max(number, n)
		}
	}
	return number, a.texts[number]
}
