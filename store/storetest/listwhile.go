package storetest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// listWhileRecordsComeAndGo: between the pages newer and older records are made, and the
// last one seen and one to come are deleted.
func listWhileRecordsComeAndGo(t testing.TB, s apikey.Store) {
	const first, last = 100, 129
	for _, f := range []apikey.Filter{{}, {Subject: "user_1"}} {
		for _, limit := range []int{1, 3} {
			for n := first; n <= last; n++ {
				mustCreate(t, s, record(n))
			}
			newer, older := last+1, 1
			gone := make(map[int]bool)
			got := walk(t, s, f, apikey.ID{}, limit, func(next apikey.ID) {
				if older == 10 {
					return
				}
				mustCreate(t, s, record(newer))
				mustCreate(t, s, record(older))
				newer, older = newer+1, older+1
				seen := first
				for id(seen).Compare(next) < 0 {
					seen++
				}
				for _, n := range []int{seen, seen - 2} {
					if n >= first && n <= last && !gone[n] {
						mustDelete(t, s, id(n))
						gone[n] = true
					}
				}
			})
			times := make(map[apikey.ID]int)
			for _, r := range got {
				times[r.ID]++
			}
			for n := first; n <= last; n++ {
				if times[id(n)] != 1 && !gone[n] {
					t.Errorf("List with limit %d, while others came and went, showed %d times a record that was there throughout, want once; else RevokeSubject misses a key", limit, times[id(n)])
				}
			}
			for _, r := range list(t, s, apikey.Filter{}, 100) {
				mustDelete(t, s, r.ID)
			}
		}
	}
}

// listWhileRecordsAreReplaced: a record that is replaced, and still matches, never leaves its
// list, not even while an index is being changed. Every other record moves to another
// subject and back.
func listWhileRecordsAreReplaced(t testing.TB, s apikey.Store) {
	const records, writers = 21, 3
	rs := make([]*apikey.Record, records)
	for n := range rs {
		rs[n] = mustCreate(t, s, record(n))
	}
	moves := func(n int) bool { return n%2 == 1 }

	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	defer writing.Wait()
	defer stop()
	for first := range writers {
		writing.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				for n := first; n < records; n += writers {
					r := rs[n]
					r.Description = fmt.Sprint("round ", round)
					if moves(n) {
						r.Subject = fmt.Sprint("user_", 2-round%2)
					}
					if err := s.Replace(t.Context(), r); err != nil {
						t.Errorf("Replace, while others list: %v", err)
						return
					}
					r.Version++
					runtime.Gosched() // let the reader in
				}
			}
		})
	}

	for range 10 {
		for _, f := range []apikey.Filter{{}, {Subject: "user_1"}} {
			stays := func(n int) bool { return f.Subject == "" || !moves(n) }
			for _, limit := range []int{1, 7} {
				times := make(map[apikey.ID]int)
				for _, r := range walk(t, s, f, apikey.ID{}, limit, func(apikey.ID) { runtime.Gosched() }) {
					times[r.ID]++
				}
				staying := 0
				for n := range records {
					if !stays(n) {
						continue
					}
					staying++
					if times[id(n)] != 1 {
						t.Fatalf("List(%s) with limit %d, while records were replaced, showed %d times one that matched throughout, want once; else RevokeSubject misses a key", filter(f), limit, times[id(n)])
					}
				}
				if n, err := s.Count(t.Context(), f); n < staying || n > records || err != nil {
					t.Fatalf("Count(%s), while records were replaced, answered (%d, %v), want %d that match throughout, and %d at most", filter(f), n, err, staying, records)
				}
			}
		}
	}
}
