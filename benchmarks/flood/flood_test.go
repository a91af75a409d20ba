package main

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
)

// The whole program, small. Only what is counted is looked at, never a time.
func TestCounts(t *testing.T) {
	t.Parallel()
	o := options{warm: 50, rate: 2000, texts: 500, rounds: 1, flooders: 1, round: 20 * time.Millisecond}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	m, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range kinds {
		for _, r := range m.rounds[i] {
			if r.argon2 != 0 || r.reads != 0 || r.notWarm != 0 {
				t.Errorf("%s: %d argon2 runs, %d store reads, %d warm keys not warm", k.name, r.argon2, r.reads, r.notWarm)
			}
			if r.texts == 0 || r.alone.Count != 40 || r.during.Count != 40 {
				t.Errorf("%s: nothing was measured: %+v", k.name, r)
			}
		}
	}
	s := m.section(o)
	if len(s.Tables) != len(kinds)+1 || slices.ContainsFunc(s.Tables, func(t report.Table) bool { return len(t.Rows) == 0 }) {
		t.Errorf("the tables %+v", s.Tables)
	}
}

// Each kind is refused at the step that it is made for, and no two texts of a kind are the same.
func TestKinds(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: "acme_live"}})
	known := make(map[string]bool)
	var live []string
	for range 10 {
		key, text := keys.Create(t, apikey.CreateParams{})
		live, known[key.ID()] = append(live, text), true
	}
	for _, k := range single {
		texts := k.texts(live, 100)
		before := keys.Verifier.Stats()
		for _, text := range texts {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != k.err {
				t.Fatalf("%s: %q: %v, want %v", k.name, text, err, k.err)
			}
			id, err := apikey.KeyID(text)
			if wellFormed := k.err == apikey.ErrUnknown; wellFormed != (err == nil) {
				t.Fatalf("%s: %q: %v", k.name, text, err)
			}
			if known[id] != (k.name == "forged, id known") {
				t.Fatalf("%s: the id %s", k.name, id)
			}
			if right := len(text) == len(live[0]); right != (k.name != "garbage, wrong length" && k.name != "empty") {
				t.Fatalf("%s: %q has %d characters", k.name, text, len(text))
			}
		}
		after := keys.Verifier.Stats()
		if n := after.Unknown - before.Unknown + after.Malformed - before.Malformed; n != 100 {
			t.Errorf("%s: %d of 100 were counted", k.name, n)
		}
		slices.Sort(texts)
		if n := len(slices.Compact(texts)); k.name != "empty" && n < 90 {
			t.Errorf("%s: %d different texts of 100", k.name, n)
		}
	}
	if texts := mixed(live, 100); len(texts) != 100 || !slices.Contains(texts, "") {
		t.Errorf("the mixed flood: %q", texts)
	}
}

// A flood that gets through is an error, and no figure.
func TestAcceptedIsNoFlood(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	f := start(t.Context(), keys.Verifier, kinds[0], []string{text}, 1)
	f.group.Wait()
	if _, _, err := f.stop(nil); err == nil {
		t.Error("a live key passed for a forged one")
	}
}
