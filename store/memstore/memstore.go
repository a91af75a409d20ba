// Package memstore keeps keys in memory: for tests, and for programs that issue their keys
// anew at every start. What it keeps is gone with the process.
//
//	store := memstore.New()
//	defer store.Close()
package memstore

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/internal/watch"
)

// Store is an [apikey.Store], an [apikey.Watcher] and an [apikey.ChangeLog]. It is safe for
// concurrent use.
//
// A read costs the copy that it returns. Creating, replacing, deleting and listing a page
// cost about the same however many records there are; [Store.Count] without a Subject
// visits them all.
type Store struct {
	mu       sync.RWMutex
	closed   bool
	records  map[apikey.ID]*apikey.Record // never changed once it is here: a write puts another in its place
	all      ids
	subjects map[string]*ids
	unique   map[string]apikey.ID // by UniqueKey
	values   map[string][]byte    // never changed once it is here
	changes  changes

	watchers watch.Watchers
}

var (
	_ apikey.Store     = (*Store)(nil)
	_ apikey.Watcher   = (*Store)(nil)
	_ apikey.ChangeLog = (*Store)(nil)
)

var errClosed = errors.New("memstore: the store is closed")

// New returns an empty store.
func New() *Store {
	return &Store{
		records:  make(map[apikey.ID]*apikey.Record),
		subjects: make(map[string]*ids),
		unique:   make(map[string]apikey.ID),
		values:   make(map[string][]byte),
		changes:  changes{of: make(map[apikey.ID]*list.Element)},
	}
}

// Close tells every watcher to distrust what was read, and makes every later call an
// error. It may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.watchers.Tell(apikey.Change{Gap: true})
	return nil
}

// Create implements [apikey.Store].
func (s *Store) Create(ctx context.Context, r *apikey.Record) error {
	r, err := own(r)
	if err != nil {
		return err
	}
	r.Version = 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return err
	}
	if r.ID.IsZero() {
		return errors.New("memstore: the record has no id")
	}
	if s.records[r.ID] != nil {
		return apikey.ErrExists
	}
	if s.taken(r) {
		return apikey.ErrNameTaken
	}
	s.add(r)
	return nil
}

// Get implements [apikey.Store].
func (s *Store) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.mu.RLock()
	r, err := s.records[id], s.ready(ctx)
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, apikey.ErrNotFound
	}
	return r.Clone(), nil
}

// Replace implements [apikey.Store].
func (s *Store) Replace(ctx context.Context, r *apikey.Record) error {
	r, err := own(r)
	if err != nil {
		return err
	}
	// Whatever comes of it, and after the lock is released: a word too many costs a read.
	defer s.watchers.Tell(apikey.Change{ID: r.ID})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return err
	}
	old := s.records[r.ID]
	if old == nil || old.Version != r.Version {
		return apikey.ErrConflict
	}
	if s.taken(r) {
		return apikey.ErrNameTaken
	}
	r.KeepUse(old)
	r.Version++
	s.remove(old)
	s.add(r)
	s.changes.add(r.ID)
	return nil
}

// Delete implements [apikey.Store].
func (s *Store) Delete(ctx context.Context, id apikey.ID) error {
	defer s.watchers.Tell(apikey.Change{ID: id})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return err
	}
	old := s.records[id]
	if old == nil {
		return apikey.ErrNotFound
	}
	s.remove(old)
	s.changes.add(id)
	return nil
}

// own returns a copy of r to keep. It refuses what the other stores could not keep either,
// a time that is not UTC for one, so that what works here works there.
func own(r *apikey.Record) (*apikey.Record, error) {
	if _, err := r.MarshalBinary(); err != nil {
		return nil, err
	}
	return r.Clone(), nil
}

// The methods below are called with the lock held.

func (s *Store) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed {
		return errClosed
	}
	return nil
}

// taken reports whether another record than r has its UniqueKey.
func (s *Store) taken(r *apikey.Record) bool {
	holder, ok := s.unique[r.UniqueKey]
	return ok && holder != r.ID
}

func (s *Store) add(r *apikey.Record) {
	s.records[r.ID] = r
	s.all.insert(r.ID)
	of := s.subjects[r.Subject]
	if of == nil {
		of = new(ids)
		s.subjects[r.Subject] = of
	}
	of.insert(r.ID)
	if r.UniqueKey != "" {
		s.unique[r.UniqueKey] = r.ID
	}
}

func (s *Store) remove(r *apikey.Record) {
	delete(s.records, r.ID)
	s.all.remove(r.ID)
	of := s.subjects[r.Subject]
	of.remove(r.ID)
	if of.empty() {
		delete(s.subjects, r.Subject)
	}
	if r.UniqueKey != "" {
		delete(s.unique, r.UniqueKey)
	}
}
