package storetest_test

import (
	"context"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

func brokenUniqueness() []broken {
	return []broken{
		{"UniqueKeys", "Create takes any", createsAnyKey{newMapStore()}},
		{"UniqueKeys", "Replace takes any", replacesAnyKey{newMapStore()}},
		{"UniqueKeys", "none at all is unique", emptyIsUnique{newMapStore()}},
		{"UniqueKeys", "Create answers ErrNameTaken and creates", createsAndComplains{newMapStore()}},
		{"UniqueKeysAreBytes", "upper case is lower case", foldsKeys{newMapStore()}},
		{"UniqueKeysAreBytes", "a key ends at NUL", cutsKeys{newMapStore()}},
		{"UniqueKeyFreed", "Delete does not free", neverFrees{newMapStore(), make(map[string]apikey.ID)}},
		{"UniqueKeyFreed", "Delete frees what another holds", freesTwice{newMapStore(), make(map[apikey.ID]string)}},
		{"UniqueKeyKept", "Replace refuses the record's own", refusesOwnKey{newMapStore()}},
		{"FailedWritesTakeNoUniqueKey", "Create takes it first", neverFrees{newMapStore(), make(map[string]apikey.ID)}},
		{"UniqueKeyRacedByCreates", "Create compares, then writes", comparesThenCreates{createsAnyKey{newMapStore()}, new(gap)}},
		{"UniqueKeyRacedByReplace", "Replace compares, then writes", comparesThenTakes{newMapStore(), new(gap)}},
	}
}

// taken reports whether another record than r has a UniqueKey that is the same for equal.
func (s *mapStore) taken(r *apikey.Record, equal func(a, b string) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.records {
		if other.ID != r.ID && r.UniqueKey != "" && other.UniqueKey != "" && equal(other.UniqueKey, r.UniqueKey) {
			return true
		}
	}
	return false
}

func sameKey(a, b string) bool { return a == b }

type createsAnyKey struct{ *mapStore }

func (s createsAnyKey) Create(ctx context.Context, r *apikey.Record) error {
	without := r.Clone()
	without.UniqueKey = ""
	err := s.mapStore.Create(ctx, without)
	if err == nil {
		s.peek(r.ID, func(stored *apikey.Record) { stored.UniqueKey = r.UniqueKey })
	}
	return err
}

type replacesAnyKey struct{ *mapStore }

func (s replacesAnyKey) Replace(ctx context.Context, r *apikey.Record) error {
	without := r.Clone()
	without.UniqueKey = ""
	err := s.mapStore.Replace(ctx, without)
	if err == nil {
		s.peek(r.ID, func(stored *apikey.Record) { stored.UniqueKey = r.UniqueKey })
	}
	return err
}

type emptyIsUnique struct{ *mapStore }

func (s emptyIsUnique) Create(ctx context.Context, r *apikey.Record) error {
	s.mu.Lock()
	for _, other := range s.records {
		if r.UniqueKey == "" && other.UniqueKey == "" {
			s.mu.Unlock()
			return apikey.ErrNameTaken
		}
	}
	s.mu.Unlock()
	return s.mapStore.Create(ctx, r)
}

type createsAndComplains struct{ *mapStore }

func (s createsAndComplains) Create(ctx context.Context, r *apikey.Record) error {
	taken := s.taken(r, sameKey)
	err := createsAnyKey(s).Create(ctx, r)
	if err == nil && taken {
		return apikey.ErrNameTaken
	}
	return err
}

type foldsKeys struct{ *mapStore }

func (s foldsKeys) Create(ctx context.Context, r *apikey.Record) error {
	if s.taken(r, strings.EqualFold) {
		return apikey.ErrNameTaken
	}
	return s.mapStore.Create(ctx, r)
}

type cutsKeys struct{ *mapStore }

func (s cutsKeys) Create(ctx context.Context, r *apikey.Record) error {
	cut := func(key string) string { before, _, _ := strings.Cut(key, "\x00"); return before }
	if s.taken(r, func(a, b string) bool { return cut(a) == cut(b) }) {
		return apikey.ErrNameTaken
	}
	return s.mapStore.Create(ctx, r)
}

// neverFrees takes a UniqueKey before it knows that the write succeeds, and for ever.
type neverFrees struct {
	*mapStore
	holders map[string]apikey.ID
}

func (s neverFrees) Create(ctx context.Context, r *apikey.Record) error {
	if holder, ok := s.holders[r.UniqueKey]; ok && holder != r.ID {
		return apikey.ErrNameTaken
	}
	if r.UniqueKey != "" {
		s.holders[r.UniqueKey] = r.ID
	}
	return s.mapStore.Create(ctx, r)
}

// freesTwice frees with a record the UniqueKey that it was created with, whoever has it now.
type freesTwice struct {
	*mapStore
	created map[apikey.ID]string
}

func (s freesTwice) Create(ctx context.Context, r *apikey.Record) error {
	s.created[r.ID] = r.UniqueKey
	return s.mapStore.Create(ctx, r)
}

func (s freesTwice) Delete(ctx context.Context, id apikey.ID) error {
	err := s.mapStore.Delete(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.UniqueKey == s.created[id] {
			r.UniqueKey = ""
		}
	}
	return err
}

type refusesOwnKey struct{ *mapStore }

func (s refusesOwnKey) Replace(ctx context.Context, r *apikey.Record) error {
	if s.taken(&apikey.Record{UniqueKey: r.UniqueKey}, sameKey) {
		return apikey.ErrNameTaken
	}
	return s.mapStore.Replace(ctx, r)
}

type comparesThenCreates struct {
	createsAnyKey
	gap *gap
}

func (s comparesThenCreates) Create(ctx context.Context, r *apikey.Record) error {
	if s.taken(r, sameKey) {
		return apikey.ErrNameTaken
	}
	s.gap.wait()
	return s.createsAnyKey.Create(ctx, r)
}

type comparesThenTakes struct {
	*mapStore
	gap *gap
}

func (s comparesThenTakes) Replace(ctx context.Context, r *apikey.Record) error {
	if s.taken(r, sameKey) {
		return apikey.ErrNameTaken
	}
	s.gap.wait()
	return replacesAnyKey{s.mapStore}.Replace(ctx, r)
}
