package modeltest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// life is a scripted life of keys: an Issuer and a Verifier on a store of which one call goes
// wrong. Each answer must be one that what is stored explains, and what is stored one that the
// answers explain, by the model of model_test.go.
//
// What is stored is read past the fault, right after each change. So a change that failed is known
// to have been made or not, and everything that comes after it has one right answer.
type life struct {
	t     *testing.T
	setup setup
	fault *storetest.Fault
	cause error // what the fault's failures must match
	truth *apikey.Issuer
	store apikey.Store // with the fault

	issuer   *apikey.Issuer
	verifier *apikey.Verifier

	keys     []*mortal
	name     string             // a part of all subjects: other lives may share the store
	doing    string             // the present step
	subject  string             // whose keys it is about
	held     bool               // another has revoked the subject's keys while the call was held
	late     chan []error       // what Verify answers that began after that
	used     map[*mortal]uint16 // bit n: credential n was accepted since this process began
	failures int                // calls that failed
	printed  *bytes.Buffer      // errors and logs
	wrong    []string
}

// setup is what a life is led with.
type setup struct {
	issuer   apikey.IssuerOptions
	verifier apikey.VerifierOptions
	after    int // the life ends so many calls after the fault; 0: it goes on
	// For those who break something; nil: as it is.
	revoked func(error) error                      // what Revoke's answer is taken for
	behind  func(apikey.Store, *life) apikey.Store // the store of the Verifier, from that with the fault
}

// mortal is a key as the model has it.
type mortal struct {
	subject, id string
	texts       []string // by number, from 1 on; "": nobody got it
	state       view
}

func newLife(t *testing.T, inner apikey.Store, name string, s setup, fault *storetest.Fault, cause error) *life {
	l := &life{t: t, setup: s, fault: fault, cause: cause, name: name, printed: new(bytes.Buffer)}
	if fault.Hold != nil {
		fault.Hold = l.disturb
	}
	log := slog.New(slog.NewTextHandler(l.printed, nil))
	l.setup.issuer.Argon2, l.setup.issuer.UniqueNames, l.setup.issuer.Logger = apikeytest.Params(), true, log
	l.setup.verifier.CacheBytes = 1 << 16
	l.setup.verifier.LastUsedInterval, l.setup.verifier.Logger = time.Hour, log // written at Close
	l.store = fault.Wrap(inner)
	var err error
	if l.truth, err = apikey.NewIssuer(inner, &apikey.IssuerOptions{Argon2: apikeytest.Params()}); err != nil {
		t.Fatal(err)
	}
	l.begin()
	return l
}

// begin is the start of a process: nothing is cached.
func (l *life) begin() {
	l.used = make(map[*mortal]uint16)
	var err error
	if l.issuer, err = apikey.NewIssuer(l.store, &l.setup.issuer); err != nil {
		l.t.Fatal(err)
	}
	store := l.store
	if l.setup.behind != nil {
		store = l.setup.behind(store, l)
	}
	if l.verifier, err = apikey.NewVerifier(store, &l.setup.verifier); err != nil {
		l.t.Fatal(err)
	}
}

// step makes the next step, unless the fault is long over and the life is to end then.
func (l *life) step(f func()) {
	if l.setup.after == 0 || l.fault.Calls() <= l.fault.Call+l.setup.after {
		f()
	}
}

// end looks at all keys once more, and returns what was wrong.
func (l *life) end() (wrong []string) {
	for _, k := range l.keys {
		l.look(k)
	}
	l.verifier.Close()
	if where := l.leaked(); where != "" {
		l.errorf("%s", where)
	}
	return l.wrong
}

func (l *life) errorf(format string, args ...any) {
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// disturb is what happens while the call is held: somebody else, past the fault, revokes all keys
// that the step is about. What begins to be verified from then on is refused.
func (l *life) disturb(context.Context) {
	l.held = true
	if _, err := l.truth.RevokeSubject(l.t.Context(), l.subject, apikey.RevokeParams{Reason: "99"}); err != nil {
		l.errorf("the other's RevokeSubject: %v", err)
	}
	var texts []string
	for _, k := range l.keys {
		if k.subject == l.subject && l.doing != closing {
			texts = append(texts, k.texts...)
		}
	}
	verifier, late := l.verifier, make(chan []error, 1)
	l.late = late
	go func() {
		var errs []error
		for _, text := range texts {
			_, err := verifier.Verify(l.t.Context(), text)
			errs = append(errs, err)
		}
		late <- errs
	}()
}

// closing is the step after which nothing is verified by the same Verifier.
const closing = "Close"

// ending is how a call ended.
type ending struct {
	err    error
	failed bool // of the system: it says nothing about the key
	hit    bool // the fault was in it
	held   bool // somebody else revoked the subject's keys meanwhile
}

// call makes one call of the Issuer or the Verifier, for one who leaves if that is the fault.
func (l *life) call(what, subject string, f func(ctx context.Context) error) ending {
	l.doing, l.subject, l.held = what, subject, false
	before := l.fault.Calls()
	ctx, cancel := l.fault.Context(l.t.Context())
	defer cancel()
	e := ending{err: f(ctx), held: l.held}
	e.hit = before < l.fault.Call && l.fault.Call <= l.fault.Calls()
	e.failed = errors.Is(e.err, apikey.ErrUnavailable) || errors.Is(e.err, apikey.ErrOverloaded)
	if e.held {
		for _, err := range <-l.late {
			if !errors.Is(err, apikey.ErrRejected) {
				l.errorf("%s: a Verify that began after the keys were revoked answered %v", what, err)
			}
		}
	}
	fmt.Fprintf(l.printed, "%v %+v %#v\n", e.err, e.err, e.err)
	if !e.failed {
		return e
	}
	l.failures++
	if !e.hit || l.cause == nil || !errors.Is(e.err, l.cause) {
		l.errorf("%s failed, and not by the fault: %v", what, e.err)
	}
	var invalid *apikey.ValidationError
	for _, answer := range []error{apikey.ErrRejected, apikey.ErrNotFound, apikey.ErrNameTaken, apikey.ErrRevokedKey} {
		if errors.Is(e.err, answer) || errors.As(e.err, &invalid) {
			l.errorf("%s failed with an error that says something of the key: %v", what, e.err)
		}
	}
	return e
}

// twice makes a call again if it failed: there is one fault, and when it is over all is well.
func (l *life) twice(what, subject string, f func(ctx context.Context) error, judge func(ending)) {
	e := l.call(what, subject, f)
	judge(e)
	l.reread(e)
	if e.failed {
		e = l.call(what+", again", subject, f)
		if judge(e); e.failed {
			l.errorf("%s failed again: %v", what, e.err)
		}
	}
}
