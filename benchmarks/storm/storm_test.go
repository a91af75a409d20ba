package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// The tests' own program is what restarts.
func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		exit(child(context.Background(), os.Stdin, os.Stdout))
	}
	// The race detector waits for a second when a program ends, and there are many.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		exit(err)
	}
	os.Exit(m.Run())
}

func small() options {
	return options{keys: 300, goroutines: 16, rounds: 2, cold: 60, coldRounds: 1, warm: 50, rate: 2000, queue: 16, params: apikeytest.Params()}
}

// The whole program with few keys. Only what is counted is looked at, never a time.
func TestCounts(t *testing.T) {
	t.Parallel()
	o := small()
	m, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.keyring) != o.rounds || len(m.cold) != o.coldRounds || len(m.floor) != o.coldRounds || len(m.queue) != o.coldRounds {
		t.Fatalf("%d, %d, %d and %d rounds", len(m.keyring), len(m.cold), len(m.floor), len(m.queue))
	}
	for _, c := range m.keyring {
		if s := c.storm; s.Argon2 != 0 || s.Reads != 301 || s.Calls.Count != 300 || s.Took == 0 {
			t.Errorf("the storm with a keyring: %+v", s)
		}
		if r := c.reads; r.Reads != 300 || r.Calls.Count != 300 || r.Took == 0 {
			t.Errorf("the reads alone: %+v", r)
		}
	}
	for _, c := range m.cold {
		// What made the warm keys warm is not of the storm.
		if c.Argon2 != 60 || c.Reads != 60 || c.Before != 50 || c.Calls.Count != 60 {
			t.Errorf("the storm without a keyring: %+v", c)
		}
		if c.NotWarm != 0 || c.Alone.Count == 0 || c.During.Count == 0 {
			t.Errorf("the warm traffic: %+v", c)
		}
	}
	for _, f := range m.floor {
		if f.Calls.Count != 60 || f.Alone.Count == 0 || f.During.Count == 0 {
			t.Errorf("the floor: %+v", f)
		}
	}
	for _, q := range m.queue {
		if q.Calls.Count+q.Refused.Count != 60 || q.OnTop.Count > 60-17 || q.Argon2 != uint64(q.Calls.Count) {
			t.Errorf("the short queue: %+v", q)
		}
	}
	s := m.section(o)
	for _, want := range []string{"argon2 runs", "store reads", "peak RSS", "calls after it was full", "storm over reads alone", "the floor: p99"} {
		if !strings.Contains(fmt.Sprint(s.Tables), want) {
			t.Errorf("the tables lack %q: %+v", want, s.Tables)
		}
	}
}

// A storm without the keyring that the keys have costs argon2, and is counted.
func TestForeignKeyringCosts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := issue(t.Context(), dir, allTexts, 20, &apikey.IssuerOptions{Argon2: apikeytest.Params()}); err != nil {
		t.Fatal(err)
	}
	o, err := restart(t.Context(), job{Kind: "keyring", Dir: dir, Goroutines: 4, Keyring: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
	if err != nil {
		t.Fatal(err)
	}
	if o.Argon2 != 20 || o.Calls.Count != 20 {
		t.Errorf("20 keys without a MAC: %+v", o)
	}
}

// As long as the one permit is taken, the queue takes 16 and refuses the rest.
func TestFullQueueRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := issue(t.Context(), dir, coldTexts, 50, &apikey.IssuerOptions{Argon2: apikeytest.Params()}); err != nil {
		t.Fatal(err)
	}
	cold, err := readTexts(dir, coldTexts)
	if err != nil {
		t.Fatal(err)
	}
	store, err := boltstore.Open(filepath.Join(dir, storeFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	verifier := func() (*apikey.Verifier, *hash.Gate) {
		gate, err := hash.NewGate(1, 16, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		v, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Gate: gate})
		if err != nil {
			t.Fatal(err)
		}
		hold(t, gate, 34)
		return v, gate
	}
	var o outcome
	v, gate := verifier()
	if err := crowd(t.Context(), v, gate, cold, &o); err != nil {
		t.Fatal(err)
	}
	if o.Refused.Count != 34 || o.Calls.Count != 16 || o.Argon2 != 16 || o.Reads != 51 {
		t.Errorf("of 50 at once, 34 are to be refused: %+v", o)
	}
	v, gate = verifier()
	if err := onTop(t.Context(), v, gate, cold, 16, 16, &o); err != nil {
		t.Fatal(err)
	}
	if o.OnTop.Count != 34 {
		t.Errorf("34 that come after 16 are to be refused: %+v", o)
	}
	if err := onTop(t.Context(), v, gate, cold[:5], 16, 17, &o); err == nil {
		t.Error("5 keys fill a queue of 16")
	}
}

// hold takes the one permit of a gate until it has refused so many.
func hold(t *testing.T, gate *hash.Gate, refusals uint64) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	go gate.Do(t.Context(), [16]byte{}, func() { close(held); <-free })
	<-held
	go func() {
		for gate.Stats().Refused < refusals && t.Context().Err() == nil {
			runtime.Gosched()
		}
		close(free)
	}()
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	o := small()
	if err := o.check(); err != nil {
		t.Error(err)
	}
	o.rounds = 0
	if o.check() == nil {
		t.Error("no rounds")
	}
	o = small()
	o.cold = 1025
	if o.check() == nil {
		t.Error("more cold keys than the queue takes")
	}
}

func TestUnknownJob(t *testing.T) {
	t.Parallel()
	if _, err := (job{Kind: "?"}).do(t.Context()); err == nil {
		t.Error("an unknown measurement is no error")
	}
}
