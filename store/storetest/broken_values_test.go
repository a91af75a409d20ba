package storetest_test

import (
	"bytes"
	"context"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

func brokenValues() []broken {
	return []broken{
		{"Values", "SwapValue ignores what is there", swapsAlways{newMapStore()}},
		{"Values", "SwapValue compares the beginning", swapsPrefix{newMapStore()}},
		{"Values", "SwapValue deletes whatever is there", deletesAlways{newMapStore()}},
		{"ValueNames", "names have no case", foldsNames{newMapStore()}},
		{"ValueNames", "a name ends at NUL", cutsNames{newMapStore()}},
		{"EmptyValueIsAValue", "Value returns nil for empty", emptyIsNil{newMapStore()}},
		{"EmptyValueIsAValue", "SwapValue takes empty for none", emptyIsNone{newMapStore()}},
		{"ValueCopies", "SwapValue keeps the caller's slice", keepsValue{newMapStore()}},
		{"ValueCopies", "Value returns what it keeps", returnsValue{newMapStore()}},
		{"OneInsertOfAValueWins", "SwapValue compares, then writes", comparesThenSwaps{newMapStore(), new(gap)}},
		{"SwapsAddUp", "SwapValue compares, then writes", comparesThenSwaps{newMapStore(), new(gap)}},
	}
}

// keep stores a value, whatever is there.
func (s *mapStore) keep(name string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = value
}

type swapsAlways struct{ *mapStore }

func (s swapsAlways) SwapValue(ctx context.Context, name string, old, new []byte) error {
	s.keep(name, bytes.Clone(new))
	return ctx.Err()
}

type swapsPrefix struct{ *mapStore }

func (s swapsPrefix) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if now, _ := s.Value(ctx, name); old != nil && bytes.HasPrefix(now, old) {
		old = now
	}
	return s.mapStore.SwapValue(ctx, name, old, new)
}

type deletesAlways struct{ *mapStore }

func (s deletesAlways) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if new == nil {
		return swapsAlways(s).SwapValue(ctx, name, old, new)
	}
	return s.mapStore.SwapValue(ctx, name, old, new)
}

type foldsNames struct{ *mapStore }

func (s foldsNames) Value(ctx context.Context, name string) ([]byte, error) {
	return s.mapStore.Value(ctx, strings.ToLower(name))
}

func (s foldsNames) SwapValue(ctx context.Context, name string, old, new []byte) error {
	return s.mapStore.SwapValue(ctx, strings.ToLower(name), old, new)
}

type cutsNames struct{ *mapStore }

func (s cutsNames) Value(ctx context.Context, name string) ([]byte, error) {
	name, _, _ = strings.Cut(name, "\x00")
	return s.mapStore.Value(ctx, name)
}

func (s cutsNames) SwapValue(ctx context.Context, name string, old, new []byte) error {
	name, _, _ = strings.Cut(name, "\x00")
	return s.mapStore.SwapValue(ctx, name, old, new)
}

type emptyIsNil struct{ *mapStore }

func (s emptyIsNil) Value(ctx context.Context, name string) ([]byte, error) {
	v, err := s.mapStore.Value(ctx, name)
	return append([]byte(nil), v...), err
}

type emptyIsNone struct{ *mapStore }

func (s emptyIsNone) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if now, _ := s.Value(ctx, name); len(now) == 0 && len(old) == 0 {
		old = now
	}
	return s.mapStore.SwapValue(ctx, name, old, new)
}

type keepsValue struct{ *mapStore }

func (s keepsValue) SwapValue(ctx context.Context, name string, old, new []byte) error {
	err := s.mapStore.SwapValue(ctx, name, old, new)
	if err == nil {
		s.keep(name, new)
	}
	return err
}

type returnsValue struct{ *mapStore }

func (s returnsValue) Value(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[name], ctx.Err()
}

type comparesThenSwaps struct {
	*mapStore
	gap *gap
}

func (s comparesThenSwaps) SwapValue(ctx context.Context, name string, old, new []byte) error {
	now, err := s.Value(ctx, name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) || (now == nil) != (old == nil) {
		return apikey.ErrConflict
	}
	s.gap.wait()
	s.keep(name, bytes.Clone(new))
	return nil
}
