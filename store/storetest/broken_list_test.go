package storetest_test

import (
	"bytes"
	"context"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

func brokenLists() []broken {
	return []broken{
		{"ListNewestFirst", "oldest first", newLists(lists{compare: func(a, b apikey.ID) int { return a.Compare(b) }})},
		{"ListNewestFirst", "the last of a page is lost with a limit of 1", newLists(lists{page: func(page []*apikey.Record, limit int) []*apikey.Record {
			if limit == 1 {
				return nil
			}
			return page
		}})},
		{"ListSortsBytes", "bytes have signs", newLists(lists{compare: func(a, b apikey.ID) int {
			return slices.CompareFunc(b[:], a[:], func(x, y byte) int { return int(int8(x)) - int(int8(y)) })
		}})},
		{"ListSortsBytes", "the last byte is ignored", newLists(lists{compare: func(a, b apikey.ID) int { return bytes.Compare(b[:15], a[:15]) }})},
		{"ListLimits", "a limit of 0 is an empty page", newLists(lists{anyLimit: true})},
		{"ListLimits", "a limit too high overflows", newLists(lists{page: func(page []*apikey.Record, limit int) []*apikey.Record {
			return page[:min(len(page), max(0, limit+1))]
		}})},
		{"ListBefore", "before an id that is not there nothing is found", newLists(lists{exact: true})},
		{"ListFilters", "Type is ignored beside Subject", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			if f.Subject != "" {
				f.Type = ""
			}
			return f.Match(r)
		}})},
		{"ListFilters", "Count ignores ValidAt", newLists(lists{count: func(f apikey.Filter, r *apikey.Record) bool {
			f.ValidAt = time.Time{}
			return f.Match(r)
		}})},
		{"ListValidAt", "a key is valid at its expiry", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			if !f.ValidAt.IsZero() && f.ValidAt.Equal(r.ExpiresAt) {
				f.ValidAt = f.ValidAt.Add(-1)
			}
			return f.Match(r)
		}})},
		{"ListValidAt", "the store's clock counts", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			if !f.ValidAt.IsZero() {
				f.ValidAt = time.Now()
			}
			return f.Match(r)
		}})},
		{"ListTextIsLiteral", "Subject is a prefix", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			subject := f.Subject
			f.Subject = ""
			return f.Match(r) && strings.HasPrefix(r.Subject, subject)
		}})},
		{"ListTextIsLiteral", "a Subject that others begin with is not found", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			return f.Match(r) && (f.Subject == "" || r.Subject != "a")
		}})},
		{"ListTextIsLiteral", "NameFold has wildcards", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			fold := strings.NewReplacer("%", "*", "_", "?").Replace(f.NameFold)
			f.NameFold = ""
			matched, err := path.Match("*"+fold+"*", r.NameFold)
			return f.Match(r) && matched && err == nil
		}})},
		{"ListTextIsLiteral", "Type is compared without case", newLists(lists{match: func(f apikey.Filter, r *apikey.Record) bool {
			typ := f.Type
			f.Type = ""
			return f.Match(r) && (typ == "" || strings.EqualFold(typ, r.Type))
		}})},
		{"ListFollowsReplace", "records are found by the Subject they had first", firstSubject{newMapStore(), make(map[apikey.ID]string)}},
		{"ListWhileRecordsComeAndGo", "a walk ends where a record was deleted", newLists(lists{exact: true})},
		{"ListWhileRecordsAreReplaced", "List misses a record while it is replaced", blinks{newMapStore(), new(sync.Map), "List"}},
		{"ListWhileRecordsAreReplaced", "Count misses a record while it is replaced", blinks{newMapStore(), new(sync.Map), "Count"}},
	}
}

// lists is a mapStore with a List and a Count of its own, each part of which can be replaced.
type lists struct {
	*mapStore
	compare  func(a, b apikey.ID) int
	match    func(f apikey.Filter, r *apikey.Record) bool // in List
	count    func(f apikey.Filter, r *apikey.Record) bool
	page     func(page []*apikey.Record, limit int) []*apikey.Record
	anyLimit bool
	exact    bool // before must be there
}

func newLists(s lists) lists {
	s.mapStore = newMapStore()
	if s.compare == nil {
		s.compare = func(a, b apikey.ID) int { return b.Compare(a) }
	}
	match := func(f apikey.Filter, r *apikey.Record) bool { return f.Match(r) }
	if s.match == nil {
		s.match = match
	}
	if s.count == nil {
		s.count = match
	}
	if s.page == nil {
		s.page = func(page []*apikey.Record, limit int) []*apikey.Record { return page[:min(limit, len(page))] }
	}
	return s
}

func (s lists) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	if err := ctx.Err(); err != nil || limit < 1 {
		if err == nil && !s.anyLimit {
			err = errBroken
		}
		return nil, apikey.ID{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exact && !before.IsZero() && s.records[before] == nil {
		return nil, apikey.ID{}, nil
	}
	var all []*apikey.Record
	for _, r := range s.records {
		if s.match(f, r) && (before.IsZero() || s.compare(before, r.ID) < 0) {
			all = append(all, r.Clone())
		}
	}
	slices.SortFunc(all, func(a, b *apikey.Record) int { return s.compare(a.ID, b.ID) })
	page := s.page(all, limit)
	if limit >= len(all) {
		return page, apikey.ID{}, nil
	}
	return page, all[limit-1].ID, nil
}

func (s lists) Count(ctx context.Context, f apikey.Filter) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.records {
		if s.count(f, r) {
			n++
		}
	}
	return n, ctx.Err()
}

// firstSubject has an index that Replace forgets.
type firstSubject struct {
	*mapStore
	subjects map[apikey.ID]string
}

func (s firstSubject) Create(ctx context.Context, r *apikey.Record) error {
	s.subjects[r.ID] = r.Subject
	return s.mapStore.Create(ctx, r)
}

func (s firstSubject) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	subject := f.Subject
	f.Subject = ""
	page, next, err := s.mapStore.List(ctx, f, before, limit)
	page = slices.DeleteFunc(page, func(r *apikey.Record) bool { return subject != "" && s.subjects[r.ID] != subject })
	return page, next, err
}

// blinks takes a record out of an index, which one call reads, and puts it back, in two steps.
type blinks struct {
	*mapStore
	out  *sync.Map // ids that are not in the index now
	call string
}

func (s blinks) Replace(ctx context.Context, r *apikey.Record) error {
	s.out.Store(r.ID, nil)
	defer s.out.Delete(r.ID)
	for range 100 { // chances for others to look
		runtime.Gosched()
	}
	return s.mapStore.Replace(ctx, r)
}

func (s blinks) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	page, next, err := s.mapStore.List(ctx, f, before, limit)
	page = slices.DeleteFunc(page, func(r *apikey.Record) bool {
		_, out := s.out.Load(r.ID)
		return out && s.call == "List"
	})
	return page, next, err
}

func (s blinks) Count(ctx context.Context, f apikey.Filter) (int, error) {
	n, err := s.mapStore.Count(ctx, f)
	s.out.Range(func(any, any) bool {
		if s.call == "Count" {
			n--
		}
		return true
	})
	return n, err
}
