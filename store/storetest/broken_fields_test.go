package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

var errBroken = errors.New("broken store")

func brokenFields() []broken {
	eachCredential := func(f func(c *apikey.Credential)) func(*apikey.Record) {
		return func(r *apikey.Record) {
			for i := range r.Credentials {
				f(&r.Credentials[i])
			}
		}
	}
	in := func(f func(*apikey.Record)) apikey.Store { return in{newMapStore(), f} }
	out := func(f func(*apikey.Record)) apikey.Store { return out{newMapStore(), f} }
	return []broken{
		{"EveryField", "RevokedBy is dropped", in(func(r *apikey.Record) { r.RevokedBy = "" })},
		{"EveryField", "Disabled is dropped", in(func(r *apikey.Record) { r.Disabled = false })},
		{"EveryField", "MACs are dropped", in(eachCredential(func(c *apikey.Credential) { c.MAC = nil }))},
		{"EveryField", "Scopes are sorted the other way", in(func(r *apikey.Record) { slices.Reverse(r.Scopes) })},
		{"EveryField", "Create drops the last use of an import", in(func(r *apikey.Record) { r.LastUsedAt = time.Time{} })},
		{"ExtremeValues", "a Number has 15 bits", in(eachCredential(func(c *apikey.Credential) { c.Number &= 1<<15 - 1 }))},
		{"ExtremeValues", "a MACKey has 31 bits", in(eachCredential(func(c *apikey.Credential) { c.MACKey &= 1<<31 - 1 }))},
		{"ExtremeValues", "names are cut to 255 bytes", in(func(r *apikey.Record) { r.Name = r.Name[:min(255, len(r.Name))] })},
		{"ExtremeValues", "a record has 2 credentials at most", in(func(r *apikey.Record) { r.Credentials = r.Credentials[:min(2, len(r.Credentials))] })},
		{"ZeroFields", "Replace leaves what is empty alone", coalesces{newMapStore()}},
		{"Times", "times are whole seconds", in(func(r *apikey.Record) { r.ExpiresAt = r.ExpiresAt.Truncate(time.Second) })},
		{"Times", "times are local", out(eachCredential(func(c *apikey.Credential) { c.NotAfter = c.NotAfter.Local() }))},
		{"Times", "a zero time is 1970", out(func(r *apikey.Record) {
			if r.RevokedAt.IsZero() {
				r.RevokedAt = time.Unix(0, 0).UTC()
			}
		})},
		{"ClaimsVerbatim", "claims are parsed", out(func(r *apikey.Record) {
			var v any
			if json.Unmarshal(r.Claims, &v) == nil {
				r.Claims, _ = json.Marshal(v)
			}
		})},
		{"UnknownFields", "fields are copied one by one", in(func(r *apikey.Record) {
			known := new(apikey.Record)
			for field, value := range reflect.ValueOf(*r).Fields() {
				if field.IsExported() {
					reflect.ValueOf(known).Elem().FieldByIndex(field.Index).Set(value)
				}
			}
			*r = *known
		})},
		{"CopiesIn", "Create keeps the caller's slices", keepsSlices{newMapStore()}},
		{"CopiesIn", "Replace keeps the caller's slices", keepsSlicesOfReplace{newMapStore()}},
		{"CopiesOut", "Get returns what it keeps", returnsItsOwn{newMapStore()}},
		{"CopiesOut", "List returns what it keeps", listsItsOwn{newMapStore()}},
		{"CopiesLast", "Get returns a part of a buffer", reusesBuffers{newMapStore(), make(map[apikey.ID][]byte)}},
	}
}

// in changes each record on its way in.
type in struct {
	*mapStore
	change func(r *apikey.Record)
}

func (s in) Create(ctx context.Context, r *apikey.Record) error {
	r = r.Clone()
	s.change(r)
	return s.mapStore.Create(ctx, r)
}

func (s in) Replace(ctx context.Context, r *apikey.Record) error {
	r = r.Clone()
	s.change(r)
	return s.mapStore.Replace(ctx, r)
}

// out changes each record on its way out.
type out struct {
	*mapStore
	change func(r *apikey.Record)
}

func (s out) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.mapStore.Get(ctx, id)
	if err == nil {
		s.change(r)
	}
	return r, err
}

func (s out) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	page, next, err := s.mapStore.List(ctx, f, before, limit)
	for _, r := range page {
		s.change(r)
	}
	return page, next, err
}

type coalesces struct{ *mapStore }

func (s coalesces) Replace(ctx context.Context, r *apikey.Record) error {
	r = r.Clone()
	if r.ExpiresAt.IsZero() {
		s.peek(r.ID, func(old *apikey.Record) { r.ExpiresAt = old.ExpiresAt })
	}
	return s.mapStore.Replace(ctx, r)
}

type keepsSlices struct{ *mapStore }

func (s keepsSlices) Create(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Create(ctx, r)
	s.peek(r.ID, func(stored *apikey.Record) { stored.Credentials = r.Credentials })
	return err
}

type keepsSlicesOfReplace struct{ *mapStore }

func (s keepsSlicesOfReplace) Replace(ctx context.Context, r *apikey.Record) error {
	err := s.mapStore.Replace(ctx, r)
	s.peek(r.ID, func(stored *apikey.Record) { stored.Claims = r.Claims })
	return err
}

type returnsItsOwn struct{ *mapStore }

func (s returnsItsOwn) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.mapStore.Get(ctx, id)
	s.peek(id, func(stored *apikey.Record) { r = stored })
	return r, err
}

type listsItsOwn struct{ *mapStore }

func (s listsItsOwn) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	page, next, err := s.mapStore.List(ctx, f, before, limit)
	for _, r := range page {
		s.peek(r.ID, func(stored *apikey.Record) { r.Scopes = stored.Scopes })
	}
	return page, next, err
}

// reusesBuffers returns claims in memory that a later Replace overwrites.
type reusesBuffers struct {
	*mapStore
	buffers map[apikey.ID][]byte
}

func (s reusesBuffers) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.mapStore.Get(ctx, id)
	if err == nil {
		s.buffers[id] = append(s.buffers[id][:0], r.Claims...)
		r.Claims = s.buffers[id]
	}
	return r, err
}

func (s reusesBuffers) Replace(ctx context.Context, r *apikey.Record) error {
	copy(s.buffers[r.ID], r.Claims)
	return s.mapStore.Replace(ctx, r)
}
