package boltstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// group runs the operations in one transaction: it holds a commit of record 9999 until all of
// them wait for the next one. It returns their errors. meanwhile, if any, runs while they wait.
// Call it in a synctest bubble.
func group(t *testing.T, s *boltstore.Store, meanwhile func(), operations ...func() error) []error {
	t.Helper()
	begin, first := make(chan struct{}), make(chan error)
	boltstore.HoldCommit(s, begin)
	go func() { first <- s.Create(context.Background(), record(9999)) }()
	synctest.Wait()
	errs := make([]error, len(operations))
	done := make(chan struct{})
	for i, operation := range operations {
		go func() { errs[i] = operation(); done <- struct{}{} }()
		synctest.Wait() // in this order
	}
	if meanwhile != nil {
		meanwhile()
		synctest.Wait()
	}
	before := boltstore.Commits(s)
	close(begin)
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range operations {
		<-done
	}
	if n := boltstore.Commits(s) - before; n > 2 {
		t.Errorf("%d commits, want two at most: the one before, and the group", n)
	}
	if err := s.Delete(context.Background(), id(9999)); err != nil {
		t.Error(err)
	}
	return errs
}

func TestCreatesShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := openNew(t)
		var creates []func() error
		for n := range 64 {
			creates = append(creates, func() error { return s.Create(t.Context(), record(n)) })
		}
		if err := errors.Join(group(t, s, nil, creates...)...); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, nil)
		for n := range 64 {
			if _, err := s.Get(t.Context(), id(n)); err != nil {
				t.Errorf("key %d after reopening: %v", n, err)
			}
		}
	})
}

// TestRefusalsInAGroup: an operation that is refused neither undoes nor hides another's.
func TestRefusalsInAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		ctx := t.Context()
		create(t, s, 0, 10)
		revoke := func(n int) func() error {
			r := record(n)
			r.Version, r.RevokedAt, r.UniqueKey = 1, created, ""
			return func() error { return s.Replace(ctx, r) }
		}
		namesake, unstorable := record(21), record(2)
		namesake.UniqueKey = record(1).UniqueKey
		unstorable.Version, unstorable.ExpiresAt = 1, created.Add(time.Nanosecond)
		errOther := errors.New("an error without a name")
		tests := []struct {
			name string
			do   func() error
			want error
		}{
			{"create", func() error { return s.Create(ctx, record(20)) }, nil},
			{"create again", func() error { return s.Create(ctx, record(20)) }, apikey.ErrExists},
			{"create a namesake", func() error { return s.Create(ctx, namesake) }, apikey.ErrNameTaken},
			{"revoke, and free the name", revoke(1), nil},
			{"revoke again", revoke(1), apikey.ErrConflict},
			{"create a namesake now", func() error { return s.Create(ctx, namesake) }, nil},
			{"replace with what can't be stored", func() error { return s.Replace(ctx, unstorable) }, errOther},
			{"delete", func() error { return s.Delete(ctx, id(3)) }, nil},
			{"delete again", func() error { return s.Delete(ctx, id(3)) }, apikey.ErrNotFound},
			{"revoke what is gone", revoke(3), apikey.ErrConflict},
			{"swap from another value", func() error { return s.SwapValue(ctx, "seed", []byte("x"), []byte("y")) }, apikey.ErrConflict},
			{"swap", func() error { return s.SwapValue(ctx, "seed", nil, []byte("y")) }, nil},
			{"use", func() error {
				return s.RecordUse(ctx, []apikey.Use{{ID: id(4), Number: 1, At: created}, {ID: id(4000), Number: 1, At: created}})
			}, nil},
			{"revoke another", revoke(5), nil},
		}
		var operations []func() error
		for _, test := range tests {
			operations = append(operations, test.do)
		}
		for i, err := range group(t, s, nil, operations...) {
			want := tests[i].want
			if errors.Is(err, want) || want == errOther && err != nil {
				continue
			}
			t.Errorf("%s: the error is %v, want %v", tests[i].name, err, want)
		}
		for n, want := range map[int]uint64{1: 2, 2: 1, 4: 1, 5: 2, 20: 1, 21: 1} {
			if r, err := s.Get(ctx, id(n)); err != nil || r.Version != want {
				t.Errorf("key %d: %+v, %v; want Version %d", n, r, err, want)
			}
		}
		if r, _ := s.Get(ctx, id(4)); !r.LastUsedAt.Equal(created) {
			t.Errorf("key 4 was used at %v", r.LastUsedAt)
		}
	})
}

// TestGivenUp: what a context ended before it began has no effect, and nobody waits for it.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		ctx, cancel := context.WithCancel(t.Context())
		returned := false
		errs := group(t, s, func() {
			cancel()
			synctest.Wait()
			if !returned {
				t.Error("the call whose context ended still waits for the commit of another")
			}
		},
			func() error { return s.Create(t.Context(), record(1)) },
			func() error { err := s.Create(ctx, record(2)); returned = true; return err },
			func() error { return s.Create(t.Context(), record(3)) },
		)
		if errs[0] != nil || !errors.Is(errs[1], context.Canceled) || errs[2] != nil {
			t.Errorf("the errors are %v", errs)
		}
		if _, err := s.Get(t.Context(), id(2)); !errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("what was given up: %v", err)
		}
	})
}

// TestEndedBeforeCommit: a write whose context has ended has no effect, though nobody else commits
// and it could begin.
func TestEndedBeforeCommit(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // whether it begins or is withdrawn is left to chance
		if err := s.Create(&unnoticed{Context: ended}, record(1)); !errors.Is(err, context.Canceled) {
			t.Fatalf("Create answered %v", err)
		}
		if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, apikey.ErrNotFound) {
			t.Fatalf("what was given up: %v", err)
		}
	}
}

// unnoticed is a context that ends just after it was first asked.
type unnoticed struct {
	context.Context
	asked atomic.Bool
}

func (c *unnoticed) Err() error {
	if c.asked.Swap(true) {
		return c.Context.Err()
	}
	return nil
}

// TestForeignContext: whoever commits for others does not run their code, which could panic or
// block.
func TestForeignContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		var queued atomic.Bool
		foreign := &watched{t.Context(), func() {
			if queued.Load() {
				t.Error("a context was asked in a commit")
			}
		}}
		if err := errors.Join(group(t, s, func() { queued.Store(true) },
			func() error { return s.Create(foreign, record(1)) },
			func() error { return s.Create(foreign, record(2)) },
		)...); err != nil {
			t.Error(err)
		}
	})
}

type watched struct {
	context.Context
	asked func()
}

func (c *watched) Err() error            { c.asked(); return c.Context.Err() }
func (c *watched) Done() <-chan struct{} { c.asked(); return c.Context.Done() }

// TestContextEndsInCommit: what has begun is waited for, since watchers must hear of it after
// it happened.
func TestContextEndsInCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		create(t, s, 0, 8)
		ctx, cancel := context.WithCancel(t.Context())
		commits := 0
		boltstore.SlowCommit(s, func() {
			if commits++; commits == 2 {
				cancel()
				time.Sleep(time.Second) // in the bubble: until everybody waits
			}
		}, func() {})
		var told atomic.Int32
		defer s.Watch(func(c apikey.Change) {
			if c.ID == id(9999) {
				return
			}
			if r, err := s.Get(t.Context(), c.ID); err != nil || r.Version != 2 {
				t.Errorf("the watcher was told before the change: %v, %v", r, err)
			}
			told.Add(1)
		})()
		var replaces []func() error
		for n := range 8 {
			r := record(n)
			r.Version = 1
			replaces = append(replaces, func() error { return s.Replace(ctx, r) })
		}
		if err := errors.Join(group(t, s, nil, replaces...)...); err != nil || told.Load() != 8 {
			t.Errorf("the watcher was told of %d changes; the calls answered %v", told.Load(), err)
		}
	})
}

// TestReadsWaitForTheSync: a commit can be seen before its sync is over, and what is seen
// could still be lost. So the answer waits.
func TestReadsWaitForTheSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		create(t, s, 0, 2)
		before, inSync := make(chan struct{}), make(chan struct{})
		boltstore.SlowCommit(s, func() { <-before }, func() { <-inSync })
		deleted := make(chan error)
		go func() { deleted <- s.Delete(t.Context(), id(1)) }()
		synctest.Wait()
		if _, err := s.Get(t.Context(), id(1)); err != nil {
			t.Fatalf("Get while a commit has not reached the file: %v", err)
		}
		close(before)
		synctest.Wait()

		var mu sync.Mutex
		answers := make(map[string]error)
		calls(s, func(name string, write bool, do func(context.Context) error) {
			if !write {
				go func() {
					err := do(t.Context())
					mu.Lock()
					defer mu.Unlock()
					answers[name] = err
				}()
				synctest.Wait()
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		givenUp := make(chan error, 1)
		go func() { _, err := s.Get(ctx, id(1)); givenUp <- err }()
		synctest.Wait()
		if len(answers) > 0 || len(givenUp) > 0 {
			t.Errorf("reads were answered before the sync: %v", answers)
		}
		cancel()
		if err := <-givenUp; !errors.Is(err, context.Canceled) {
			t.Errorf("Get whose context ended answered %v", err)
		}

		close(inSync)
		if err := <-deleted; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(answers) != 5 || !errors.Is(answers["Get"], apikey.ErrNotFound) || answers["List"] != nil || answers["Count"] != nil || answers["Changes"] != nil {
			t.Errorf("after the sync the answers are %v", answers)
		}
	})
}

// TestReadsWaitForNoOther: a read waits for the sync of what it saw, and not for a later commit.
func TestReadsWaitForNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		create(t, s, 0, 2)
		commits, inSync, later := 0, make(chan struct{}), make(chan struct{})
		boltstore.SlowCommit(s, func() {
			if commits++; commits > 1 {
				<-later
			}
		}, func() {
			if commits == 1 {
				<-inSync
			}
		})
		errs := make(chan error)
		for n := range 2 {
			go func() { errs <- s.Delete(t.Context(), id(n)) }()
			synctest.Wait()
		}
		got := make(chan error, 1)
		go func() { _, err := s.Get(t.Context(), id(0)); got <- err }()
		synctest.Wait()
		if len(got) > 0 {
			t.Error("the read was answered before the sync")
		}
		close(inSync)
		synctest.Wait()
		if len(got) == 0 {
			t.Error("the read waits for a commit that it did not see")
		} else if err := <-got; !errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("Get answered %v", err)
		}
		close(later)
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}
