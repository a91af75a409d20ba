package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
)

// What is written down again here of texts and tags is what the library writes.
func TestTexts(t *testing.T) {
	t.Parallel()
	w := testWorld(t)
	for _, text := range w.warm[:50] {
		p := take(text)
		if got := p.text(); got != text {
			t.Fatalf("a text of %d characters came back as another one", len(text))
		}
		tag := p.tag
		if w.thief.sign(&p, 1); p.tag != tag {
			t.Fatal("the thief's tag is not the Issuer's")
		}
		if w.thief.sign(&p, 2); p.tag == tag {
			t.Fatal("the thief's tag does not cover the number")
		}
		for random := range 256 {
			for _, at := range []int{secretAt, secretEnd - 1} {
				changed := withDigit(text, at, byte(random))
				if changed[at] == text[at] || changed[:at] != text[:at] || changed[at+1:checksumAt] != text[at+1:checksumAt] {
					t.Fatal("another digit was changed than was asked for")
				}
				if _, err := apikey.KeyID(changed); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// reached is how far a call of Verify came.
type reached struct {
	malformed, unknown, dead, accepted, warm, reads, argon2 uint64
	status                                                  int // over HTTP
}

func (w *world) reached(calls func()) reached {
	w.status = 0
	was := w.verifier.Stats()
	calls()
	s := w.verifier.Stats()
	return reached{s.Malformed - was.Malformed, s.Unknown - was.Unknown, s.Revoked - was.Revoked + s.Expired - was.Expired,
		s.Accepted - was.Accepted, s.Warm - was.Warm, s.StoreReads - was.StoreReads, s.Argon2Runs - was.Argon2Runs, w.status}
}

// An experiment is worth something if its inputs get to what it is to time, and are what they are said to be. At the tag
// nothing was read; what the thief's key meets comes after one read, and is no argon2.
func TestExperiments(t *testing.T) {
	t.Parallel()
	const calls = 50
	w := testWorld(t)
	tag, thief := reached{unknown: calls}, reached{unknown: calls, reads: calls}
	malformed := reached{malformed: calls}
	warm, dead := reached{accepted: calls, warm: calls}, reached{dead: calls, reads: calls}
	want := map[string][2]reached{
		"forged: id warm / cold":                                           {tag, tag},
		"forged: id warm / unknown":                                        {tag, tag},
		"forged: id cold / unknown":                                        {tag, tag},
		"tag: wrong in its first / last byte, id warm":                     {tag, tag},
		"tag: wrong in its first / last byte, id unknown":                  {tag, tag},
		"warm secret beside its own tag: wrong in its first / last digit":  {tag, tag},
		"secret under a true tag: wrong in its first / last byte":          {thief, thief},
		"MAC in the record: wrong in its first / last byte":                {thief, thief},
		"forged, at the middleware: id warm / unknown":                     {{unknown: calls, status: 401}, {unknown: calls, status: 401}},
		"token of the management API: wrong in its first / last character": {{status: 401}, {status: 401}},

		"a loop over the secret that ends early: first / last digit":           {},
		"a Verify that asks first whether there is such an id: warm / unknown": {tag, {}},

		"checksum: wrong in its first / last digit":                  {malformed, malformed},
		"forged: checksum wrong / right":                             {malformed, tag},
		"forged: a tag that was rolled / the tag of a warm key":      {tag, tag},
		"wrong secret beside the key's own tag: key cold / warm":     {tag, tag},
		"good key: warm / changed since it was read":                 {warm, {accepted: calls, reads: calls}},
		"dead key: deleted / revoked":                                {thief, dead},
		"dead key: revoked / expired":                                {dead, dead},
		"dead key: revoked / rotated away":                           {dead, thief},
		"another secret under a true tag: id unknown / in the store": {thief, thief},
	}
	for _, e := range all(t, w) {
		outcome, ok := want[e.Name]
		if !ok {
			t.Errorf("%s: not in this test", e.Name)
		}
		delete(want, e.Name)
		for class := range 2 {
			got := w.reached(func() {
				for range calls {
					e.Call(e.Prepare(class))
				}
			})
			if got != outcome[class] {
				t.Errorf("%s, class %d: %+v, want %+v", e.Name, class, got, outcome[class])
			}
		}
	}
	for name := range want {
		t.Errorf("%s: there is no such experiment", name)
	}
}

// The classes are what their names say.
func TestClasses(t *testing.T) {
	t.Parallel()
	w := testWorld(t)
	for range 200 {
		for class, keys := range [][]string{w.warm, w.unknown} {
			p := take(w.forgedOf(w.warm, w.unknown)(class))
			if !slices.ContainsFunc(keys, func(text string) bool { return take(text).id == p.id && take(text).secret != p.secret }) {
				t.Fatalf("class %d: an id of another kind, or its own secret", class)
			}
		}
		for class, at := range []int{secretAt, secretEnd - 1} {
			text := w.wrongSecret(class)
			if !slices.ContainsFunc(w.warm, func(right string) bool {
				return text[at] != right[at] && text[:at] == right[:at] && text[at+1:checksumAt] == right[at+1:checksumAt]
			}) {
				t.Fatalf("class %d: no warm key with another digit at %d", class, at)
			}
		}
		for class, byteOf := range []uint64{0xff << 40, 0xff} {
			p := take(w.wrongTag(w.warm)(class))
			wrong := p.tag
			if w.thief.sign(&p, 1); wrong == p.tag || (wrong^p.tag)&^byteOf != 0 {
				t.Fatalf("class %d: a tag wrong by %x", class, wrong^p.tag)
			}
		}
		for class, at := range []int{0, 23} {
			p := take(w.thiefsSecret(class))
			right := take(w.cold[slices.IndexFunc(w.cold, func(text string) bool { return take(text).id == p.id })])
			if !differsAt(p.secret[:], right.secret[:], at) {
				t.Fatalf("class %d: another byte of the secret than %d is wrong", class, at)
			}
		}
		for class, at := range []int{0, 31} {
			id := apikey.ID(take(w.wrongMAC(class)).id)
			r, err := w.store.Get(t.Context(), id)
			if err != nil || !differsAt(r.Credentials[0].MAC, w.macs[id], at) {
				t.Fatalf("class %d: another byte of the MAC than %d is wrong, %v", class, at, err)
			}
		}
	}
}

func differsAt(a, b []byte, at int) bool {
	return a[at] != b[at] && bytes.Equal(a[:at], b[:at]) && bytes.Equal(a[at+1:], b[at+1:])
}

// The program's verdict is that of the gate.
func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, holds := range []bool{true, false} {
		var out strings.Builder
		p := &program{out: &out, samples: 1, match: regexp.MustCompile("")}
		e := dudect.Experiment{Name: "a name", Prepare: func(int) string { return "" }, Call: func(string) {}}
		ok := p.judge(e, func(run func() dudect.Result) (bool, []dudect.Result) { return holds, []dudect.Result{run()} }, "good", "bad")
		verdict := map[bool]string{true: "| good |", false: "| bad |"}[holds]
		if ok != holds || !strings.Contains(out.String(), "| a name |") || !strings.Contains(out.String(), verdict) {
			t.Errorf("the gate holds: %v; judged %v\n%s", holds, ok, out.String())
		}
	}
}

func testWorld(t *testing.T) *world {
	t.Helper()
	w, err := newWorld(t.Context(), 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.verifier.Close() })
	return w
}

func all(t *testing.T, w *world) []dudect.Experiment {
	t.Helper()
	http, err := w.overHTTP()
	if err != nil {
		t.Fatal(err)
	}
	unequal, err := w.unequal()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(w.equal(), http, w.controls(), unequal)
}
