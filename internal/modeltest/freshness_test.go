package modeltest_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// told is what a Store has told, in this order.
type told struct {
	mu   sync.Mutex
	all  []apikey.Change
	more chan struct{} // holds one element when there is more than there was
}

func (t *told) add(c apikey.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, c)
	select {
	case t.more <- struct{}{}:
	default:
	}
}

// await returns when there is word that speaks for what was there at an instant.
func (h *told) await(t *testing.T, at time.Time) {
	t.Helper()
	for patience := time.After(30 * time.Second); ; {
		h.mu.Lock()
		fresh := h.fresh(at)
		h.mu.Unlock()
		if fresh >= 0 {
			return
		}
		select {
		case <-h.more:
		case <-patience:
			t.Fatal("the feed has not been fresh for half a minute: Verifiers would read at every call")
		}
	}
}

// fresh returns where the first word is that speaks for what was there at an instant; -1: there is none yet.
func (t *told) fresh(at time.Time) int {
	return slices.IndexFunc(t.all, func(c apikey.Change) bool { return c.Fresh.After(at) })
}

// tells reports whether the first words, up to one that is fresh, leave nobody trusting what a record was.
func (t *told) tells(id apikey.ID, fresh int) bool {
	return slices.ContainsFunc(t.all[:fresh+1], func(c apikey.Change) bool { return c.ID == id })
}

// TestFreshComesAfterTheNews: when a feed says that it is fresh, it has told of all that was changed before. Of the
// histories above few would show it: the two come within microseconds of each other.
func TestFreshComesAfterTheNews(t *testing.T) {
	for _, feed := range feeds {
		t.Run(feed.name, func(t *testing.T) {
			w := threeProcesses(t, feed.open)
			var heard [3]told
			for i, p := range w.processes {
				heard[i].more = make(chan struct{}, 1)
				t.Cleanup(p.store.(apikey.Watcher).Watch(heard[i].add))
				heard[i].await(t, time.Now()) // before its first gap, which may stand for changes that are not told
			}
			type revoked struct {
				id  apikey.ID
				end time.Time
			}
			var mu sync.Mutex
			var changes []revoked
			var writers sync.WaitGroup
			for _, p := range w.processes {
				for range 3 {
					writers.Go(func() {
						for range 10 {
							key, _, err := p.issuers[0].Create(t.Context(), apikey.CreateParams{Subject: "user_1", Name: "fresh"})
							if err != nil {
								t.Error(err)
								return
							}
							if _, err = p.issuers[0].Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
								t.Error(err)
								return
							}
							end := time.Now()
							_, id, err := apikey.ParseKeyID(key.ID())
							if err != nil {
								t.Error(err)
								return
							}
							mu.Lock()
							changes = append(changes, revoked{id, end})
							mu.Unlock()
						}
					})
				}
			}
			writers.Wait()
			for i := range heard {
				h := &heard[i]
				h.await(t, time.Now())
				h.mu.Lock()
				for _, c := range changes {
					if fresh := h.fresh(c.end); !h.tells(c.id, fresh) {
						t.Errorf("process %d was told that all is known before %v, but not that %s had been revoked %v before: its "+
							"Verifiers would accept the key for longer than the bound", i, h.all[fresh].Fresh, c.id, h.all[fresh].Fresh.Sub(c.end))
					}
				}
				h.mu.Unlock()
			}
		})
	}
}
