package memstore

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// changes remembers the latest change of each record, for [apikey.ChangesKept]. Ages are
// measured with the monotonic clock, so that setting the wall clock can hide none.
type changes struct {
	sequence uint64
	order    list.List // of *change, the newest at the back
	of       map[apikey.ID]*list.Element
}

type change struct {
	apikey.Logged
	at time.Time
}

// add logs a change of the record, and forgets what is too old: each change is added and
// forgotten once, so a write costs the same however many there are.
func (c *changes) add(id apikey.ID) {
	now := time.Now()
	for e := c.order.Front(); e != nil && now.Sub(e.Value.(*change).at) > apikey.ChangesKept; e = c.order.Front() {
		delete(c.of, c.order.Remove(e).(*change).ID)
	}
	c.sequence++
	latest := &change{apikey.Logged{ID: id, Sequence: c.sequence}, now}
	if e := c.of[id]; e != nil {
		e.Value = latest
		c.order.MoveToBack(e)
		return
	}
	c.of[id] = c.order.PushBack(latest)
}

// Changes implements [apikey.ChangeLog]. What was changed is forgotten an hour later, when
// something else is changed.
func (s *Store) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	if within < 0 || within > apikey.ChangesKept {
		return nil, fmt.Errorf("memstore: changes within %v, which is not from 0 to %v", within, apikey.ChangesKept)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	var all []apikey.Logged
	for e := s.changes.order.Back(); e != nil && now.Sub(e.Value.(*change).at) <= within; e = e.Prev() {
		all = append(all, e.Value.(*change).Logged)
	}
	return all, nil
}
