package hash_test

import (
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// small is the least argon2id can cost.
var small = hash.Params{Memory: 8, Time: 1, Threads: 1}

func TestDefault(t *testing.T) {
	t.Parallel()
	want := hash.Params{Memory: 19456, Time: 2, Threads: 1}
	if got := hash.Default(); got != want {
		t.Errorf("Default() = %+v, want %+v", got, want)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ p, want hash.Params }{
		{hash.Params{}, hash.Default()},
		{hash.Default(), hash.Default()},
		{small, small},
		{hash.Params{Memory: 32, Time: 1, Threads: 4}, hash.Params{Memory: 32, Time: 1, Threads: 4}},
		{hash.Params{Memory: 65536, Time: 10, Threads: 4}, hash.Params{Memory: 65536, Time: 10, Threads: 4}},
	} {
		got, err := test.p.Resolve()
		if err != nil || got != test.want {
			t.Errorf("%+v.Resolve() = %+v, %v, want %+v", test.p, got, err, test.want)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p    hash.Params
		says string
	}{
		{hash.Params{Memory: 19456}, "time is below"},
		{hash.Params{Time: 2}, "threads is below"},
		{hash.Params{Threads: 1}, "time is below"},
		{hash.Params{Memory: 19456, Time: 2}, "threads is below"},
		{hash.Params{Memory: 19456, Threads: 1}, "time is below"},
		{hash.Params{Time: 2, Threads: 1}, "memory is below"},
		{hash.Params{Memory: 7, Time: 1, Threads: 1}, "memory is below"},
		{hash.Params{Memory: 31, Time: 1, Threads: 4}, "memory is below"},
		{hash.Params{Memory: 65537, Time: 1, Threads: 1}, "memory is above"},
		{hash.Params{Memory: 1<<32 - 1, Time: 1, Threads: 1}, "memory is above"},
		{hash.Params{Memory: 19456, Time: 11, Threads: 1}, "time is above"},
		{hash.Params{Memory: 19456, Time: 1<<32 - 1, Threads: 1}, "time is above"},
		{hash.Params{Memory: 19456, Time: 2, Threads: 5}, "threads is above"},
		{hash.Params{Memory: 19456, Time: 2, Threads: 255}, "threads is above"},
	} {
		got, err := test.p.Resolve()
		if err == nil || !strings.HasPrefix(err.Error(), "hash: ") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v.Resolve(): error %v, want one that says %q", test.p, err, test.says)
		}
		if got != (hash.Params{}) {
			t.Errorf("%+v.Resolve() = %+v beside an error", test.p, got)
		}
		if _, err := hash.New([]byte("secret"), test.p); err == nil {
			t.Errorf("New hashed under %+v", test.p)
		}
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	target := hash.Params{Memory: 1000, Time: 3, Threads: 2}
	for _, test := range []struct {
		name string
		p    hash.Params
		want bool
	}{
		{"equal", target, false},
		{"memory below", hash.Params{Memory: 999, Time: 3, Threads: 2}, true},
		{"time below", hash.Params{Memory: 1000, Time: 2, Threads: 2}, true},
		{"threads below", hash.Params{Memory: 1000, Time: 3, Threads: 1}, true},
		{"all below", small, true},
		{"memory above", hash.Params{Memory: 1001, Time: 3, Threads: 2}, false},
		{"time above", hash.Params{Memory: 1000, Time: 4, Threads: 2}, false},
		{"threads above", hash.Params{Memory: 1000, Time: 3, Threads: 3}, false},
		{"memory above, time below", hash.Params{Memory: 1001, Time: 2, Threads: 2}, false},
		{"time above, memory below", hash.Params{Memory: 999, Time: 4, Threads: 2}, false},
		{"threads above, memory below", hash.Params{Memory: 999, Time: 3, Threads: 3}, false},
	} {
		if got := test.p.Below(target); got != test.want {
			t.Errorf("%s: %+v.Below(%+v) = %v", test.name, test.p, target, got)
		}
	}
	if hash.Default().Below(hash.Params{}) {
		t.Error("a hash is below the zero Params: it would be lifted to nothing")
	}
}
