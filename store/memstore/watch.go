package memstore

import (
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// Watch implements [apikey.Watcher]. stop waits for calls of f that have begun, so f must
// not call it.
func (s *Store) Watch(f func(apikey.Change)) (stop func()) { return s.watchers.Add(f) }

// Heartbeat implements [apikey.Watcher]. It is 0: nobody but this process can write, so
// silence is fresh.
func (s *Store) Heartbeat() time.Duration { return 0 }
