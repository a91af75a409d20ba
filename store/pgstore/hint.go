package pgstore

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
)

// maxHinted is how many keys a hint names: a payload has 8000 bytes at most. One that would have to name more names none.
const maxHinted = 200

// hints are the keys that were changed here and of which others have not been told yet.
type hints struct {
	mu   sync.Mutex
	ids  []apikey.ID
	more chan struct{} // holds one element when there are some
}

func (h *hints) add(id apikey.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ids) <= maxHinted {
		h.ids = append(h.ids, id)
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
}

// take returns the payload of a hint, and begins anew.
func (h *hints) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := h.ids
	h.ids = nil
	if len(ids) > maxHinted {
		return ""
	}
	var payload strings.Builder
	for _, id := range ids {
		payload.WriteString(id.String())
	}
	return payload.String()
}

// hinted returns the keys that a payload names. Whoever may connect to the database can make one up: it is worth no more than a
// read of those keys.
func hinted(payload string) (ids []apikey.ID) {
	for len(payload) >= 2*len(apikey.ID{}) && len(ids) < maxHinted {
		var id apikey.ID
		if _, err := hex.Decode(id[:], []byte(payload[:2*len(id)])); err != nil {
			return ids
		}
		ids, payload = append(ids, id), payload[2*len(id):]
	}
	return ids
}

// hint says to others what was changed. It comes after the commit and apart from it: as a part of the
// transaction, NOTIFY makes all commits of the cluster that have one wait for each other, and where it fails, so does the
// change. What it is worth is the time until the others' next look; nothing depends on it.
func (s *Store) hint(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hints.more:
		}
		c, cancel := context.WithTimeout(ctx, lookTime) // soon it is worth nothing, but to cut it off costs a connection
		_, _ = s.pool.Exec(c, `SELECT pg_catalog.pg_notify($1::text, $2::text)`, s.sql.channel, s.hints.take())
		cancel()
		pause(ctx, minPause) // what is changed meanwhile is one hint
	}
}
