package apikey_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// badEncodings have a right checksum, so that only the rule that they break refuses them.
func badEncodings() map[string][]byte {
	id := goldenToken().ID
	const wide = "\x81\x00" // 1, written in two bytes
	millis := func(t time.Time) string { return uvarint(uint64(t.UnixMilli())) }
	bad := map[string][]byte{
		"format 0":               checksummed([]byte("\x00" + fieldsOf(field{2, "\x01"}))),
		"format 2":               checksummed([]byte("\x02" + fieldsOf(field{2, "\x01"}))),
		"format 255":             checksummed([]byte("\xff")),
		"nothing":                checksummed(nil),
		"field 0":                encoding(field{0, "x"}),
		"a field twice":          encoding(field{3, "ak"}, field{3, "ak"}),
		"fields descending":      encoding(field{4, "type"}, field{3, "ak"}),
		"a credential too early": encoding(field{20, ""}, field{2, "\x01"}),
		"a scope too late":       encoding(field{12, "a"}, field{13, millis(ms(0))}, field{12, "b"}),
		"wide number":            checksummed([]byte("\x01\x82\x00\x01\x01")),
		"wide length":            checksummed([]byte("\x01\x02" + wide + "\x01")),
		"wide value":             encoding(field{2, wide}),
		"no length":              checksummed([]byte("\x01\x03")),
		"unended number":         checksummed([]byte("\x01\x83")),
		"length past the end":    checksummed([]byte("\x01\x03\x03ak")),
		"length past 64 bits":    checksummed([]byte("\x01\x03" + strings.Repeat("\xff", 9) + "\x02ak")),
		"the greatest length":    checksummed([]byte("\x01\x03" + strings.Repeat("\xff", 9) + "\x01ak")),
		"number past 64 bits":    checksummed([]byte("\x01" + strings.Repeat("\xff", 9) + "\x02\x00")),
		"bytes after the last":   checksummed([]byte("\x01" + fieldsOf(field{3, "ak"}) + "\x00")),
		"id of zeros":            encoding(field{1, string(make([]byte, 16))}),
		"id of 15 bytes":         encoding(field{1, string(id[:15])}),
		"id of 17 bytes":         encoding(field{1, string(id[:]) + "x"}),
		"no id":                  encoding(field{1, ""}),
		"version 0":              encoding(field{2, "\x00"}),
		"no version":             encoding(field{2, ""}),
		"version past 64 bits":   encoding(field{2, strings.Repeat("\xff", 9) + "\x02"}),
		"version and more":       encoding(field{2, "\x01\x01"}),
		"disabled 0":             encoding(field{19, "\x00"}),
		"disabled 2":             encoding(field{19, "\x02"}),
		"epoch 2^32":             encoding(field{22, "\x80\x80\x80\x80\x10"}),
		"critical field":         encoding(field{23, "x"}),
		"critical field, empty":  encoding(field{23, ""}),
		"far critical field":     encoding(field{1<<20 + 1, "x"}),
		"greatest field":         encoding(field{math.MaxUint64, "x"}),
		"carried descending":     encoding(field{26, "x"}, field{24, "y"}),
		"critical after carried": encoding(field{24, "x"}, field{25, "y"}),
	}
	for _, n := range []uint64{3, 4, 5, 6, 7, 8, 9, 10, 11, 17, 18} {
		bad[fmt.Sprintf("text %d written though empty", n)] = encoding(field{n, ""})
	}
	for _, n := range []uint64{13, 14, 15, 16, 21} {
		for what, value := range map[string]string{
			"written though zero": "\x00",
			"empty":               "",
			"before 2000":         millis(time.Date(1999, 12, 31, 23, 59, 59, 999e6, time.UTC)),
			"in 1970":             "\x01",
			"in 2262":             millis(time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)),
			"past 63 bits":        uvarint(1 << 63),
			"before 1970":         uvarint(math.MaxUint64),
		} {
			bad[fmt.Sprintf("time %d %s", n, what)] = encoding(field{n, value})
		}
	}
	for _, n := range []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 21, 22} { // all but the lists
		bad[fmt.Sprintf("field %d twice", n)] = encoding(field{n, goodValue(n)}, field{n, goodValue(n)})
	}
	for n := uint64(1); n <= 9; n++ {
		value := map[uint64]string{1: "\x01", 2: "\x01", 5: "\x01", 7: millis(ms(0)), 8: millis(ms(0)), 9: millis(ms(0))}[n]
		if value == "" {
			value = "x"
		}
		bad[fmt.Sprintf("field %d of a credential twice", n)] = encoding(field{20, fieldsOf(field{n, value}, field{n, value})})
	}
	for what, credential := range map[string]string{
		"number 0":            fieldsOf(field{1, "\x00"}),
		"number past 16 bits": fieldsOf(field{1, uvarint(1 << 16)}),
		"kind 0":              fieldsOf(field{2, "\x00"}),
		"kind 2":              fieldsOf(field{2, "\x02"}),
		"kind 257":            fieldsOf(field{2, uvarint(257)}),
		"empty hash":          fieldsOf(field{3, ""}),
		"empty MAC":           fieldsOf(field{4, ""}),
		"MAC key 0":           fieldsOf(field{5, "\x00"}),
		"MAC key past 32":     fieldsOf(field{5, uvarint(1 << 32)}),
		"empty hint":          fieldsOf(field{6, ""}),
		"created in 1970":     fieldsOf(field{7, "\x01"}),
		"not-after zero":      fieldsOf(field{8, "\x00"}),
		"not-after in 2262":   fieldsOf(field{8, millis(time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC))}),
		"used in 1970":        fieldsOf(field{9, "\x01"}),
		"field 0":             fieldsOf(field{0, "x"}),
		"critical field":      fieldsOf(field{11, "x"}),
		"far critical field":  fieldsOf(field{1<<20 + 1, "x"}),
		"a field twice":       fieldsOf(field{6, "a"}, field{6, "a"}),
		"fields descending":   fieldsOf(field{6, "a"}, field{1, "\x01"}),
		"carried descending":  fieldsOf(field{12, "x"}, field{10, "x"}),
		"wide number":         "\x81\x00\x01\x01",
		"wide length":         "\x01\x81\x00\x01",
		"length past the end": "\x03\x03ak",
		"unended":             "\x03",
	} {
		bad["credential: "+what] = encoding(field{20, credential})
		bad["second credential: "+what] = encoding(field{20, ""}, field{20, credential}, field{20, ""})
	}
	return bad
}

// goodValue is one that a field of a record may have.
func goodValue(number uint64) string {
	switch number {
	case 1:
		return string(ascending(1, 16))
	case 2, 19:
		return "\x01"
	case 13, 14, 15, 16, 21:
		return uvarint(uint64(ms(0).UnixMilli()))
	}
	return "x"
}

// wantUnreadable checks that data is refused, and that the receiver is left as it was.
func wantUnreadable(t *testing.T, what string, data []byte) {
	t.Helper()
	r := goldenRecord()
	if err := r.UnmarshalBinary(data); err == nil {
		t.Errorf("%s: read as %+v", what, r)
	} else if len(err.Error()) > 200 {
		t.Errorf("%s: an error of %d bytes", what, len(err.Error()))
	}
	if !reflect.DeepEqual(r, goldenRecord()) {
		t.Errorf("%s: the receiver is now %+v", what, r)
	}
}

func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	for what, data := range badEncodings() {
		wantUnreadable(t, what, data)
	}
	for what, data := range map[string][]byte{
		"nothing":       nil,
		"a byte":        {1},
		"no checksum":   {1, 0, 0, 0},
		"a megabyte":    checksummed(append([]byte{1}, make([]byte, 1e6)...)),
		"over 128 KiB":  encoding(field{3, strings.Repeat("x", 128<<10-8)}),
		"zero checksum": append([]byte{1, 3, 1, 'a'}, 0, 0, 0, 0),
	} {
		wantUnreadable(t, what, data)
	}
	// What is wrong above is not wrong alone.
	for n := uint64(1); n <= 21; n++ {
		if n != 20 {
			unmarshal(t, encoding(field{n, goodValue(n)}))
		}
	}
	// One byte less is read, so that it was the length that was refused above.
	unmarshal(t, encoding(field{3, strings.Repeat("x", 128<<10-9)}))
}

// One flipped bit, or a part that is missing, is an error and not another expiry.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	data, err := hex.DecodeString(goldenRecordHex)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for bit := range 8 {
			flipped := bytes.Clone(data)
			flipped[i] ^= 1 << bit
			wantUnreadable(t, fmt.Sprintf("bit %d of byte %d flipped", bit, i), flipped)
		}
		wantUnreadable(t, fmt.Sprintf("%d bytes", i), data[:i])
		if i > 0 {
			wantUnreadable(t, fmt.Sprintf("without the first %d bytes", i), data[i:])
		}
		wantUnreadable(t, fmt.Sprintf("without byte %d", i), append(bytes.Clone(data[:i]), data[i+1:]...))
	}
	wantUnreadable(t, "a byte more", append(bytes.Clone(data), 0))
	wantUnreadable(t, "twice", append(bytes.Clone(data), data...))
}

// What Marshal writes, Unmarshal reads: so what can't be read can't be written either.
func TestUnwritableRecords(t *testing.T) {
	t.Parallel()
	for what, at := range map[string]time.Time{
		"not UTC":        ms(0).In(time.FixedZone("", 3600)),
		"UTC by offset":  ms(0).In(time.FixedZone("UTC", 0)),
		"microseconds":   ms(0).Add(time.Microsecond),
		"nanoseconds":    ms(0).Add(time.Nanosecond),
		"before 2000":    time.Date(1999, 12, 31, 23, 59, 59, 999e6, time.UTC),
		"in 1970":        time.Unix(0, 0).UTC(),
		"in 2262":        time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC),
		"in 292 million": time.UnixMilli(math.MaxInt64).UTC(),
		"year -1":        time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for field := range reflect.TypeFor[apikey.Record]().Fields() {
			if field.Type == reflect.TypeFor[time.Time]() {
				r := goldenRecord()
				reflect.ValueOf(r).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(at))
				wantUnwritable(t, field.Name+" "+what, r)
			}
		}
		for field := range reflect.TypeFor[apikey.Credential]().Fields() {
			if field.Type == reflect.TypeFor[time.Time]() {
				r := goldenRecord()
				reflect.ValueOf(&r.Credentials[1]).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(at))
				wantUnwritable(t, "Credential."+field.Name+" "+what, r)
			}
		}
	}
	kind := goldenRecord()
	kind.Credentials[0].Kind = 2
	wantUnwritable(t, "a kind of credential that nobody knows", kind)
	long := goldenRecord()
	long.Description = strings.Repeat("x", 128<<10)
	wantUnwritable(t, "over 128 KiB", long)
}

func wantUnwritable(t *testing.T, what string, r *apikey.Record) {
	t.Helper()
	if data, err := r.MarshalBinary(); err == nil || data != nil {
		t.Errorf("%s: encoded in %d bytes, %v", what, len(data), err)
	}
}
