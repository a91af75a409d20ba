package storetest_test

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// A store is small to write: the contract is wrong if it takes more than this.
func TestThirdPartyIsShort(t *testing.T) {
	file, err := os.ReadFile("thirdparty_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(file, []byte("\n")); lines >= 160 {
		t.Errorf("thirdparty_test.go has %d lines, want fewer than 160", lines)
	}
}

// Filled leaves no exported field of a record at its zero value, whatever is added to it.
func TestFilled(t *testing.T) {
	for _, extreme := range []bool{false, true} {
		a, b := storetest.Filled(t, 1, extreme), storetest.Filled(t, 2, extreme)
		for _, path := range zeros("Record", reflect.ValueOf(*a)) {
			t.Errorf("%s is zero", path)
		}
		if _, err := a.MarshalBinary(); err != nil {
			t.Errorf("a filled record has no encoding: %v", err)
		}
		if len(storetest.Differences("Record", reflect.ValueOf(*a), reflect.ValueOf(*b))) == 0 {
			t.Error("records of two rounds are the same")
		}
		if differ := storetest.Differences("Record", reflect.ValueOf(*a), reflect.ValueOf(*a.Clone())); len(differ) > 0 {
			t.Errorf("a clone differs: %v", differ)
		}
	}
	extreme := storetest.Filled(t, 1, true)
	if len(extreme.Credentials) != 4 || extreme.Credentials[0].Number != 1<<16-1 || extreme.Credentials[0].MACKey != 1<<32-1 {
		t.Errorf("the extreme credentials are %+v", extreme.Credentials)
	}
	if len(extreme.Claims) != 16<<10 {
		t.Errorf("the extreme claims have %d bytes", len(extreme.Claims))
	}
}

func zeros(path string, v reflect.Value) (all []string) {
	if v.IsZero() {
		return []string{path}
	}
	if _, ok := v.Interface().(time.Time); ok {
		return nil
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			if v.Type().Elem().Kind() != reflect.Uint8 {
				all = append(all, zeros(path+"[]", v.Index(i))...)
			}
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if field.IsExported() {
				all = append(all, zeros(path+"."+field.Name, value)...)
			}
		}
	}
	return all
}

// A field of a type that the suite does not know must not pass untested.
func TestFillUnknownType(t *testing.T) {
	var r struct {
		Known   string
		Unknown map[string]string
	}
	if err := storetest.Fill("Record", reflect.ValueOf(&r).Elem()); err == nil || !strings.Contains(err.Error(), "Record.Unknown") {
		t.Errorf("a field that can't be filled gave %v, want an error that names it", err)
	}
}

// Each field that a store loses is a difference.
func TestDifferences(t *testing.T) {
	want := storetest.Filled(t, 1, false)
	var walk func(path string, got *apikey.Record, v reflect.Value)
	walk = func(path string, got *apikey.Record, v reflect.Value) {
		kept := reflect.New(v.Type()).Elem()
		kept.Set(v)
		v.SetZero()
		if len(storetest.Differences("Record", reflect.ValueOf(*got), reflect.ValueOf(*want))) == 0 {
			t.Errorf("a store that loses %s is not caught", path)
		}
		v.Set(kept)
		switch {
		case v.Type() == reflect.TypeFor[time.Time]():
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
			walk(path+"[1]", got, v.Index(1))
		case v.Kind() == reflect.Struct:
			for field, value := range v.Fields() {
				if field.IsExported() {
					walk(path+"."+field.Name, got, value)
				}
			}
		}
	}
	got := want.Clone()
	walk("Record", got, reflect.ValueOf(got).Elem())

	got.Scopes, want.Scopes = nil, []string{}
	if differ := storetest.Differences("Record", reflect.ValueOf(*got), reflect.ValueOf(*want)); len(differ) > 0 {
		t.Errorf("nil and empty differ: %v", differ)
	}
}
