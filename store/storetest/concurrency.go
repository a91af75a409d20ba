package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// concurrency calls every method at once on the same few records. Run it with -race.
func concurrency(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	const records, workers, each = 5, 6, 15
	expected := func(err error) error {
		for _, answer := range []error{apikey.ErrNotFound, apikey.ErrConflict, apikey.ErrExists, apikey.ErrNameTaken} {
			if errors.Is(err, answer) {
				return nil
			}
		}
		return err
	}
	errs := together(workers, func(worker int) error {
		for i := range each {
			n := (worker + i) % records
			errs := []error{s.Create(ctx, named(n, fmt.Sprint("key ", n)))}
			r, err := s.Get(ctx, id(n))
			errs = append(errs, err)
			if err == nil {
				r.Description += "x"
				r.UniqueKey = fmt.Sprint("key ", (n+worker)%records)
				errs = append(errs, s.Replace(ctx, r))
				scribble(r)
			}
			errs = append(errs, s.RecordUse(ctx, []apikey.Use{{ID: id(n), Number: 1, At: at(i)}, {ID: id(n + 1), Number: 1, At: at(i)}}))
			page, _, err := s.List(ctx, apikey.Filter{Subject: "user_1"}, apikey.ID{}, 3)
			errs = append(errs, err)
			for _, r := range page {
				scribble(r)
			}
			_, err = s.Count(ctx, apikey.Filter{})
			errs = append(errs, err)
			value, err := s.Value(ctx, "v")
			errs = append(errs, err, s.SwapValue(ctx, "v", value, append(value, byte(i))))
			clear(value)
			if i%4 == worker%4 {
				errs = append(errs, s.Delete(ctx, id(n)))
			}
			for _, err := range errs {
				if err := expected(err); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("every method at once: %v", err)
	}

	// What is left is in order: found by id, subject and UniqueKey alike.
	all := list(t, s, apikey.Filter{}, 2)
	wantListed(t, s, apikey.Filter{}, all...)
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, all...)
	holders := make(map[string]string)
	for _, r := range all {
		wantRecord(t, "List and Get disagree after every method at once", mustGet(t, s, r.ID), r)
		if other, ok := holders[r.UniqueKey]; ok {
			t.Errorf("after every method at once %s and %s share UniqueKey %q; else %s", r.Name, other, r.UniqueKey, whyUnique)
		}
		holders[r.UniqueKey] = r.Name
	}
	for n := range records {
		key := fmt.Sprint("key ", n)
		want := error(nil)
		if _, ok := holders[key]; ok {
			want = apikey.ErrNameTaken
		}
		wantError(t, fmt.Sprintf("Create with UniqueKey %q after every method at once", key), s.Create(ctx, named(100+n, key)), want, whyUnique)
	}
}
