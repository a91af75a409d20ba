package apikey_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// fieldValues are for each type of field the values that must come back, zero ones aside. A
// field of a type that is not here fails the test: whoever adds one says what goes in.
func fieldValues(t testing.TB, field reflect.StructField) (values []any) {
	t.Helper()
	switch field.Type {
	case reflect.TypeFor[apikey.ID]():
		return []any{apikey.ID{15: 1}, goldenToken().ID}
	case reflect.TypeFor[string]():
		return []any{"a", "\x00", "\u00e9\u212a", "not UTF-8 \xff", strings.Repeat("x", 5000)}
	case reflect.TypeFor[[]byte]():
		return []any{[]byte{0}, bytes.Repeat([]byte{0xff}, 32)}
	case reflect.TypeFor[bool]():
		return []any{true}
	case reflect.TypeFor[uint8]():
		return []any{apikey.KindImported}
	case reflect.TypeFor[uint16]():
		return []any{uint16(1), uint16(127), uint16(128), uint16(math.MaxUint16)}
	case reflect.TypeFor[uint32]():
		return []any{uint32(1), uint32(1 << 31), uint32(math.MaxUint32)}
	case reflect.TypeFor[uint64]():
		return []any{uint64(1), uint64(1 << 63), uint64(math.MaxUint64)}
	case reflect.TypeFor[time.Time]():
		return []any{ms(0), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2261, 12, 31, 23, 59, 59, 999e6, time.UTC)}
	case reflect.TypeFor[[]string]():
		return []any{[]string{""}, []string{"a"}, []string{"b", "a", "a", ""}}
	case reflect.TypeFor[[]apikey.Credential]():
		return []any{[]apikey.Credential{{}}, goldenRecord().Credentials, make([]apikey.Credential, 4)}
	}
	if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Uint8 { // json.RawMessage
		return []any{[]byte(`{"a":1.0}`), []byte("0"), []byte("not JSON, which is not the codec's to judge")}
	}
	t.Fatalf("say what goes into a %s, the type of %s", field.Type, field.Name)
	return nil
}

// roundTrip fails t unless r comes back as it was and has one encoding.
func roundTrip(t testing.TB, what string, r *apikey.Record) {
	t.Helper()
	data := marshal(t, r)
	got := unmarshal(t, data)
	if !reflect.DeepEqual(got, r) {
		t.Errorf("%s: got %+v, want %+v", what, got, r)
	}
	if again := marshal(t, got); !bytes.Equal(again, data) {
		t.Errorf("%s: encoded as %x and then as %x", what, data, again)
	}
}

func TestEveryFieldRoundTrips(t *testing.T) {
	t.Parallel()
	roundTrip(t, "nothing", new(apikey.Record))
	roundTrip(t, "everything", goldenRecord())
	seen := make(map[string]string)
	each := func(what string, r *apikey.Record) {
		roundTrip(t, what, r)
		data := string(marshal(t, r))
		if other, ok := seen[data]; ok {
			t.Errorf("%s is encoded as %s is", what, other)
		}
		seen[data] = what
	}
	set := func(of any, field reflect.StructField, value any) {
		reflect.ValueOf(of).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(value).Convert(field.Type))
	}
	for field := range reflect.TypeFor[apikey.Record]().Fields() {
		if !field.IsExported() {
			continue
		}
		for _, value := range fieldValues(t, field) {
			r := new(apikey.Record)
			set(r, field, value)
			each(field.Name, r)
		}
	}
	for field := range reflect.TypeFor[apikey.Credential]().Fields() {
		if !field.IsExported() {
			continue
		}
		for _, value := range fieldValues(t, field) {
			r := &apikey.Record{Credentials: make([]apikey.Credential, 2)}
			set(&r.Credentials[1], field, value)
			each("Credential."+field.Name, r)
		}
	}
}

// An encoding shares nothing with what it was made of, nor a record with what it was read from.
func TestCodecCopies(t *testing.T) {
	t.Parallel()
	for _, r := range []*apikey.Record{goldenRecord(), newerRecord(t)} {
		want := r.Clone()
		data := marshal(t, r)
		got := unmarshal(t, data)
		for i := range data {
			data[i] ^= 0xff
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(r, want) {
			t.Error("a record holds parts of its encoding")
		}
	}
}

// Another field order or spelling is refused, so a record that is read and written is what it was.
func FuzzRecord(f *testing.F) {
	f.Add(marshal(f, goldenRecord()))
	f.Add(marshal(f, new(apikey.Record)))
	f.Add(marshal(f, newerRecord(f)))
	for _, data := range badEncodings() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(data []byte) {
			var r apikey.Record
			if err := r.UnmarshalBinary(data); err != nil {
				if !reflect.DeepEqual(r, apikey.Record{}) {
					t.Errorf("%v, and yet it set %+v", err, r)
				}
				return
			}
			again, err := r.MarshalBinary()
			if err != nil || !bytes.Equal(again, data) {
				t.Errorf("%x is encoded as %x again, %v", data, again, err)
			}
			if clone := marshal(t, r.Clone()); !bytes.Equal(clone, data) {
				t.Errorf("%x is cloned as %x", data, clone)
			}
		}
		check(data)
		if len(data) > 4 { // and what the checksum would have stopped
			check(checksummed(data[:len(data)-4]))
		}
	})
}

// field is one of an encoding.
type field struct {
	number uint64
	value  string
}

// fieldsOf spells fields out as they are given, right or wrong.
func fieldsOf(fields ...field) string {
	var out []byte
	for _, f := range fields {
		out = binary.AppendUvarint(out, f.number)
		out = binary.AppendUvarint(out, uint64(len(f.value)))
		out = append(out, f.value...)
	}
	return string(out)
}

// checksummed ends an encoding.
func checksummed(body []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// encoding is one of a record with these fields.
func encoding(fields ...field) []byte { return checksummed([]byte("\x01" + fieldsOf(fields...))) }

// uvarint is a number in its shortest form.
func uvarint(n uint64) string { return string(binary.AppendUvarint(nil, n)) }
