package storetest_test

import (
	"context"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func brokenContexts() []broken {
	return []broken{
		{"DoneContext", "Get looks at no context", getsAnyway{newMapStore()}},
		{"DoneContext", "Delete looks at its context when it is done", deletesFirst{newMapStore()}},
		{"DoneContext", "Replace has an error of its own", renamesError{newMapStore()}},
		{"ContextThatEnds", "Replace gives up and says nothing", givesUp{newMapStore()}},
		{"ContextThatEnds", "Delete gives up half way", deletesHalf{newMapStore(), make(map[apikey.ID]bool)}},
		{"ContextThatEnds", "RecordUse gives up half way", usesHalf{newMapStore()}},
		{"Closed", "Close closes nothing", closesNothing{newMapStore()}},
		{"Closed", "Get after Close finds nothing", closesToEmpty{memstore.New()}},
	}
}

type getsAnyway struct{ *mapStore }

func (s getsAnyway) Get(_ context.Context, id apikey.ID) (*apikey.Record, error) {
	return s.mapStore.Get(context.Background(), id)
}

type deletesFirst struct{ *mapStore }

func (s deletesFirst) Delete(ctx context.Context, id apikey.ID) error {
	err := s.mapStore.Delete(context.Background(), id)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

type renamesError struct{ *mapStore }

func (s renamesError) Replace(ctx context.Context, r *apikey.Record) error {
	if ctx.Err() != nil {
		return errBroken
	}
	return s.mapStore.Replace(ctx, r)
}

type givesUp struct{ *mapStore }

func (s givesUp) Replace(ctx context.Context, r *apikey.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	return s.mapStore.Replace(context.Background(), r)
}

// deletesHalf deletes from an index first, and then the record.
type deletesHalf struct {
	*mapStore
	hidden map[apikey.ID]bool
}

func (s deletesHalf) Delete(ctx context.Context, id apikey.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.hidden[id] = true
	return s.mapStore.Delete(ctx, id)
}

func (s deletesHalf) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	page, next, err := s.mapStore.List(ctx, f, before, limit)
	var seen []*apikey.Record
	for _, r := range page {
		if !s.hidden[r.ID] {
			seen = append(seen, r)
		}
	}
	return seen, next, err
}

type usesHalf struct{ *mapStore }

func (s usesHalf) RecordUse(ctx context.Context, uses []apikey.Use) error {
	for _, u := range uses {
		if err := s.mapStore.RecordUse(ctx, []apikey.Use{u}); err != nil {
			return err
		}
	}
	return nil
}

type closesNothing struct{ *mapStore }

func (closesNothing) Close() error { return nil }

type closesToEmpty struct{ *memstore.Store }

func (s closesToEmpty) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.Store.Get(ctx, id)
	if err != nil {
		return nil, apikey.ErrNotFound
	}
	return r, nil
}
