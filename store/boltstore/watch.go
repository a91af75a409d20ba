package boltstore

import "github.com/seed-d3a9fb6b/apikey"

// Watch calls f for every change through s, in the goroutine that makes it, and for Close. After
// stop has returned f is not running and will not be called; so f must not call stop, which
// would wait for itself. See [apikey.Watcher].
func (s *Store) Watch(f func(apikey.Change)) (stop func()) { return s.watchers.Add(f) }
