package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

func wantValue(t testing.TB, s apikey.Store, after, name string, want []byte) {
	t.Helper()
	got := mustValue(t, s, name)
	if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		t.Errorf("after %s Value(%q) is %s, want %s", after, name, valueText(got), valueText(want))
	}
}

func valueText(v []byte) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%.60q", v)
}

func values(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	a, b, large := []byte("a\x00\xff"), []byte("b"), bytes.Repeat([]byte("large"), 4<<10)
	const why = "two processes make a seed each, and the keys of one are refused"

	mustSwap(t, s, "seed", nil, a)
	wantValue(t, s, "an insert", "seed", a)
	wantError(t, "SwapValue from none where there is one", s.SwapValue(ctx, "seed", nil, b), apikey.ErrConflict, why)
	wantError(t, "SwapValue from another value than the present", s.SwapValue(ctx, "seed", b, b), apikey.ErrConflict, "a change is overwritten unseen")
	wantError(t, "SwapValue from a part of the present value", s.SwapValue(ctx, "seed", a[:1], b), apikey.ErrConflict, "a change is overwritten unseen")
	wantError(t, "SwapValue from none to none where there is one", s.SwapValue(ctx, "seed", nil, nil), apikey.ErrConflict, "absence is confirmed that is none")
	wantError(t, "SwapValue that deletes another value than the present", s.SwapValue(ctx, "seed", b, nil), apikey.ErrConflict, "the seed is lost, and with it every key")
	wantValue(t, s, "swaps that were refused", "seed", a)

	mustSwap(t, s, "seed", a, large)
	wantValue(t, s, "a swap", "seed", large)
	mustSwap(t, s, "seed", large, large)
	wantValue(t, s, "a swap to the same value", "seed", large)
	mustSwap(t, s, "seed", large, nil)
	wantValue(t, s, "a swap to none", "seed", nil)
	mustSwap(t, s, "seed", nil, nil)
	wantValue(t, s, "a swap from none to none", "seed", nil)
	mustSwap(t, s, "seed", nil, b)
	wantValue(t, s, "an insert after a delete", "seed", b)
}

// emptyValueIsAValue: nil is absence, an empty slice is not.
func emptyValueIsAValue(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	const why = "an empty value is taken for none"
	wantError(t, "SwapValue from an empty value where there is none", s.SwapValue(ctx, "v", []byte{}, []byte("a")), apikey.ErrConflict, why)
	wantValue(t, s, "a swap that was refused", "v", nil)
	mustSwap(t, s, "v", nil, []byte{})
	wantValue(t, s, "an insert of an empty value", "v", []byte{})
	wantError(t, "SwapValue from none where there is an empty value", s.SwapValue(ctx, "v", nil, []byte("a")), apikey.ErrConflict, why)
	wantValue(t, s, "a swap that was refused", "v", []byte{})
	mustSwap(t, s, "v", []byte{}, []byte("a"))
	mustSwap(t, s, "v", []byte("a"), []byte{})
	wantValue(t, s, "a swap to an empty value", "v", []byte{})
	mustSwap(t, s, "v", []byte{}, nil)
	wantValue(t, s, "a delete of an empty value", "v", nil)
}

func valueNames(t testing.TB, s apikey.Store) {
	names := []string{
		"seed", "Seed", "seed ", "see", "seed/1", "seed/2", "/", ".", "..", "%", "_", `\`, `'`, `"`, "\x00", "seed\x00", "\xff", "\n", "é", "e\u0301", "日本",
		id(1).String(), string(record(1).ID[:]),
	}
	r := mustCreate(t, s, record(1))
	for _, name := range names {
		wantValue(t, s, "inserts of other names", name, nil)
		mustSwap(t, s, name, nil, []byte(name))
	}
	for _, name := range names {
		wantValue(t, s, "inserts of other names", name, []byte(name))
	}
	mustSwap(t, s, "seed", []byte("seed"), nil)
	for _, name := range names[1:] {
		wantValue(t, s, "a delete of another name", name, []byte(name))
	}
	wantListed(t, s, apikey.Filter{}, r) // values are not records
}

func valueCopies(t testing.TB, s apikey.Store) {
	handed := []byte("value")
	mustSwap(t, s, "v", nil, handed)
	handed[0] = 'X'
	wantValue(t, s, "a change to the slice that was handed in", "v", []byte("value"))
	clear(mustValue(t, s, "v"))
	wantValue(t, s, "a change to the slice that Value returned", "v", []byte("value"))
	old, new := []byte("value"), []byte("other")
	mustSwap(t, s, "v", old, new)
	if string(old) != "value" || string(new) != "other" {
		t.Errorf("SwapValue changed what it was handed")
	}
	clear(old)
	clear(new)
	wantValue(t, s, "a change to the slices that were handed in", "v", []byte("other"))
}

func oneInsertOfAValueWins(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	for round := range 10 {
		name := fmt.Sprintf("seed %d", round)
		errs := together(8, func(i int) error { return s.SwapValue(ctx, name, nil, []byte{byte(i)}) })
		winner := wantOneWinner(t, "SwapValue from none by 8 at once", errs, apikey.ErrConflict, "two processes make a seed each, and the keys of one are refused")
		wantValue(t, s, "SwapValue from none by 8 at once", name, []byte{byte(winner)})

		errs = together(8, func(i int) error { return s.SwapValue(ctx, name, []byte{byte(winner)}, nil) })
		wantOneWinner(t, "SwapValue to none by 8 at once", errs, apikey.ErrConflict, "a deletion is done twice")
		wantValue(t, s, "SwapValue to none by 8 at once", name, nil)
	}
}

func swapsAddUp(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	const writers, each = 4, 10
	errs := together(writers, func(int) error {
		for range each {
			for {
				old, err := s.Value(ctx, "n")
				if err != nil {
					return err
				}
				var n uint32
				if old != nil {
					n = binary.BigEndian.Uint32(old)
				}
				if err = s.SwapValue(ctx, "n", old, binary.BigEndian.AppendUint32(nil, n+1)); err == nil {
					break
				}
				if !errors.Is(err, apikey.ErrConflict) {
					return err
				}
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Value and SwapValue until it succeeds: %v", err)
	}
	wantValue(t, s, "40 swaps that each added 1", "n", []byte{0, 0, 0, writers * each})
}
