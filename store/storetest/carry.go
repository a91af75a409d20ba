package storetest

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// wantCarried creates r, and then replaces it by next, and fails t unless Get and List
// return every field of each.
func wantCarried(t testing.TB, s apikey.Store, r, next *apikey.Record) {
	t.Helper()
	r.Version = math.MaxUint32 // which Create ignores
	got := mustCreate(t, s, r)
	r.Version = 1
	wantRecord(t, "Get after Create", got, r)
	wantRecord(t, "List after Create", list(t, s, apikey.Filter{}, 1)[0], r)

	next.Version = 1
	got = mustReplace(t, s, next)
	next.KeepUse(r)
	next.Version = 2
	wantRecord(t, "Get after Replace", got, next)
	wantRecord(t, "List after Replace", list(t, s, apikey.Filter{}, 1)[0], next)
}

func everyField(t testing.TB, s apikey.Store) {
	wantCarried(t, s, filled(t, 1, false), filled(t, 2, false))
}

func extremeValues(t testing.TB, s apikey.Store) {
	wantCarried(t, s, filled(t, 1, true), filled(t, 2, true))
}

// zeroFields: what is cleared is gone, and zero times stay zero.
func zeroFields(t testing.TB, s apikey.Store) {
	wantCarried(t, s, filled(t, 1, false), &apikey.Record{ID: id(1)})
	mustDelete(t, s, id(1))
	wantCarried(t, s, &apikey.Record{ID: id(1)}, filled(t, 1, false))
}

func times(t testing.TB, s apikey.Store) {
	for n, want := range []time.Time{
		epoch,
		time.Date(2026, 12, 31, 23, 59, 59, 999e6, time.UTC),
		time.Date(2028, 2, 29, 0, 0, 0, 1e6, time.UTC),
		time.Date(2039, 1, 1, 0, 0, 0, 0, time.UTC), // past 32 bits of seconds
		time.UnixMilli(time.Now().UnixMilli()).UTC(),
		{},
	} {
		r := record(n)
		r.CreatedAt, r.UpdatedAt, r.ExpiresAt, r.RevokedAt, r.LastUsedAt = want, want, want, want, want
		c := &r.Credentials[0]
		c.CreatedAt, c.NotAfter, c.LastUsedAt = want, want, want
		got := mustCreate(t, s, r)
		r.Version = 1
		wantRecord(t, "times are whole milliseconds in UTC and zero is none; else keys expire early or late", got, r)
	}
}

func claimsVerbatim(t testing.TB, s apikey.Store) {
	for n, claims := range []string{
		`{"z":1,"a":2,"m":{"y":1,"b":2}}`, // not sorted
		`{"n":1.0e2,"m":1E2,"o":100,"p":1.10,"q":-0,"r":12345678901234567890.123}`,
		`{"a":1,"a":2}`,
		`{"html":"<&>","escaped":"\u003c\u00e9\/","plain":"é/"}`,
		`{"nul":"\u0000","surrogates":"\ud83d\udd11","lone":"\ud800"}`,
		`[1,[2,[3]]]`, `"text"`, `1.50`, `true`, `false`, `{}`, `[]`, `""`,
		`{ "spaced" : [ 1 , 2 ] }`,
	} {
		r := record(n)
		r.Claims = []byte(claims)
		got := mustCreate(t, s, r)
		r.Version = 1
		wantRecord(t, "claims are carried as they were given", got, r)
		got = mustReplace(t, s, got)
		r.Version = 2
		wantRecord(t, "claims are carried as they were given", got, r)
	}
}

// unknownFields: a record that a newer program wrote, with fields this one carries without
// knowing them, keeps them through a store. A store that takes the record apart into columns
// of its own loses them, and the newer program then lacks what it wrote.
func unknownFields(t testing.TB, s apikey.Store) {
	newer := fromNewerProgram(t, record(1))
	got := mustCreate(t, s, newer)
	newer.Version = 1
	wantSameEncoding(t, "Create", got, newer)
	got.Description = "changed"
	newer = got.Clone()
	got = mustReplace(t, s, got)
	newer.Version = 2
	wantSameEncoding(t, "Replace", got, newer)
	u := apikey.Use{ID: newer.ID, Number: 1, At: at(9)}
	mustUse(t, s, u)
	u.Apply(newer)
	wantSameEncoding(t, "RecordUse", mustGet(t, s, newer.ID), newer)
	wantSameEncoding(t, "List", list(t, s, apikey.Filter{}, 1)[0], newer)
}

func wantSameEncoding(t testing.TB, after string, got, want *apikey.Record) {
	t.Helper()
	wantRecord(t, after, got, want)
	g, err := got.MarshalBinary()
	if err != nil {
		t.Fatalf("encode what came back after %s: %v", after, err)
	}
	w, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if string(g) != string(w) {
		t.Errorf("%s lost fields that a newer program wrote into the record; Record.Clone and MarshalBinary carry them", after)
	}
}

// fromNewerProgram returns r with a field that this program does not know in the record and
// in each credential. Even numbers may be carried; see Record.MarshalBinary.
func fromNewerProgram(t testing.TB, r *apikey.Record) *apikey.Record {
	t.Helper()
	const unknown, credential = 1 << 20, 20
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	newer, fields := data[:1:1], data[1:len(data)-4] // the format, then the fields, then the checksum
	for len(fields) > 0 {
		number, n := binary.Uvarint(fields)
		length, m := binary.Uvarint(fields[n:])
		value := fields[n+m:][:length:length]
		fields = fields[n+m+int(length):]
		if number == credential {
			value = appendField(value, unknown, "of a credential")
		}
		newer = appendField(newer, number, string(value))
	}
	newer = appendField(newer, unknown, "of a record")
	newer = binary.BigEndian.AppendUint32(newer, crc32.Checksum(newer, crc32.MakeTable(crc32.Castagnoli)))

	out := new(apikey.Record)
	if err := out.UnmarshalBinary(newer); err != nil {
		t.Fatalf("decode a record with fields of a newer program: %v", err)
	}
	back, err := out.MarshalBinary()
	if err != nil || string(back) != string(newer) {
		t.Fatalf("a record with fields of a newer program is not encoded as it was (error %v)", err)
	}
	return out
}

func appendField(to []byte, number uint64, value string) []byte {
	to = binary.AppendUvarint(to, number)
	to = binary.AppendUvarint(to, uint64(len(value)))
	return append(to, value...)
}
