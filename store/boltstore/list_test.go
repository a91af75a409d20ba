package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// TestListIsBounded: one call reads 512 records at most, also if none matches.
func TestListIsBounded(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 1100)
	for _, test := range []struct {
		f     apikey.Filter
		limit int
		want  []int // the lengths of the pages
	}{
		{apikey.Filter{Type: "other"}, 10, []int{0, 0, 0}},
		{apikey.Filter{}, 2000, []int{512, 512, 76}},
		{apikey.Filter{}, 512, []int{512, 512, 76}},
		{apikey.Filter{}, 550, []int{512, 512, 76}},
		{apikey.Filter{Subject: "user_3"}, 100, []int{100, 10}},
		{apikey.Filter{Subject: "user_3"}, 110, []int{110}},
		{apikey.Filter{Subject: "user_3", Type: "other"}, 100, []int{0}},
		{apikey.Filter{Subject: "user"}, 100, []int{0}},
	} {
		var got []int
		for before, more := (apikey.ID{}), true; more; more = !before.IsZero() {
			page, next, err := s.List(t.Context(), test.f, before, test.limit)
			if err != nil {
				t.Fatal(err)
			}
			got, before = append(got, len(page)), next
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%+v, %d at a time: pages of %v, want %v", test.f, test.limit, got, test.want)
		}
	}
}

// endsLater has ended, which its Err does not say when it is asked first.
type endsLater struct {
	context.Context
	asked bool
}

func (c *endsLater) Err() error {
	if !c.asked {
		c.asked = true
		return nil
	}
	return c.Context.Err()
}

func TestCountEnds(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := s.Count(&endsLater{Context: ctx}, apikey.Filter{}); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Count is %d, %v", n, err)
	}
}

// TestH4_Copies: what Get, List and Value return stays as it is and may be changed, whatever the
// file goes through. With few records bbolt copies by itself.
func TestH4_Copies(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 1200)
	if err := s.SwapValue(t.Context(), "seed", nil, []byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	value, err := s.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 500)
	if err != nil {
		t.Fatal(err)
	}
	var kept []*apikey.Record
	var prints []string
	for n := 0; n < 1200; n += 5 {
		r, err := s.Get(t.Context(), id(n))
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, r)
	}
	kept = append(kept, page...)
	for _, r := range kept {
		prints = append(prints, fmt.Sprintf("%+v", r))
	}

	// Writing to a page that is mapped would end the process.
	for i := range value {
		value[i]++
	}
	for _, r := range page {
		r.Claims[0], r.Scopes[0], r.Credentials[0].MAC[0] = 'X', "X", 'X'
		r.Credentials[0].Hash += "X"
	}
	for round := range 5 {
		var uses []apikey.Use
		for n := range 1200 {
			uses = append(uses, apikey.Use{ID: id(n), Number: 1, At: created.AddDate(0, 0, round)})
		}
		if err := s.RecordUse(t.Context(), uses); err != nil {
			t.Fatal(err)
		}
		create(t, s, 2000+round*300, 2300+round*300)
	}
	for i, r := range kept[:240] {
		if got := fmt.Sprintf("%+v", r); got != prints[i] {
			t.Fatalf("a record that Get returned became %s, it was %s", got, prints[i])
		}
	}
	again, _, err := s.List(t.Context(), apikey.Filter{}, id(1200), 500)
	if err != nil || again[0].Claims[0] == 'X' || again[0].Scopes[0] == "X" || again[0].Credentials[0].MAC[0] == 'X' {
		t.Errorf("what was done to a page that List returned is in the store: %+v, %v", again[0], err)
	}
	if seed, err := s.Value(t.Context(), "seed"); string(seed) != "0123456789" || err != nil {
		t.Errorf("the seed is %q, %v", seed, err)
	}
}

// TestTooLong: bbolt's keys are at most 32 KiB. What does not fit is an error, of that call alone.
func TestTooLong(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	long := string(make([]byte, 40_000))
	subject, unique := record(1), record(1)
	subject.Subject, unique.UniqueKey = long, long
	for _, r := range []*apikey.Record{subject, unique, {}} {
		if err := s.Create(t.Context(), r); err == nil {
			t.Error("Create of what can't be stored answered no error")
		}
	}
	create(t, s, 1, 2)
	subject.Version, unique.Version = 1, 1
	for _, r := range []*apikey.Record{subject, unique} {
		if err := s.Replace(t.Context(), r); err == nil || errors.Is(err, apikey.ErrConflict) {
			t.Errorf("Replace with what can't be stored answered %v", err)
		}
	}
	for _, name := range []string{"", long} {
		if err := s.SwapValue(t.Context(), name, nil, []byte("v")); err == nil {
			t.Error("SwapValue with a name that can't be stored answered no error")
		}
		if v, err := s.Value(t.Context(), name); v != nil || err != nil {
			t.Errorf("the value is %q, %v", v, err)
		}
	}
	if page, _, err := s.List(t.Context(), apikey.Filter{Subject: long}, apikey.ID{}, 1); len(page) > 0 || err != nil {
		t.Errorf("List is %v, %v", page, err)
	}
	if r, err := s.Get(t.Context(), id(1)); err != nil || r.Version != 1 {
		t.Errorf("the record is %+v, %v", r, err)
	}
}
