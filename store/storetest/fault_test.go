package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// Every call of something is made to fail once, before and after it is done.
func ExampleFault() {
	ctx := context.Background()
	rename := func(s apikey.Store, id apikey.ID) error {
		r, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		r.Description = "renamed"
		return s.Replace(ctx, r)
	}

	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			fault := &storetest.Fault{Call: n, After: after}
			inner := memstore.New()
			r := &apikey.Record{ID: apikey.ID{1}}
			if err := inner.Create(ctx, r); err != nil {
				fmt.Println(err)
				return
			}
			err := rename(fault.Wrap(inner), r.ID)
			if fault.Calls() < n {
				fmt.Println("every call has failed once")
				return
			}
			r, _ = inner.Get(ctx, r.ID)
			fmt.Printf("call %d, after %t: %v, now Version %d\n", n, after, err, r.Version)
		}
	}
	// Output:
	// call 1, after false: storetest: fault, now Version 1
	// call 1, after true: storetest: fault, now Version 1
	// call 2, after false: storetest: fault, now Version 1
	// call 2, after true: storetest: fault, now Version 2
	// every call has failed once
}

// A store with a fault that does not come is the store.
func TestFaultThatNeverComes(t *testing.T) {
	for _, call := range []int{0, -1, math.MaxInt} {
		storetest.Run(t, func(t *testing.T) apikey.Store { return (&storetest.Fault{Call: call}).Wrap(newMapStore()) })
	}
	open := func(t *testing.T) apikey.Store { return new(storetest.Fault).Wrap(memstore.New()) }
	storetest.RunWatcher(t, open)
	storetest.RunChangeLog(t, open)
}

func TestFaultInEveryMethod(t *testing.T) {
	errDisk := errors.New("disk")
	r := storetest.Record(1)
	r.Version = 1
	for _, call := range storetest.Calls(r, storetest.Record(2)) {
		for _, after := range []bool{false, true} {
			for _, want := range []error{nil, errDisk} {
				t.Run(fmt.Sprintf("%s/%t/%v", call.Name(), after, want), func(t *testing.T) {
					ctx := t.Context()
					inner := newMapStore()
					if err := errors.Join(inner.Create(ctx, r), inner.SwapValue(ctx, "v", nil, []byte("v"))); err != nil {
						t.Fatal(err)
					}
					fault, done := &storetest.Fault{Call: 2, After: after, Err: want}, new(storetest.Fault)
					s := fault.Wrap(done.Wrap(inner))
					if _, err := s.Count(ctx, apikey.Filter{}); err != nil {
						t.Fatalf("the call before answered %v", err)
					}
					err := call.Do(ctx, s)
					if err == nil || want != nil && err != want {
						t.Errorf("the call that fails answered %v, want %v", err, want)
					}
					if got := done.Calls() == 2; got != after {
						t.Errorf("the call that failed was done: %t, want %t", got, after)
					}
					if _, err := s.Count(ctx, apikey.Filter{}); err != nil {
						t.Errorf("the call after it answered %v", err)
					}
					if n := fault.Calls(); n != 3 {
						t.Errorf("Calls is %d, want 3", n)
					}
				})
			}
		}
	}
}

// What a call that failed has read is not returned beside its error.
func TestFaultReturnsNothingElse(t *testing.T) {
	ctx := t.Context()
	inner := newMapStore()
	r := storetest.Record(1)
	if err := inner.Create(ctx, r); err != nil {
		t.Fatal(err)
	}
	if err := inner.SwapValue(ctx, "v", nil, []byte("v")); err != nil {
		t.Fatal(err)
	}
	s := func() apikey.Store { return (&storetest.Fault{Call: 1, After: true}).Wrap(inner) }
	if r, err := s().Get(ctx, r.ID); r != nil || err == nil {
		t.Errorf("Get returned (%v, %v)", r, err)
	}
	if page, next, err := s().List(ctx, apikey.Filter{}, apikey.ID{}, 1); page != nil || !next.IsZero() || err == nil {
		t.Errorf("List returned (%v, %v, %v)", page, next, err)
	}
	if n, err := s().Count(ctx, apikey.Filter{}); n != 0 || err == nil {
		t.Errorf("Count returned (%d, %v)", n, err)
	}
	if v, err := s().Value(ctx, "v"); v != nil || err == nil {
		t.Errorf("Value returned (%v, %v)", v, err)
	}
}

func TestFaultForwardsWatcher(t *testing.T) {
	fault := &storetest.Fault{Call: 2, After: true}
	if _, ok := fault.Wrap(newMapStore()).(apikey.Watcher); ok {
		t.Error("a store without Watcher has one")
	}
	s := fault.Wrap(memstore.New())
	w, ok := s.(apikey.Watcher)
	if !ok {
		t.Fatal("a store with Watcher has none")
	}
	told := 0
	stop := w.Watch(func(apikey.Change) { told++ })
	defer stop()
	r := storetest.Record(1)
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Version = 1
	if err := s.Replace(t.Context(), r); err == nil || told != 1 {
		t.Errorf("Replace that was done and failed answered %v and told %d times, want an error, and 1 as the store did", err, told)
	}
	if fault.Calls() != 2 {
		t.Errorf("Calls is %d, want 2: Watch is no call", fault.Calls())
	}
}

// Changes is a call, which is counted and fails; a store that has none gets none.
func TestFaultForwardsChangeLog(t *testing.T) {
	ctx := t.Context()
	for _, s := range []apikey.Store{newMapStore(), newFeed(habits{})} {
		if _, ok := new(storetest.Fault).Wrap(s).(apikey.ChangeLog); ok {
			t.Errorf("%T without ChangeLog has one", s)
		}
	}
	logs := newLogStore(logHabits{})
	if _, ok := new(storetest.Fault).Wrap(logs).(apikey.Watcher); ok {
		t.Error("a store with ChangeLog and without Watcher has one")
	}
	if _, ok := new(storetest.Fault).Wrap(memstore.New()).(apikey.Watcher); !ok {
		t.Error("a store with ChangeLog and Watcher has no Watcher")
	}
	for _, inner := range []apikey.Store{logs, memstore.New()} {
		r := storetest.Record(1)
		r.Version = 1
		if err := errors.Join(inner.Create(ctx, r), inner.Replace(ctx, r)); err != nil {
			t.Fatal(err)
		}
		for _, after := range []bool{false, true} {
			fault, done := &storetest.Fault{Call: 2, After: after}, new(storetest.Fault)
			log, ok := fault.Wrap(done.Wrap(inner)).(apikey.ChangeLog)
			if !ok {
				t.Fatalf("%T with ChangeLog has none", inner)
			}
			for call := 1; call <= 3; call++ {
				all, err := log.Changes(ctx, time.Hour)
				if call == 2 && (err == nil || all != nil) {
					t.Errorf("the call that fails answered (%v, %v)", all, err)
				}
				if call != 2 && (err != nil || len(all) != 1 || all[0].ID != r.ID) {
					t.Errorf("another call answered (%v, %v)", all, err)
				}
			}
			want := 2
			if after {
				want = 3
			}
			if fault.Calls() != 3 || done.Calls() != want {
				t.Errorf("Calls is %d, want 3, and %d were done, want %d", fault.Calls(), done.Calls(), want)
			}
		}
	}
}

// Exactly one call fails, however many are made at once.
func TestFaultConcurrent(t *testing.T) {
	fault := &storetest.Fault{Call: 50}
	s := fault.Wrap(memstore.New())
	var mu sync.Mutex
	failed := 0
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 10 {
				if _, err := s.Count(t.Context(), apikey.Filter{}); err != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if failed != 1 || fault.Calls() != 100 {
		t.Errorf("%d of %d calls failed, want 1 of 100", failed, fault.Calls())
	}
}
