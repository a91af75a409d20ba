package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// filler sets every exported field to a value that is not its zero value and not that of
// another field. It knows fields by their type alone, so a field that is added to Record is
// tested the day it is added, or fails every store until the filler knows its type.
type filler struct {
	n       int  // of values made
	extreme bool // values at the limits of what an Issuer makes
}

// filled returns a record whose every field is set. Records of another round have other
// values, but for the ID.
func filled(t testing.TB, round int, extreme bool) *apikey.Record {
	t.Helper()
	f := &filler{n: 1000 * round, extreme: extreme}
	r := new(apikey.Record)
	if err := f.fill("Record", reflect.ValueOf(r).Elem()); err != nil {
		t.Fatal(err)
	}
	r.ID = id(1)
	for i := range r.Credentials {
		r.Credentials[i].Number = uint16(math.MaxUint16 - i) // newest first
	}
	return r
}

func (f *filler) fill(path string, v reflect.Value) error {
	f.n++
	switch p := v.Addr().Interface().(type) {
	case *apikey.ID:
		*p = id(f.n)
		return nil
	case *time.Time:
		*p = f.time()
		return nil
	case *json.RawMessage:
		*p = f.json(path)
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.string(path))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1) // the highest Kind there is
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.n))
		if f.extreme {
			v.SetUint(math.MaxUint64 >> (64 - v.Type().Bits()))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.len(v.Type()), f.len(v.Type())))
		for i := range v.Len() {
			if err := f.fill(fmt.Sprintf("%s[%d]", path, i), v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if !field.IsExported() {
				continue
			}
			if err := f.fill(path+"."+field.Name, value); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("storetest can't fill %s, a %s: teach filler.fill and differences", path, v.Type())
	}
	return nil
}

func (f *filler) string(path string) string {
	s := fmt.Sprintf("%s %d", path, f.n)
	if f.extreme { // 255 characters of four bytes
		s += strings.Repeat("\U0010fffd", 255-len(s))
	}
	return s
}

func (f *filler) time() time.Time {
	switch {
	case f.extreme && f.n%2 == 0:
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	case f.extreme:
		return time.Date(2261, 12, 31, 23, 59, 59, 999e6, time.UTC)
	}
	return at(f.n).Add(time.Duration(f.n) * time.Millisecond)
}

func (f *filler) json(path string) json.RawMessage {
	s := fmt.Sprintf(`{"path":%q,"n":%d,"fill":""}`, path, f.n)
	if f.extreme {
		s = strings.Replace(s, `""`, `"`+strings.Repeat("x", 16<<10-len(s))+`"`, 1)
	}
	return json.RawMessage(s)
}

// len returns how many elements a slice gets.
func (f *filler) len(slice reflect.Type) int {
	switch {
	case slice.Elem().Kind() == reflect.Uint8:
		return 32 // a MAC
	case slice.Elem().Kind() == reflect.Struct && f.extreme:
		return 4 // credentials
	case f.extreme:
		return 50
	}
	return 2
}

// wantRecord fails t unless got is want in every exported field.
func wantRecord(t testing.TB, doing string, got, want *apikey.Record) {
	t.Helper()
	for _, d := range differences("Record", reflect.ValueOf(*got), reflect.ValueOf(*want)) {
		t.Errorf("%s: %s", doing, d)
	}
}

// differences describes where got is not want. A nil slice and an empty one are the same.
func differences(path string, got, want reflect.Value) (all []string) {
	differ := func(format string, args ...any) []string {
		return append(all, path+" "+fmt.Sprintf(format, args...))
	}
	if want, ok := want.Interface().(time.Time); ok {
		switch got := got.Interface().(time.Time); {
		case !got.Equal(want):
			return differ("is %v, want %v to the millisecond", got, want)
		case got.Location() != time.UTC:
			return differ("is in %v, want UTC", got.Location())
		}
		return nil
	}
	switch want.Kind() {
	case reflect.String:
		if got.String() != want.String() {
			return differ("is %.60q, want %.60q", got, want)
		}
	case reflect.Slice:
		if want.Type().Elem().Kind() == reflect.Uint8 {
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				return differ("is %.60q, want the bytes given, %.60q", got, want)
			}
			return nil
		}
		if got.Len() != want.Len() {
			return differ("has %d elements, want %d", got.Len(), want.Len())
		}
		for i := range want.Len() {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i))...)
		}
	case reflect.Struct:
		for field, value := range want.Fields() {
			if field.IsExported() {
				all = append(all, differences(path+"."+field.Name, got.FieldByIndex(field.Index), value)...)
			}
		}
	default:
		if !got.Equal(want) {
			return differ("is %v, want %v", got, want)
		}
	}
	return all
}
