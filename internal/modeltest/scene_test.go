package modeltest_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// holding is a Store that holds reads between the instant at which they read and their return.
type holding struct {
	apikey.Store
	mu   sync.Mutex
	next chan struct{} // what the next read waits for; nil: nothing
}

func (h *holding) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := h.Store.Get(ctx, id)
	h.mu.Lock()
	turn := h.next
	h.next = nil
	h.mu.Unlock()
	if turn != nil {
		<-turn
	}
	return r, err
}

// hold has the next read held. reached fails the test unless there was one: then it would test
// nothing.
func (h *holding) hold(t *testing.T) (reached, release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	turn := make(chan struct{})
	h.next = turn
	return func() {
		t.Helper()
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.next == turn {
			t.Fatal("no read was held")
		}
	}, func() { close(turn) }
}

// scene is one key and a Verifier of it, whose reads can be held, in a bubble of synctest.
type scene struct {
	t        *testing.T
	store    *holding
	verifier *apikey.Verifier
	issuer   *apikey.Issuer // on the same Store value
	feed     *polled        // nil: nobody else can write
	others   *apikey.Issuer // of another process
	gate     *hash.Gate     // the Verifier's
	key      *apikey.Key
	text     string
	state    view // what is true
}

// bound is the MaxStaleness of the scenes' Verifiers.
const bound = time.Second

// stage sets a scene: of a store that others write to, too; of one that is alone; or of one that
// does not tell of changes.
func stage(t *testing.T, kind string) *scene {
	s := &scene{t: t, store: new(holding)}
	var store apikey.Store
	switch kind {
	case "polled":
		data := &shared{Store: memstore.New()}
		s.feed = newPolled(data)
		s.store.Store = s.feed
		store = watched{s.store, s.feed}
		s.others = s.newIssuer(newPolled(data))
	case "alone":
		data := memstore.New()
		s.store.Store = data
		store = watched{s.store, data}
	case "not watched":
		s.store.Store = memstore.New()
		store = s.store
	}
	s.issuer = s.newIssuer(store)
	var err error
	if s.gate, err = hash.NewGate(1, 0, 0); err != nil {
		t.Fatal(err)
	}
	s.verifier, err = apikey.NewVerifier(store, &apikey.VerifierOptions{MaxStaleness: bound, Gate: s.gate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.verifier.Close() })
	key, secret, err := s.issuer.Create(t.Context(), apikey.CreateParams{Subject: "user_1", Name: "scene"})
	if err != nil {
		t.Fatal(err)
	}
	s.key, s.text, s.state = key, secret.Reveal(), viewOf(key)
	s.poll(false)
	return s
}

func (s *scene) newIssuer(store apikey.Store) *apikey.Issuer {
	i, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: apikeytest.Params()})
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

func (s *scene) poll(pruned bool) {
	if s.feed != nil {
		s.feed.poll(pruned)
	}
}

// look is one of the three ways to ask for the key.
func (s *scene) look(kind kind) output {
	switch kind {
	case verify:
		return answer(s.verifier.Verify(s.t.Context(), s.text))
	case know:
		return answer(s.verifier.Recognize(s.t.Context(), s.text))
	}
	return answer(s.verifier.Lookup(s.t.Context(), s.key.ID()))
}

var looks = []kind{verify, lookup, know}

// begin looks in a goroutine of its own, and returns when that has ended or waits.
func (s *scene) begin(kind kind) <-chan output {
	out := make(chan output, 1)
	go func() { out <- s.look(kind) }()
	synctest.Wait()
	return out
}

// beginHeld begins a look whose read is held until release.
func (s *scene) beginHeld(kind kind) (out <-chan output, release func()) {
	s.t.Helper()
	reached, release := s.store.hold(s.t)
	out = s.begin(kind)
	reached()
	return out, release
}

// explains reports whether a look at a key that is v ends like this.
func explains(v view, kind kind, out output) bool {
	in := input{kind: kind, n: 1}
	if kind == lookup {
		in.n = 0
	}
	return v.explains(in, out)
}

// expect fails the test unless a look that began after the last change ended by the state that it
// made.
func (s *scene) expect(what string, kind kind, out output) {
	s.t.Helper()
	if !explains(s.state, kind, out) {
		s.t.Errorf("%s: %s answered %v, and the key is %v", what, kind, out, s.state)
	}
}

// expectAll looks at the key in all ways, cold and warm.
func (s *scene) expectAll(when string) {
	s.t.Helper()
	for range 2 {
		for _, kind := range looks {
			s.expect(when, kind, s.look(kind))
		}
	}
}

type change struct {
	name string
	kind kind // to the model
	make func(ctx context.Context, i *apikey.Issuer, id string, n int) error
}

// changes are all that end or alter a key.
var changes = []change{
	{"Revoke", revoke, func(ctx context.Context, i *apikey.Issuer, id string, n int) error {
		_, err := i.Revoke(ctx, id, apikey.RevokeParams{Reason: strconv.Itoa(n)})
		return err
	}},
	{"RevokeSubject", revoke, func(ctx context.Context, i *apikey.Issuer, _ string, n int) error {
		_, err := i.RevokeSubject(ctx, "user_1", apikey.RevokeParams{Reason: strconv.Itoa(n)})
		return err
	}},
	{"Rotate", rotate, func(ctx context.Context, i *apikey.Issuer, id string, _ int) error {
		_, _, err := i.Rotate(ctx, id, apikey.RotateParams{})
		return err
	}},
	{"Rotate with grace", grace, func(ctx context.Context, i *apikey.Issuer, id string, _ int) error {
		_, _, err := i.Rotate(ctx, id, apikey.RotateParams{Grace: time.Hour})
		return err
	}},
	{"Update", update, func(ctx context.Context, i *apikey.Issuer, id string, n int) error {
		_, err := i.Update(ctx, id, apikey.UpdateParams{Claims: []byte(strconv.Itoa(n))})
		return err
	}},
	{"Delete", remove, func(ctx context.Context, i *apikey.Issuer, id string, _ int) error {
		return i.Delete(ctx, id)
	}},
	{"Delete for its subject", remove, func(ctx context.Context, i *apikey.Issuer, id string, _ int) error {
		return i.ForSubject("user_1").Delete(ctx, id)
	}},
}

// sources are who makes a change, and how the Verifier comes to know.
var sources = []struct {
	name  string
	store string
	by    func(s *scene) *apikey.Issuer
	then  func(s *scene)
}{
	{"here", "alone", here, nothing},
	{"here, not watched", "not watched", here, nothing},
	{"here, polled", "polled", here, nothing},
	{"elsewhere, told", "polled", elsewhere, func(s *scene) { s.poll(false) }},
	{"elsewhere, a gap", "polled", elsewhere, func(s *scene) { s.poll(true) }},
	{"elsewhere, and silence", "polled", elsewhere, func(*scene) { time.Sleep(bound + 1) }},
}

func here(s *scene) *apikey.Issuer      { return s.issuer }
func elsewhere(s *scene) *apikey.Issuer { return s.others }
func nothing(*scene)                    {}

// eachChange runs a trap for every change from every source. The trap calls change, and edit for
// an Update before it; what begins after one has returned must go by the new state.
func eachChange(t *testing.T, trap func(s *scene, edit, change func())) {
	for _, source := range sources {
		for _, c := range changes {
			t.Run(source.name+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := stage(t, source.store)
					trap(s, func() {
						s.change("Update", source.by(s))
						source.then(s)
					}, func() {
						s.change(c.name, source.by(s))
						source.then(s)
					})
					s.expectAll("after the change")
					s.poll(false)
					s.expectAll("after the next poll")
				})
			})
		}
	}
}

// change makes a change that must succeed.
func (s *scene) change(name string, by *apikey.Issuer) {
	s.t.Helper()
	n := s.state.claims + 1
	for _, c := range changes {
		if c.name != name {
			continue
		}
		if err := c.make(s.t.Context(), by, s.key.ID(), n); err != nil {
			s.t.Fatal(err)
		}
		s.state, _ = s.state.after(input{kind: c.kind, n: n})
	}
}
