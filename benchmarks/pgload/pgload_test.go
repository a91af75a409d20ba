package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// The tests' own program is what the processes run.
func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		exit(child(context.Background(), os.Stdin, os.Stdout))
	}
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		exit(err)
	}
	os.Exit(m.Run())
}

func small(t *testing.T) options {
	t.Helper()
	return options{DSN: pgtest.DSN(t), Processes: 2, Goroutines: 2, Keys: 200, Subjects: 5, Took: 2 * time.Second,
		Lifetime: time.Hour, Connections: 2, Loaders: 4, Hot: 20, Mix: [kinds]int{verify: 80, create: 8, rotate: 4, revoke: 8}}
}

// The whole program with few keys. Only what is counted is looked at, never a time.
func TestLoad(t *testing.T) {
	t.Parallel()
	o := small(t)
	r, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.wrong(); err != nil {
		t.Error(err)
	}
	calls, _ := r.sum()
	for k, l := range calls {
		if len(l) == 0 {
			t.Errorf("there was no %v", kind(k))
		}
	}
	if want := o.Keys + len(calls[create]) - len(calls[revoke]); r.Live != want {
		t.Errorf("%d keys are live, want %d", r.Live, want)
	}
	if got, want := r.After.Changes-r.Before.Changes, len(calls[rotate])+len(calls[revoke]); int(got) != want {
		t.Errorf("%d changes were logged, want %d", got, want)
	}
	var b strings.Builder
	r.print(&b, o)
	t.Log(b.String())
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := options{DSN: "x", Processes: 1, Goroutines: 1, Keys: 10, Subjects: 1, Connections: 1, Loaders: 1, Hot: 10, Mix: [kinds]int{create: 1}}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*options){
		"no database":       func(o *options) { o.DSN = "" },
		"no process":        func(o *options) { o.Processes = 0 },
		"too few keys":      func(o *options) { o.Keys = 9 },
		"too many hot":      func(o *options) { o.Hot = 11 },
		"nothing to do":     func(o *options) { o.Mix = [kinds]int{} },
		"a part below zero": func(o *options) { o.Mix[verify] = -1 },
	} {
		o := good
		change(&o)
		if o.check() == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}
