package modeltest_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-d3a9fb6b/apikey"
)

// event is one call: when it was made, when it returned, and of which process.
type event struct {
	process   int
	in        input
	out       output
	call, end int64
}

func (e event) String() string {
	return fmt.Sprintf("%3d..%3d process %d: %s %d -> %v %d %v",
		e.call, e.end, e.process, e.in.kind, e.in.n, e.out.err, e.out.number, e.out.seen)
}

func (e event) looks() bool   { return e.in.kind == verify || e.in.kind == lookup || e.in.kind == know }
func (e event) changes() bool { return !e.looks() && e.in.kind != poll && e.in.kind != silence }

// updates reports whether the Verifiers of a process know afterwards of all that was changed
// before: they are told of it, or trust nothing that they remember.
func (e event) updates(process int) bool {
	return e.in.kind == poll && e.process == process || e.in.kind == silence
}

// history is what was done to one key. Safe for concurrent use.
type history struct {
	clock   atomic.Int64
	bound   time.Duration // other processes know of a change so long after it; 0: they are polled, and time is the order of events
	began   time.Time     // what real time is counted from
	changes atomic.Int64
	mu      sync.Mutex
	events  []event
}

func (h *history) record(process int, in input, call func() output) output {
	e := event{process: process, in: in, call: h.now()}
	e.out = call()
	e.end = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	return e.out
}

// now is an instant between what has been recorded and what is yet to be.
func (h *history) now() int64 {
	if h.bound > 0 {
		return int64(time.Since(h.began))
	}
	return h.clock.Add(1)
}

// operations are those that the Verifiers of one process answer for: their looks, all changes,
// and when each change had to be known to them.
func (h *history) operations(process int) (ops []porcupine.Operation) {
	for _, e := range h.events {
		if e.looks() && e.process == process || e.changes() {
			ops = append(ops, porcupine.Operation{Input: e.in, Call: e.call, Output: e.out, Return: e.end})
		}
		if end, ok := h.settled(e, process); e.changes() && !e.in.atomic && ok {
			told := input{kind: settle, change: e.in.change}
			ops = append(ops, porcupine.Operation{Input: told, Call: e.call, Output: output{}, Return: end})
		}
	}
	return ops
}

// settled is when a change is known to a process at the latest: to that which made it, when
// it returns; to others, when the bound has passed since, or else at the end of the first poll of their
// feed, or of the first silence, that began afterwards.
func (h *history) settled(change event, process int) (end int64, ok bool) {
	if change.process == process {
		return change.end, true
	}
	if h.bound > 0 {
		return change.end + int64(h.bound), true
	}
	for _, e := range h.events {
		if e.updates(process) && e.call > change.end && (!ok || e.end < end) {
			end, ok = e.end, true
		}
	}
	return end, ok
}

// illegal says what the model has against the history; "": nothing.
func (h *history) illegal(processes int) string {
	for p := range processes {
		result := porcupine.CheckOperationsTimeout(model(), h.operations(p), 20*time.Second)
		if result != porcupine.Ok {
			return fmt.Sprintf("the answers of process %d are %s (illegal: no order of the calls explains them; "+
				"unknown: not decided in time):\n%s", p, strings.ToLower(string(result)), h)
		}
	}
	return ""
}

func (h *history) String() string {
	slices.SortFunc(h.events, func(a, b event) int { return cmp.Compare(a.call, b.call) })
	var b strings.Builder
	for _, e := range h.events {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}

// TestBound: a model of real time holds others to the bound, and to no more.
func TestBound(t *testing.T) {
	t.Parallel()
	key := view{is: live, alive: 1 << 1}
	for name, c := range map[string]struct {
		process   int // that revokes, from 3 to 5
		call, end int64
		legal     bool
	}{
		"accepted elsewhere before":             {1, 1, 2, true},
		"accepted elsewhere during":             {1, 4, 5, true},
		"accepted elsewhere at the bound":       {1, 15, 16, true},
		"accepted elsewhere past the bound":     {1, 16, 17, false},
		"begun elsewhere before, for very long": {1, 4, 99, true},
		"accepted here afterwards":              {0, 6, 7, false},
	} {
		h := &history{bound: 10, events: []event{
			{in: input{kind: create, change: 1}, out: output{seen: key}, end: 1},
			{process: c.process, in: input{kind: revoke, n: 7, change: 2},
				out: output{seen: view{is: revoked, alive: 1 << 1, reason: 7}}, call: 3, end: 5},
			{in: input{kind: verify, n: 1}, out: output{number: 1, seen: key}, call: c.call, end: c.end},
		}}
		if why := h.illegal(1); (why == "") != c.legal {
			t.Errorf("%s: legal is %v, want %v", name, why == "", c.legal)
		}
	}
}

// TestModel: the model itself accepts what is promised and no more.
func TestModel(t *testing.T) {
	t.Parallel()
	// The key is created at 1..2.
	at := func(call, end int64, in input, out output) event {
		return event{in: in, out: out, call: call, end: end}
	}
	first := view{is: live, alive: 1 << 1}
	created := at(1, 2, input{kind: create, change: 1}, output{seen: first})
	revokedAt := func(call, end int64, atomic bool) event {
		return at(call, end, input{kind: revoke, n: 7, change: 2, atomic: atomic}, output{seen: view{is: revoked, alive: 1 << 1, reason: 7}})
	}
	accepts := func(call, end int64) event {
		return at(call, end, input{kind: verify, n: 1}, output{number: 1, seen: first})
	}
	refuses := func(call, end int64) event {
		return at(call, end, input{kind: verify, n: 1}, output{err: apikey.ErrRevoked})
	}
	elsewhere := func(e event) event { e.process = 1; return e }
	catchUp := func(call, end int64) event { return at(call, end, input{kind: poll}, output{}) }

	for name, c := range map[string]struct {
		events []event
		legal  bool
	}{
		"accepted before":                       {[]event{accepts(3, 4), revokedAt(5, 6, false)}, true},
		"accepted during":                       {[]event{revokedAt(3, 6, false), accepts(4, 5)}, true},
		"accepted by who began during":          {[]event{revokedAt(3, 5, false), accepts(4, 6)}, true},
		"accepted after":                        {[]event{revokedAt(3, 4, false), accepts(5, 6)}, false},
		"refused before":                        {[]event{refuses(3, 4), revokedAt(5, 6, false)}, false},
		"refused after":                         {[]event{revokedAt(3, 4, false), refuses(5, 6)}, true},
		"refused, then accepted, during":        {[]event{revokedAt(3, 8, false), refuses(4, 5), accepts(6, 7)}, true},
		"the same without a cache":              {[]event{revokedAt(3, 8, true), refuses(4, 5), accepts(6, 7)}, false},
		"revoked elsewhere":                     {[]event{elsewhere(revokedAt(3, 4, false)), accepts(5, 6)}, true},
		"revoked elsewhere, then polled":        {[]event{elsewhere(revokedAt(3, 4, false)), catchUp(5, 6), accepts(7, 8)}, false},
		"revoked elsewhere during a poll":       {[]event{catchUp(3, 6), elsewhere(revokedAt(4, 5, false)), accepts(7, 8)}, true},
		"another secret's number":               {[]event{at(3, 4, input{kind: verify, n: 2}, output{number: 2, seen: first})}, false},
		"an answer that is none of the model's": {[]event{at(3, 4, input{kind: verify, n: 1}, output{err: context.Canceled})}, false},
	} {
		h := &history{events: append([]event{created}, c.events...)}
		if why := h.illegal(1); (why == "") != c.legal {
			t.Errorf("%s: legal is %v, want %v", name, why == "", c.legal)
		}
	}
}
