package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

func brokenUses() []broken {
	return []broken{
		{"UseMovesForward", "times move back", uses{newMapStore(), func(s *mapStore, r *apikey.Record, u apikey.Use) {
			*r = forgetUse(r)
			u.Apply(r)
		}}},
		{"UseMovesForward", "credentials have no times of their own", uses{newMapStore(), func(s *mapStore, r *apikey.Record, u apikey.Use) {
			for i := range r.Credentials {
				u.Number = r.Credentials[i].Number
				u.Apply(r)
			}
		}}},
		{"UseMovesForward", "times are whole seconds", uses{newMapStore(), func(s *mapStore, r *apikey.Record, u apikey.Use) {
			u.At = u.At.Truncate(time.Second)
			u.Apply(r)
		}}},
		{"UseSkipsUnknown", "a number that is gone moves the record's", uses{newMapStore(), func(s *mapStore, r *apikey.Record, u apikey.Use) {
			if !u.Apply(r) && u.At.After(r.LastUsedAt) {
				r.LastUsedAt = u.At
			}
		}}},
		{"UseSkipsUnknown", "a batch ends at an id that is not there", stopsAtUnknown{newMapStore()}},
		{"UseInBatches", "only the first 1000 are done", firstOfBatch{newMapStore()}},
		{"UseInBatches", "only one of each id is done", oneOfEach{newMapStore()}},
		{"UseInBatches", "the caller's slice is sorted", sortsBatch{newMapStore()}},
		{"UseIsNoVersion", "each use is a Version", uses{newMapStore(), func(s *mapStore, r *apikey.Record, u apikey.Use) {
			u.Apply(r)
			r.Version++
		}}},
		{"UseIsNoVersion", "each use is an update", uses{newMapStore(), func(s *mapStore, r *apikey.Record, u apikey.Use) {
			u.Apply(r)
			r.UpdatedAt = u.At
		}}},
		{"UseSurvivesReplace", "Replace overwrites the times", overwritesUse{newMapStore()}},
		{"UseSurvivesReplace", "Replace clears the times", clearsUse{newMapStore()}},
		{"UseNeverRevives", "a use writes the record it has read", writesBack{newMapStore(), new(gap)}},
	}
}

func forgetUse(r *apikey.Record) apikey.Record {
	forgot := r.Clone()
	forgot.KeepUse(new(apikey.Record))
	return *forgot
}

// uses applies each use its own way.
type uses struct {
	*mapStore
	apply func(s *mapStore, r *apikey.Record, u apikey.Use)
}

func (s uses) RecordUse(ctx context.Context, uses []apikey.Use) error {
	for _, u := range uses {
		s.peek(u.ID, func(r *apikey.Record) { s.apply(s.mapStore, r, u) })
	}
	return ctx.Err()
}

type stopsAtUnknown struct{ *mapStore }

func (s stopsAtUnknown) RecordUse(ctx context.Context, uses []apikey.Use) error {
	for i, u := range uses {
		if s.version(u.ID) == 0 {
			uses = uses[:i]
			break
		}
	}
	return s.mapStore.RecordUse(ctx, uses)
}

type firstOfBatch struct{ *mapStore }

func (s firstOfBatch) RecordUse(ctx context.Context, uses []apikey.Use) error {
	return s.mapStore.RecordUse(ctx, uses[:min(1000, len(uses))])
}

type oneOfEach struct{ *mapStore }

func (s oneOfEach) RecordUse(ctx context.Context, uses []apikey.Use) error {
	seen := make(map[apikey.ID]bool)
	for _, u := range uses {
		if !seen[u.ID] {
			_ = s.mapStore.RecordUse(ctx, []apikey.Use{u})
		}
		seen[u.ID] = true
	}
	return ctx.Err()
}

type sortsBatch struct{ *mapStore }

func (s sortsBatch) RecordUse(ctx context.Context, uses []apikey.Use) error {
	slices.SortFunc(uses, func(a, b apikey.Use) int { return a.ID.Compare(b.ID) })
	return s.mapStore.RecordUse(ctx, uses)
}

type overwritesUse struct{ *mapStore }

func (s overwritesUse) Replace(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Replace(ctx, r)
	if err == nil {
		s.peek(r.ID, func(stored *apikey.Record) { stored.KeepUse(r) })
	}
	return err
}

type clearsUse struct{ *mapStore }

func (s clearsUse) Replace(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Replace(ctx, r)
	if err == nil {
		s.peek(r.ID, func(stored *apikey.Record) { *stored = forgetUse(stored) })
	}
	return err
}

type writesBack struct {
	*mapStore
	gap *gap
}

func (s writesBack) RecordUse(ctx context.Context, uses []apikey.Use) error {
	for _, u := range uses {
		r, err := s.Get(ctx, u.ID)
		if err != nil {
			continue
		}
		u.Apply(r)
		s.gap.wait()
		s.mu.Lock()
		s.records[r.ID] = r
		s.mu.Unlock()
	}
	return nil
}
