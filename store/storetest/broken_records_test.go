package storetest_test

import (
	"context"

	"github.com/seed-d3a9fb6b/apikey"
)

func brokenRecords() []broken {
	return []broken{
		{"Missing", "Get of nothing is no error", findsNothing{newMapStore()}},
		{"Missing", "Delete of nothing is no error", deletesNothing{newMapStore()}},
		{"CreateSetsVersion1", "Create takes the caller's Version", trustsVersion{newMapStore()}},
		{"CreateSetsVersion1", "Create sets the caller's Version", setsVersionOfCaller{newMapStore()}},
		{"CreateRefusesAnIDThatIsThere", "Create overwrites", overwrites{newMapStore()}},
		{"ReplaceStoresTheNextVersion", "Replace keeps the Version", keepsVersion{newMapStore()}},
		{"ReplaceRefusesAnotherVersion", "Replace ignores the Version", ignoresVersion{newMapStore()}},
		{"ReplaceWithVersion0NeverWrites", "Replace with Version 0 overwrites", takesVersion0{newMapStore()}},
		{"ReplaceNeverCreates", "Replace creates", creates{newMapStore()}},
		{"DeleteRemoves", "Count counts the deleted", countsDeleted{newMapStore(), new(int)}},
		{"DeleteRemoves", "Create revives the uses of the deleted", remembersDeleted{newMapStore(), make(map[apikey.ID]*apikey.Record)}},
		{"OneReplaceOfAVersionWins", "Replace compares, then writes", comparesThenReplaces{newMapStore(), new(gap)}},
		{"ReplacesAddUp", "Replace compares, then writes", comparesThenReplaces{newMapStore(), new(gap)}},
		{"Concurrency", "Count fails when others count", busy{newMapStore(), new(gap)}},
	}
}

// peek calls change with the record that s keeps, if there is one.
func (s *mapStore) peek(id apikey.ID, change func(r *apikey.Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[id]; r != nil {
		change(r)
	}
}

// version returns the stored version; 0: there is no such record.
func (s *mapStore) version(id apikey.ID) (version uint64) {
	s.peek(id, func(r *apikey.Record) { version = r.Version })
	return version
}

type findsNothing struct{ *mapStore }

func (s findsNothing) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.mapStore.Get(ctx, id)
	if err == apikey.ErrNotFound {
		err = nil
	}
	return r, err
}

type deletesNothing struct{ *mapStore }

func (s deletesNothing) Delete(ctx context.Context, id apikey.ID) error {
	if err := s.mapStore.Delete(ctx, id); err != apikey.ErrNotFound {
		return err
	}
	return nil
}

type trustsVersion struct{ *mapStore }

func (s trustsVersion) Create(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Create(ctx, r)
	s.peek(r.ID, func(stored *apikey.Record) { stored.Version = max(1, r.Version) })
	return err
}

type setsVersionOfCaller struct{ *mapStore }

func (s setsVersionOfCaller) Create(ctx context.Context, r *apikey.Record) error {
	r.Version = 1
	return s.mapStore.Create(ctx, r)
}

type overwrites struct{ *mapStore }

func (s overwrites) Create(ctx context.Context, r *apikey.Record) error {
	_ = s.mapStore.Delete(ctx, r.ID)
	return s.mapStore.Create(ctx, r)
}

type keepsVersion struct{ *mapStore }

func (s keepsVersion) Replace(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Replace(ctx, r)
	s.peek(r.ID, func(stored *apikey.Record) { stored.Version = 1 })
	return err
}

type ignoresVersion struct{ *mapStore }

func (s ignoresVersion) Replace(ctx context.Context, r *apikey.Record) error {
	r = r.Clone()
	r.Version = s.version(r.ID)
	return s.mapStore.Replace(ctx, r)
}

type takesVersion0 struct{ *mapStore }

func (s takesVersion0) Replace(ctx context.Context, r *apikey.Record) error {
	if r.Version == 0 {
		return ignoresVersion(s).Replace(ctx, r)
	}
	return s.mapStore.Replace(ctx, r)
}

type creates struct{ *mapStore }

func (s creates) Replace(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Replace(ctx, r)
	if err != nil && s.version(r.ID) == 0 {
		return s.Create(ctx, r)
	}
	return err
}

type countsDeleted struct {
	*mapStore
	deleted *int
}

func (s countsDeleted) Delete(ctx context.Context, id apikey.ID) error {
	*s.deleted++
	return s.mapStore.Delete(ctx, id)
}

func (s countsDeleted) Count(ctx context.Context, f apikey.Filter) (int, error) {
	n, err := s.mapStore.Count(ctx, f)
	return n + *s.deleted, err
}

// remembersDeleted gives a record that is created again the uses of the one deleted.
type remembersDeleted struct {
	*mapStore
	deleted map[apikey.ID]*apikey.Record
}

func (s remembersDeleted) Delete(ctx context.Context, id apikey.ID) error {
	if r, err := s.Get(ctx, id); err == nil {
		s.deleted[id] = r
	}
	return s.mapStore.Delete(ctx, id)
}

func (s remembersDeleted) Create(ctx context.Context, r *apikey.Record) error {
	if old := s.deleted[r.ID]; old != nil {
		r = r.Clone()
		r.KeepUse(old)
	}
	return s.mapStore.Create(ctx, r)
}

type comparesThenReplaces struct {
	*mapStore
	gap *gap
}

func (s comparesThenReplaces) Replace(ctx context.Context, r *apikey.Record) error {
	if s.version(r.ID) != r.Version {
		return apikey.ErrConflict
	}
	s.gap.wait()
	return ignoresVersion{s.mapStore}.Replace(ctx, r)
}

// busy fails where it should wait.
type busy struct {
	*mapStore
	gap *gap
}

func (s busy) Count(ctx context.Context, f apikey.Filter) (int, error) {
	if s.gap.wait() {
		return 0, errBroken
	}
	return s.mapStore.Count(ctx, f)
}
