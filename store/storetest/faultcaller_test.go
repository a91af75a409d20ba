package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// Somebody else changes a record while a read of it takes its time.
func ExampleFault_hold() {
	ctx := context.Background()
	inner := memstore.New()
	r := &apikey.Record{ID: apikey.ID{1}}
	if err := inner.Create(ctx, r); err != nil {
		fmt.Println(err)
		return
	}
	for _, after := range []bool{false, true} {
		fault := &storetest.Fault{Call: 1, After: after, Hold: func(ctx context.Context) {
			stored, err := inner.Get(ctx, r.ID)
			if err == nil {
				stored.Description += "changed "
				err = inner.Replace(ctx, stored)
			}
			if err != nil {
				fmt.Println(err)
			}
		}}
		read, err := fault.Wrap(inner).Get(ctx, r.ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		latest, err := inner.Get(ctx, r.ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("after %t: read Version %d of %d\n", after, read.Version, latest.Version)
	}
	// Output:
	// after false: read Version 2 of 2
	// after true: read Version 2 of 3
}

// stocked returns a store with a record, which it returns, and the value that storetest's calls expect.
func stocked(t *testing.T) (apikey.Store, *apikey.Record) {
	t.Helper()
	inner, r := newMapStore(), storetest.Record(1)
	if err := errors.Join(inner.Create(t.Context(), r), inner.SwapValue(t.Context(), "v", nil, []byte("v"))); err != nil {
		t.Fatal(err)
	}
	r.Version = 1
	return inner, r
}

// A call that is held answers what the store does, before or after what happens meanwhile; it is done once.
func TestFaultHolds(t *testing.T) {
	for i := range storetest.Calls(storetest.Record(1), storetest.Record(2)) {
		for _, after := range []bool{false, true} {
			inner, r := stocked(t)
			call := storetest.Calls(r, storetest.Record(2))[i]
			done, held := new(storetest.Fault), 0
			fault := &storetest.Fault{Call: 2, After: after, Hold: func(ctx context.Context) {
				if held++; (done.Calls() == 2) != after || ctx.Err() != nil {
					t.Errorf("%s: held after %d calls were done, with %v", call.Name(), done.Calls(), ctx.Err())
				}
			}}
			s := fault.Wrap(done.Wrap(inner))
			for range 3 {
				if _, err := s.Count(t.Context(), apikey.Filter{}); err != nil {
					t.Errorf("a call that is not held: %v", err)
				}
				if fault.Calls() == 1 {
					if err := call.Do(t.Context(), s); err != nil {
						t.Errorf("%s that is held answered %v", call.Name(), err)
					}
				}
			}
			if held != 1 || done.Calls() != 4 {
				t.Errorf("%s: held %d times, and %d calls were done, want 1 and 4", call.Name(), held, done.Calls())
			}
		}
	}
}

// What is held until its caller goes away ends with that: not done, or done and said to be unknown.
func TestFaultHoldsUntilTheCallerLeaves(t *testing.T) {
	for _, after := range []bool{false, true} {
		inner, r := stocked(t)
		ctx, leave := context.WithCancel(t.Context())
		s := (&storetest.Fault{Call: 1, After: after, Hold: func(ctx context.Context) { leave(); <-ctx.Done() }}).Wrap(inner)
		if err := s.Delete(ctx, r.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("after %t: Delete answered %v, want context.Canceled", after, err)
		}
		if _, err := inner.Get(t.Context(), r.ID); errors.Is(err, apikey.ErrNotFound) != after {
			t.Errorf("after %t: Get answered %v", after, err)
		}
	}
}

// What is held may fail, too.
func TestFaultHoldsAndFails(t *testing.T) {
	errDisk := errors.New("disk")
	for _, after := range []bool{false, true} {
		inner, r := stocked(t)
		held := 0
		s := (&storetest.Fault{Call: 1, After: after, Err: errDisk, Hold: func(context.Context) { held++ }}).Wrap(inner)
		if err := s.Delete(t.Context(), r.ID); err != errDisk || held != 1 {
			t.Errorf("after %t: held %d times, and Delete answered %v", after, held, err)
		}
		if _, err := inner.Get(t.Context(), r.ID); errors.Is(err, apikey.ErrNotFound) != after {
			t.Errorf("after %t: Get answered %v", after, err)
		}
	}
}

// seen notes what context a store sees, and does as it says.
type seen struct {
	apikey.Store
	before, after error // the context's, when Get is called, and when it returns
	until         bool  // Get returns when its context ends
}

func (s *seen) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.before = ctx.Err()
	if s.until {
		<-ctx.Done()
	}
	r, err := s.Store.Get(ctx, id)
	s.after = ctx.Err()
	return r, err
}

// When a caller goes away: what the store sees, what it answers, and that its caller has gone.
func TestFaultEndsContexts(t *testing.T) {
	errDisk := errors.New("disk")
	for _, c := range []struct {
		name          string
		fault         *storetest.Fault
		until         bool  // see seen
		before, after error // as seen
		want          error
	}{
		{"before", &storetest.Fault{Cancel: storetest.CancelBefore}, false, context.Canceled, context.Canceled, context.Canceled},
		{"during", &storetest.Fault{Cancel: storetest.CancelDuring}, true, nil, context.Canceled, context.Canceled},
		{"after", &storetest.Fault{Cancel: storetest.CancelAfter}, false, nil, nil, nil},
		{"after, and the answer does not arrive", &storetest.Fault{Cancel: storetest.CancelAfter, After: true, Err: context.Canceled}, false, nil, nil, context.Canceled},
		{"after, and held", &storetest.Fault{Cancel: storetest.CancelAfter, After: true, Hold: func(context.Context) {}}, false, nil, nil, context.Canceled},
		{"never", &storetest.Fault{Hold: func(context.Context) {}}, false, nil, nil, nil},
		{"as it fails", &storetest.Fault{Cancel: storetest.CancelBefore, Err: errDisk}, false, nil, nil, errDisk},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner, r := stocked(t)
			store := &seen{Store: inner, until: c.until}
			fault := c.fault
			fault.Call = 2
			s := fault.Wrap(store)
			caller, cancel := fault.Context(t.Context())
			defer cancel()
			if _, err := s.Count(caller, apikey.Filter{}); err != nil || caller.Err() != nil {
				t.Fatalf("the call before answered %v, and its caller %v", err, caller.Err())
			}
			if got, err := s.Get(caller, r.ID); !errors.Is(err, c.want) || (got == nil) != (c.want != nil) {
				t.Errorf("Get answered (%v, %v), want %v", got, err, c.want)
			}
			if c.name != "during" && store.before != c.before || store.after != c.after {
				t.Errorf("the store saw %v, and then %v, want %v and %v", store.before, store.after, c.before, c.after)
			}
			left := error(nil)
			if c.fault.Cancel != storetest.CancelNever {
				left = context.Canceled
			}
			if caller.Err() != left {
				t.Errorf("the caller's context is %v, want %v", caller.Err(), left)
			}
			later, cancel := fault.Context(t.Context())
			defer cancel()
			store.until = false
			if _, err := s.Get(later, r.ID); err != nil || later.Err() != nil {
				t.Errorf("the call after it answered %v, and its caller %v", err, later.Err())
			}
		})
	}
}

// A store sees the end, also if its caller has a context of its own. One that is from Context ends with its parent.
func TestFaultContexts(t *testing.T) {
	inner, r := stocked(t)
	s := (&storetest.Fault{Call: 1, Cancel: storetest.CancelBefore}).Wrap(inner)
	if err := s.Delete(t.Context(), r.ID); !errors.Is(err, context.Canceled) || t.Context().Err() != nil {
		t.Errorf("Delete answered %v, and the caller's own context %v", err, t.Context().Err())
	}
	parent, leave := context.WithCancel(t.Context())
	ctx, cancel := new(storetest.Fault).Context(parent)
	defer cancel()
	if leave(); ctx.Err() == nil {
		t.Error("the context has not ended with its parent")
	}
	// During is over when the call is.
	for range 100 {
		fault := &storetest.Fault{Call: 1, Cancel: storetest.CancelDuring}
		ctx, cancel := fault.Context(t.Context())
		defer cancel()
		if _, err := fault.Wrap(inner).Get(ctx, r.ID); err != nil && !errors.Is(err, context.Canceled) || ctx.Err() == nil {
			t.Fatalf("Get answered %v, and its caller's context is %v", err, ctx.Err())
		}
	}
}
