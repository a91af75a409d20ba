package apikey_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

func TestID(t *testing.T) {
	t.Parallel()
	a, b := apikey.ID{0: 1}, apikey.ID{0: 1, 15: 1}
	if !(apikey.ID{}).IsZero() || a.IsZero() || (apikey.ID{15: 1}).IsZero() {
		t.Error("IsZero")
	}
	if a.Compare(b) != -1 || b.Compare(a) != 1 || a.Compare(a) != 0 {
		t.Error("Compare is not the order of the bytes")
	}
	if got := goldenToken().ID.String(); got != goldenID {
		t.Errorf("String: %s", got)
	}
}

// spoil changes everything that can be reached from v without replacing a slice.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(ms(12345)))
			return
		}
		for field, value := range v.Fields() {
			if field.IsExported() {
				spoil(value)
			}
		}
	case reflect.String:
		v.SetString("spoiled")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	default:
		v.SetUint(v.Uint() ^ 1)
	}
}

func TestCloneIsDeep(t *testing.T) {
	t.Parallel()
	for what, make := range map[string]func() *apikey.Record{
		"every field":    goldenRecord,
		"a newer one":    func() *apikey.Record { return newerRecord(t) },
		"nothing at all": func() *apikey.Record { return new(apikey.Record) },
		"empty lists": func() *apikey.Record {
			return &apikey.Record{Scopes: []string{}, Claims: []byte{}, Credentials: []apikey.Credential{}}
		},
	} {
		r := make()
		clone := r.Clone()
		if !reflect.DeepEqual(clone, r) {
			t.Errorf("%s: the clone is %+v, want %+v", what, clone, r)
		}
		spoil(reflect.ValueOf(clone).Elem())
		if !reflect.DeepEqual(r, make()) {
			t.Errorf("%s: spoiling the clone changed the record to %+v", what, r)
		}
		clone = r.Clone()
		spoil(reflect.ValueOf(r).Elem())
		if !reflect.DeepEqual(clone, make()) {
			t.Errorf("%s: spoiling the record changed the clone to %+v", what, clone)
		}
		// Nor may they share the room behind a list.
		clone = r.Clone()
		before := r.Clone()
		clone.Scopes = append(clone.Scopes[:min(1, len(clone.Scopes))], "x", "y")
		clone.Credentials = slices.Insert(clone.Credentials, 0, apikey.Credential{Number: 9})
		clone.Claims = append(clone.Claims[:0], "{}"...)
		if !reflect.DeepEqual(r, before) {
			t.Errorf("%s: appending to the clone changed the record", what)
		}
	}
}

// secrets returns credentials with these last-used times, their numbers descending to 1.
func secrets(used ...time.Time) []apikey.Credential {
	out := make([]apikey.Credential, len(used))
	for i, at := range used {
		out[i] = apikey.Credential{Number: uint16(len(used) - i), LastUsedAt: at}
	}
	return out
}

func TestUseApply(t *testing.T) {
	t.Parallel()
	id, none := apikey.ID{1}, time.Time{}
	for _, c := range []struct {
		name   string
		record time.Time
		used   []time.Time // of numbers 2 and 1
		use    apikey.Use
		moved  bool
		want   time.Time
		wants  []time.Time
	}{
		{"the first", none, []time.Time{none, none}, apikey.Use{ID: id, Number: 1, At: ms(5)}, true, ms(5), []time.Time{none, ms(5)}},
		{"of the newer", none, []time.Time{none, none}, apikey.Use{ID: id, Number: 2, At: ms(5)}, true, ms(5), []time.Time{ms(5), none}},
		{"later", ms(4), []time.Time{none, ms(4)}, apikey.Use{ID: id, Number: 1, At: ms(5)}, true, ms(5), []time.Time{none, ms(5)}},
		{"the same again", ms(5), []time.Time{none, ms(5)}, apikey.Use{ID: id, Number: 1, At: ms(5)}, false, ms(5), []time.Time{none, ms(5)}},
		{"earlier", ms(5), []time.Time{none, ms(5)}, apikey.Use{ID: id, Number: 1, At: ms(4)}, false, ms(5), []time.Time{none, ms(5)}},
		{"earlier than the key's, later than its own", ms(9), []time.Time{ms(9), ms(1)}, apikey.Use{ID: id, Number: 1, At: ms(5)}, true, ms(9), []time.Time{ms(9), ms(5)}},
		{"later than the key's, not than its own", ms(3), []time.Time{none, ms(9)}, apikey.Use{ID: id, Number: 1, At: ms(5)}, true, ms(5), []time.Time{none, ms(9)}},
		{"no such number", ms(1), []time.Time{none, ms(1)}, apikey.Use{ID: id, Number: 3, At: ms(5)}, false, ms(1), []time.Time{none, ms(1)}},
		{"number 0", ms(1), []time.Time{none, ms(1)}, apikey.Use{ID: id, At: ms(5)}, false, ms(1), []time.Time{none, ms(1)}},
		{"another id", ms(1), []time.Time{none, ms(1)}, apikey.Use{ID: apikey.ID{2}, Number: 1, At: ms(5)}, false, ms(1), []time.Time{none, ms(1)}},
		{"no time", ms(1), []time.Time{none, none}, apikey.Use{ID: id, Number: 1}, false, ms(1), []time.Time{none, none}},
	} {
		r := &apikey.Record{ID: id, Version: 7, UpdatedAt: ms(0), LastUsedAt: c.record, Credentials: secrets(c.used...)}
		if moved := c.use.Apply(r); moved != c.moved {
			t.Errorf("%s: moved: %v", c.name, moved)
		}
		want := &apikey.Record{ID: id, Version: 7, UpdatedAt: ms(0), LastUsedAt: c.want, Credentials: secrets(c.wants...)}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("%s: got %+v, want %+v", c.name, r, want)
		}
	}
}

func TestKeepUse(t *testing.T) {
	t.Parallel()
	none := time.Time{}
	for _, c := range []struct {
		name              string
		had, has, want    time.Time
		hads, hass, wants []time.Time
	}{
		{"what was written stays", ms(5), none, ms(5), []time.Time{ms(4), ms(5)}, []time.Time{none, none}, []time.Time{ms(4), ms(5)}},
		{"a later one is invented", ms(5), ms(9), ms(5), []time.Time{ms(5)}, []time.Time{ms(9)}, []time.Time{ms(5)}},
		{"an earlier one is a step back", ms(5), ms(1), ms(5), []time.Time{ms(5)}, []time.Time{ms(1)}, []time.Time{ms(5)}},
		{"never used, never used", none, ms(9), none, []time.Time{none}, []time.Time{ms(9)}, []time.Time{none}},
		{"a new credential was never used", ms(5), ms(5), ms(5), []time.Time{ms(5)}, []time.Time{ms(5), ms(5)}, []time.Time{none, ms(5)}},
		{"one that is gone is no matter", ms(5), none, ms(5), []time.Time{ms(5), ms(3)}, []time.Time{none}, []time.Time{ms(3)}},
	} {
		old := &apikey.Record{LastUsedAt: c.had, Credentials: secrets(c.hads...), Name: "old", Version: 3}
		r := &apikey.Record{LastUsedAt: c.has, Credentials: secrets(c.hass...), Name: "new", Version: 4}
		before := old.Clone()
		r.KeepUse(old)
		if want := (&apikey.Record{LastUsedAt: c.want, Credentials: secrets(c.wants...), Name: "new", Version: 4}); !reflect.DeepEqual(r, want) {
			t.Errorf("%s: got %+v, want %+v", c.name, r, want)
		}
		if !reflect.DeepEqual(old, before) {
			t.Errorf("%s: the old record was changed", c.name)
		}
	}
}

func TestFilterMatch(t *testing.T) {
	t.Parallel()
	r := apikey.Record{Subject: "user_1", Type: "api_key", Name: "Prod Key", NameFold: "PROD KEY", ExpiresAt: ms(10)}
	never, revoked, both := r, r, r
	never.ExpiresAt = time.Time{}
	revoked.ExpiresAt, revoked.RevokedAt = time.Time{}, ms(5)
	both.RevokedAt = ms(5)
	for _, c := range []struct {
		name   string
		filter apikey.Filter
		record apikey.Record
		want   bool
	}{
		{"everything", apikey.Filter{}, both, true},
		{"subject", apikey.Filter{Subject: "user_1"}, r, true},
		{"a part of the subject", apikey.Filter{Subject: "user_"}, r, false},
		{"subject and more", apikey.Filter{Subject: "user_12"}, r, false},
		{"subject in other case", apikey.Filter{Subject: "USER_1"}, r, false},
		{"type", apikey.Filter{Type: "api_key"}, r, true},
		{"other type", apikey.Filter{Type: "api"}, r, false},
		{"name", apikey.Filter{NameFold: "PROD KEY"}, r, true},
		{"start of the name", apikey.Filter{NameFold: "PROD"}, r, true},
		{"middle of the name", apikey.Filter{NameFold: "D K"}, r, true},
		{"not folded, as Match does not fold", apikey.Filter{NameFold: "Prod"}, r, false},
		{"no wildcard %", apikey.Filter{NameFold: "P%Y"}, r, false},
		{"no wildcard _", apikey.Filter{NameFold: "PROD_KEY"}, r, false},
		{"no wildcard *", apikey.Filter{NameFold: "*"}, r, false},
		{"long before", apikey.Filter{ValidAt: ms(0)}, r, true},
		{"a millisecond before", apikey.Filter{ValidAt: ms(9)}, r, true},
		{"a nanosecond before", apikey.Filter{ValidAt: ms(10).Add(-1)}, r, true},
		{"at the expiry", apikey.Filter{ValidAt: ms(10)}, r, false},
		{"after it", apikey.Filter{ValidAt: ms(11)}, r, false},
		{"never expires", apikey.Filter{ValidAt: ms(1e15)}, never, true},
		{"revoked", apikey.Filter{ValidAt: ms(0)}, revoked, false},
		{"revoked later than that", apikey.Filter{ValidAt: ms(-9)}, revoked, false},
		{"revoked, not asked", apikey.Filter{Subject: "user_1"}, revoked, true},
		{"revoked and expires", apikey.Filter{ValidAt: ms(0)}, both, false},
		{"all that match", apikey.Filter{Subject: "user_1", Type: "api_key", NameFold: "KEY", ValidAt: ms(0)}, r, true},
		{"all but the subject", apikey.Filter{Subject: "user_2", Type: "api_key", NameFold: "KEY", ValidAt: ms(0)}, r, false},
		{"all but the type", apikey.Filter{Subject: "user_1", Type: "other", NameFold: "KEY", ValidAt: ms(0)}, r, false},
		{"all but the name", apikey.Filter{Subject: "user_1", Type: "api_key", NameFold: "NO", ValidAt: ms(0)}, r, false},
		{"all but the time", apikey.Filter{Subject: "user_1", Type: "api_key", NameFold: "KEY", ValidAt: ms(10)}, r, false},
	} {
		if got := c.filter.Match(&c.record); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// NewKey keeps nothing of the record, and changes nothing in it.
func TestNewKeyCopies(t *testing.T) {
	t.Parallel()
	r := goldenRecord()
	key := apikey.NewKey(r)
	if !reflect.DeepEqual(r, goldenRecord()) {
		t.Errorf("NewKey made the record %+v", r)
	}
	before, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	spoil(reflect.ValueOf(r).Elem())
	if after, err := key.MarshalJSON(); err != nil || !bytes.Equal(after, before) {
		t.Errorf("spoiling the record changed the key to %s, %v", after, err)
	}
}
