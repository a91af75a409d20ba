package storetest_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

func TestBrokenChangeLogs(t *testing.T) {
	wantEachCaught(t, storetest.ChangeLogClauses, brokenChangeLogs())
}

func brokenChangeLogs() []broken {
	log := func(h logHabits) apikey.Store { return newLogStore(h) }
	wants := func(f func(call string, id apikey.ID, err error) bool) apikey.Store { return log(logHabits{wants: f}) }
	isChange := func(call string) bool { return call == "Replace" || call == "Delete" }
	var held []apikey.ID
	var logging gap
	return []broken{
		{"LoggedBeforeReturn", "there is no ChangeLog", newMapStore()},
		{"LoggedBeforeReturn", "Delete is not logged", wants(func(call string, _ apikey.ID, err error) bool { return call == "Replace" && err == nil })},
		{"LoggedBeforeReturn", "Replace is not logged", wants(func(call string, _ apikey.ID, err error) bool { return call == "Delete" && err == nil })},
		{"LoggedBeforeReturn", "the sequence repeats", log(logHabits{add: func(s *logStore, id apikey.ID) { s.log[id] = 1 }})},
		{"LoggedBeforeReturn", "the sequence goes down", log(logHabits{add: func(s *logStore, id apikey.ID) { s.sequence -= 2; s.next(id) }})},
		{"LoggedBeforeReturn", "the sequence is the Version", log(logHabits{add: func(s *logStore, id apikey.ID) {
			s.log[id] = 1 // of a record that is gone
			if r := s.records[id]; r != nil {
				s.log[id] = r.Version
			}
		}})},
		{"LoggedBeforeReturn", "each change is logged with the next", log(logHabits{add: func(s *logStore, id apikey.ID) {
			for _, id := range held {
				s.next(id)
			}
			held = []apikey.ID{id}
		}})},
		{"LoggedBeforeReturn", "every record is logged", log(logHabits{add: func(s *logStore, id apikey.ID) {
			s.next(id)
			for id := range s.records {
				s.next(id)
			}
		}})},
		{"LoggedBeforeReturn", "a record comes once for each change", log(logHabits{all: func(_ *logStore, all []apikey.Logged) []apikey.Logged {
			for _, l := range all {
				all = append(all, apikey.Logged{ID: l.ID, Sequence: l.Sequence - 1})
			}
			return all
		}})},
		{"LoggedWithTheCommit", "a change is logged after it can be seen", log(logHabits{late: true, add: func(s *logStore, id apikey.ID) {
			for range 1000 {
				runtime.Gosched()
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.next(id)
		}})},
		{"CreatesAreNoChanges", "Create is logged", wants(func(call string, _ apikey.ID, err error) bool { return call != "RecordUse" && err == nil })},
		{"CreatesAreNoChanges", "RecordUse is logged", wants(func(call string, _ apikey.ID, err error) bool { return call != "Create" && err == nil })},
		{"RefusedWritesAreNoChanges", "a write is logged before its commit", wants(func(call string, _ apikey.ID, _ error) bool { return isChange(call) })},
		{"RefusedWritesAreNoChanges", "a conflict is logged", wants(func(call string, _ apikey.ID, err error) bool {
			return isChange(call) && (err == nil || errors.Is(err, apikey.ErrConflict))
		})},
		{"RefusedWritesAreNoChanges", "a name that is taken is logged", wants(func(call string, _ apikey.ID, err error) bool {
			return isChange(call) && (err == nil || errors.Is(err, apikey.ErrNameTaken))
		})},
		{"RefusedWritesAreNoChanges", "Delete of nothing is logged", wants(func(call string, _ apikey.ID, err error) bool {
			return isChange(call) && (err == nil || errors.Is(err, apikey.ErrNotFound))
		})},
		{"RefusedWritesAreNoChanges", "what was given up is logged", wants(func(call string, _ apikey.ID, err error) bool {
			return isChange(call) && (err == nil || errors.Is(err, context.Canceled))
		})},
		{"DoubtfulWritesAreLogged", "a write that seems to fail is not logged", log(logHabits{doubt: func(ctx context.Context, write func() error) error {
			if err := write(); err != nil {
				return err
			}
			return ctx.Err()
		}})},
		{"DoubtfulWritesAreLogged", "a write that was given up on the way is logged", log(logHabits{
			wants: func(call string, _ apikey.ID, err error) bool {
				return isChange(call) && (err == nil || errors.Is(err, errGivenUp))
			},
			doubt: func(ctx context.Context, write func() error) error {
				if ctx.Err() == nil && ctx.Err() != nil {
					return errGivenUp
				}
				return write()
			},
		})},
		{"ChangesInEveryGoroutine", "one that logs overwrites another", log(logHabits{late: true, add: func(s *logStore, id apikey.ID) {
			s.mu.Lock()
			s.sequence++
			sequence, next := s.sequence, maps.Clone(s.log)
			s.mu.Unlock()
			logging.wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			next[id] = sequence
			s.log = next
		}})},
		{"ChangesWithin", "any length of time is taken", log(logHabits{loose: true})},
		{"ChangesWithin", "nothing is within an hour or less", within{newLogStore(logHabits{}), time.Hour}},
		{"ChangesWithin", "nothing is within a minute", within{newLogStore(logHabits{}), time.Minute}},
		{"ChangesAreCopies", "the log itself is returned", &sharesLog{logStore: newLogStore(logHabits{})}},
		{"ChangesWithAContextThatIsDone", "Changes looks at no context", log(logHabits{loose: true})},
		{"ChangesAfterClose", "Changes after Close finds nothing", log(logHabits{loose: true, all: func(s *logStore, all []apikey.Logged) []apikey.Logged {
			if s.closed {
				return nil
			}
			return all
		}})},
	}
}

var errGivenUp = errors.New("given up")

// within returns nothing if it is asked for as little as that.
type within struct {
	*logStore
	most time.Duration
}

func (s within) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	all, err := s.logStore.Changes(ctx, within)
	if within <= s.most {
		all = nil
	}
	return all, err
}

// sharesLog returns the same slice as long as nothing is changed.
type sharesLog struct {
	*logStore
	last uint64
	all  []apikey.Logged
}

func (s *sharesLog) Changes(ctx context.Context, within time.Duration) (_ []apikey.Logged, err error) {
	if s.last != s.sequence {
		s.last = s.sequence
		s.all, err = s.logStore.Changes(ctx, within)
	}
	return s.all, err
}

// What is left of a log when it is opened again.
func TestBrokenDurableChangeLogs(t *testing.T) {
	for mistake, reopen := range map[string]func(s *logStore){
		"the log is lost":           func(s *logStore) { clear(s.log) },
		"the sequence begins again": func(s *logStore) { s.sequence = 0 },
		"all sequences are new":     func(s *logStore) { s.log = renumbered(s.log) },
		"the last change is lost":   func(s *logStore) { maps.DeleteFunc(s.log, func(_ apikey.ID, n uint64) bool { return n == s.sequence }) },
		"what is gone is lost": func(s *logStore) {
			maps.DeleteFunc(s.log, func(id apikey.ID, _ uint64) bool { return s.records[id] == nil })
		},
		"the log cannot be read then": func(s *logStore) { s.closed = true },
	} {
		t.Run(mistake, func(t *testing.T) {
			for _, c := range storetest.DurableClauses {
				if c.Name() == "Changes" {
					s := newLogStore(logHabits{})
					wantCaught(t, func(t testing.TB) { c.Check(t, s, func() apikey.Store { reopen(s); return s }) })
				}
			}
		})
	}
}

func renumbered(log map[apikey.ID]uint64) map[apikey.ID]uint64 {
	next := make(map[apikey.ID]uint64)
	for id, n := range log {
		next[id] = n + 100
	}
	return next
}
