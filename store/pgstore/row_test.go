package pgstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// wantFault fails t unless an error is that of a fault, and no answer about a key.
func wantFault(t *testing.T, call string, err error, says string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s answered no error; else a hand, or a disk, makes a key of its own", call)
		return
	}
	for _, answer := range []error{apikey.ErrNotFound, apikey.ErrConflict, apikey.ErrExists, apikey.ErrNameTaken} {
		if errors.Is(err, answer) {
			t.Errorf("%s answered %v; else a fault is taken for an answer about the key", call, err)
		}
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("%s answered %v, which does not say %q", call, err, says)
	}
}

// What was written past this package, or damaged, is neither a record nor none.
func TestRowsThatAreNone(t *testing.T) {
	t.Parallel()
	const disagrees, noRecord = "does not agree with its body", "not a record this program understands"
	for _, test := range []struct{ name, set, says string }{
		{"control: nothing", "subject = subject", ""},
		{"another's body", "body = (SELECT o.body FROM $s.apikey_keys AS o WHERE o.id <> k.id)", disagrees},
		{"another version", "version = version + 1", disagrees},
		{"no version", "version = 0", disagrees},
		{"a version below zero", "version = -1", disagrees},
		{"revoked by hand", "revoked_at = 1", disagrees},
		{"expired by hand", "expires_at = 1", disagrees},
		{"given away by hand", "type = 'other_type'", disagrees},
		{"a last use too many", "used = used || 0::bigint", disagrees},
		{"a last use too few", "used = '{}'", disagrees},
		{"a bit of the body", "body = set_bit(body, 100, 1 - get_bit(body, 100))", noRecord},
		{"the last bit of the body", "body = set_bit(body, 8 * length(body) - 1, 1 - get_bit(body, 8 * length(body) - 1))", noRecord},
		{"an empty body", "body = ''", noRecord},
		{"half a body", "body = substr(body, 1, length(body) / 2)", noRecord},
		{"a newer format", "body = '\\x02' || substr(body, 2)", noRecord},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
			r, other := put(t, s, 1, nil), put(t, s, 2, func(r *apikey.Record) { r.Subject = "user_2" })
			run(t, dsn, strings.ReplaceAll("UPDATE $s.apikey_keys AS k SET "+test.set+" WHERE subject = 'user_1'", "$s", schema))
			got, err := s.Get(t.Context(), r.ID)
			page, next, errList := s.List(t.Context(), apikey.Filter{Subject: "user_1"}, apikey.ID{}, 10)
			if test.says == "" {
				if err != nil || errList != nil || len(page) != 1 {
					t.Errorf("it answers %v, %v and %d records", err, errList, len(page))
				}
				return
			}
			wantFault(t, "Get", err, test.says)
			wantFault(t, "List", errList, test.says)
			if got != nil || page != nil || !next.IsZero() {
				t.Errorf("beside an error there is %v, %v, %v", got, page, next)
			}
			if !strings.Contains(errList.Error(), r.ID.String()) {
				t.Errorf("%v does not say which key", errList)
			}
			if _, err := s.Get(t.Context(), other.ID); err != nil {
				t.Errorf("another key answers %v", err)
			}
			if err := s.Delete(t.Context(), r.ID); err != nil {
				t.Errorf("Delete answered %v; else what is damaged can't be removed", err)
			}
		})
	}
}

// What a newer program has made critical is refused; what it lets others carry is kept (storetest has that).
func TestUnknownCriticalField(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	for number, critical := range map[byte]bool{101: true, 102: false} {
		r := put(t, s, int(number), nil)
		body, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		body = withChecksum(append(body[:len(body)-4], number, 1, 'x'))
		execArgs(t, dsn, "UPDATE "+schema+".apikey_keys SET body = $1 WHERE id = $2", body, [16]byte(r.ID))
		got, err := s.Get(t.Context(), r.ID)
		if critical {
			wantFault(t, "Get", err, "not a record this program understands")
			_, _, err = s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 10)
			wantFault(t, "List", err, "not a record this program understands")
			if err := s.Delete(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("a field that may be carried: %v", err)
		}
		if err := s.Replace(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		if n := ask[int](t, dsn, "SELECT position('\\x660178'::bytea IN body) FROM "+schema+".apikey_keys"); n == 0 {
			t.Error("a Replace has lost what it was to carry")
		}
	}
}

// Without the row that numbers changes none is made: one that is in no log would be seen by nobody.
func TestNoChangeWithoutALog(t *testing.T) {
	t.Parallel()
	for name, break_ := range map[string]string{
		"no row of the feed":  "DELETE FROM $s.apikey_feed",
		"the number is taken": "UPDATE $s.apikey_feed SET head = head - 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
			r := put(t, s, 1, nil)
			run(t, dsn, strings.ReplaceAll(break_, "$s", schema))
			wantFault(t, "Replace", s.Replace(t.Context(), r), "apikey_changes")
			wantFault(t, "Delete", s.Delete(t.Context(), r.ID), "apikey_changes")
			if got, err := s.Get(t.Context(), r.ID); err != nil || got.Version != 1 {
				t.Errorf("there is %v, %v; else a revoked key stays valid elsewhere", got, err)
			}
		})
	}
}
