package storetest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

func brokenWatchers() []broken {
	var held []apikey.Change
	var telling gap
	beats := func(pulse func(first bool) apikey.Change) apikey.Store {
		return newFeed(habits{beat: time.Second, pulse: pulse})
	}
	return []broken{
		{"ToldBeforeReturn", "there is no Watcher", newMapStore()},
		{"ToldBeforeReturn", "each change is told with the next", newFeed(habits{after: func(s *feed, _ string, id apikey.ID, _ error) {
			for _, c := range held {
				s.tell(c)
			}
			held = []apikey.Change{{ID: id}}
		}})},
		{"ToldBeforeReturn", "Delete does not tell", newFeed(habits{after: func(s *feed, call string, id apikey.ID, _ error) {
			if call != "Delete" {
				s.tell(apikey.Change{ID: id})
			}
		}})},
		{"ToldBeforeReturn", "every record is told", newFeed(habits{after: func(s *feed, _ string, id apikey.ID, _ error) {
			s.tell(apikey.Change{ID: id})
			for id := range s.records {
				s.tell(apikey.Change{ID: id})
			}
		}})},
		{"ToldAfterCommit", "Replace tells before it commits", newFeed(habits{early: "Replace"})},
		{"ToldAfterCommit", "Delete tells before it commits", newFeed(habits{early: "Delete"})},
		{"ToldOfConflicts", "only success is told", newFeed(habits{after: func(s *feed, _ string, id apikey.ID, err error) {
			if err == nil {
				s.tell(apikey.Change{ID: id})
			}
		}})},
		{"ToldOfConflicts", "Delete of nothing does not tell", newFeed(habits{after: func(s *feed, call string, id apikey.ID, err error) {
			if call != "Delete" || err == nil {
				s.tell(apikey.Change{ID: id})
			}
		}})},
		{"ToldOfConflicts", "Replace of nothing does not tell", newFeed(habits{after: func(s *feed, call string, id apikey.ID, _ error) {
			if call != "Replace" || s.version(id) != 0 {
				s.tell(apikey.Change{ID: id})
			}
		}})},
		{"ToldInEveryGoroutine", "one that tells tells for all", newFeed(habits{after: func(s *feed, _ string, id apikey.ID, _ error) {
			if !telling.wait() {
				s.tell(apikey.Change{ID: id})
			}
		}})},
		{"ToldOfDoubtfulWrites", "Replace that seems to fail does not tell", newFeed(habits{doubt: "Replace"})},
		{"ToldOfDoubtfulWrites", "Delete that seems to fail does not tell", newFeed(habits{doubt: "Delete"})},
		{"NotToldOfUse", "RecordUse tells", newFeed(habits{after: func(s *feed, _ string, id apikey.ID, _ error) {
			s.tell(apikey.Change{ID: id})
		}})},
		{"EveryWatcherIsTold", "there is one watcher at most", oneWatcher{newFeed(habits{})}},
		{"EveryWatcherIsTold", "stop stops nothing", neverStops{newFeed(habits{})}},
		{"EveryWatcherIsTold", "the first stop stops all", stopsAll{newFeed(habits{})}},
		{"StopStops", "stop does not wait", newFeed(habits{hasty: true})},
		{"Fresh", "the heartbeat is negative", newFeed(habits{beat: -1})},
		{"Fresh", "there is no Gap at first", beats(func(first bool) apikey.Change { return apikey.Change{Gap: !first, Fresh: time.Now()} })},
		{"Fresh", "Fresh is of the wall clock", beats(func(bool) apikey.Change { return apikey.Change{Gap: true, Fresh: time.Now().Round(0)} })},
		{"Fresh", "Fresh is in the future", beats(func(bool) apikey.Change { return apikey.Change{Gap: true, Fresh: time.Now().Add(time.Second)} })},
		{"CloseIsAGap", "Close is silent", closesSilently{newFeed(habits{})}},
		{"CloseIsAGap", "Close tells one watcher", closesToOne{newFeed(habits{})}},
	}
}

// A feed that is silent is waited for, which takes no time in a bubble.
func TestSilentFeed(t *testing.T) {
	for mistake, change := range map[string]apikey.Change{
		"there is no Fresh":      {Gap: true},
		"Fresh does not advance": {Gap: true, Fresh: time.Unix(1, 0)},
	} {
		t.Run(mistake, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFeed(habits{beat: time.Second, pulse: func(bool) apikey.Change { return change }})
				i := slices.IndexFunc(storetest.WatcherClauses, func(c storetest.Clause) bool { return c.Name() == "Fresh" })
				wantCaught(t, func(t testing.TB) { storetest.WatcherClauses[i].Check(t, s) })
			})
		})
	}
}

type oneWatcher struct{ *feed }

func (s oneWatcher) Watch(f func(apikey.Change)) (stop func()) {
	clear(s.fs)
	return s.feed.Watch(f)
}

type neverStops struct{ *feed }

func (s neverStops) Watch(f func(apikey.Change)) (stop func()) {
	s.feed.Watch(f)
	return func() {}
}

type stopsAll struct{ *feed }

func (s stopsAll) Watch(f func(apikey.Change)) (stop func()) {
	s.feed.Watch(f)
	return func() { clear(s.fs) }
}

type closesSilently struct{ *feed }

func (closesSilently) Close() error { return nil }

type closesToOne struct{ *feed }

func (s closesToOne) Close() error {
	for _, f := range s.fs {
		f(apikey.Change{Gap: true})
		break
	}
	return nil
}
