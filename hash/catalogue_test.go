package hash_test

import (
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// A3: time 0 made argon2 panic, and base64 that is read laxly let an altered hash pass for the same.
func TestA3_NoPanicAndNoLaxBase64(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	d := mustNew(t, []byte("secret"), small)
	fields := strings.Split(d.String(), "$")
	refused := func(what string, at int, field string) {
		t.Helper()
		changed := append([]string(nil), fields...)
		changed[at] = field
		got, err := hash.Parse(strings.Join(changed, "$"))
		if !errors.Is(err, hash.ErrFormat) || got != (hash.Digest{}) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	for _, params := range []string{"m=8,t=0,p=1", "m=8,t=1,p=0", "m=0,t=1,p=1", "m=0,t=0,p=0"} {
		refused(params, 3, params)
	}
	for _, p := range []hash.Params{{Memory: 8, Threads: 1}, {Memory: 8, Time: 1}, {Time: 1, Threads: 1}} {
		if _, err := hash.New([]byte("secret"), p); err == nil {
			t.Errorf("New under %+v", p)
		}
	}
	alternatives := 0
	for _, at := range []int{4, 5} {
		field := fields[at]
		for _, last := range alphabet {
			other := field[:len(field)-1] + string(last)
			if other == field {
				continue
			}
			if lax, err := base64.RawStdEncoding.DecodeString(other); err != nil || string(lax) != string(mustDecode(t, field)) {
				continue
			}
			alternatives++
			refused("another spelling of the same bytes: "+other, at, other)
		}
		refused("padding", at, field+"=")
		refused("a line break", at, field[:4]+"\n"+field[4:])
		refused("a line break at the end", at, field+"\r\n")
		refused("the alphabet of URLs", at, "-_"+field[2:])
	}
	if alternatives != 15+3 { // 22 digits of 16 bytes leave 4 bits over, 43 of 32 leave 2
		t.Errorf("control: %d other spellings", alternatives)
	}
	if again, err := hash.Parse(d.String()); err != nil || !again.Matches([]byte("secret")) {
		t.Errorf("control: %v", err)
	}
}

func mustDecode(t *testing.T, field string) []byte {
	t.Helper()
	raw, err := base64.RawStdEncoding.DecodeString(field)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A5: a variant or version that the decoder did not know left an empty hash behind, with which the secret was compared. It
// is an error, and what stands beside the error matches nothing, not even what the empty hash would be of.
func TestA5_UnknownIsNoEmptyHash(t *testing.T) {
	t.Parallel()
	for _, begins := range []string{"$argon2i$v=19", "$argon2d$v=19", "$argon2$v=19", "$argon2id$v=16", "$argon2id$v=20", "$argon2id$v=", "$argon2id", "$argon2ix$v=19", "$2b$v=19", "$scrypt$v=19", "$$v=19", "$"} {
		for _, rest := range []string{"$m=64,t=1,p=1$" + salt + "$" + sum, "$m=64,t=1,p=1$" + salt + "$", "$m=64,t=1,p=1$$", ""} {
			d, err := hash.Parse(begins + rest)
			if !errors.Is(err, hash.ErrFormat) || d != (hash.Digest{}) {
				t.Errorf("%s%s: %v, %v", begins, rest, d, err)
			}
			for _, secret := range [][]byte{nil, {}, make([]byte, 32), []byte("secret"), []byte(begins + rest)} {
				if d.Matches(secret) {
					t.Errorf("%s%s: it matches %q", begins, rest, secret)
				}
			}
		}
	}
}

// CVE-2013-1443: a server hashed whatever length of password it was sent. What is over 512 bytes is neither copied nor
// hashed. Not parallel: it counts what the process allocates, of which argon2 would take 64 MiB.
func TestCVE_2013_1443_LongSecretsAreNotHashed(t *testing.T) {
	costly := hash.Params{Memory: 64 << 10, Time: 1, Threads: 1}
	d, err := hash.Parse(phc("m=65536,t=10,p=4"))
	if err != nil {
		t.Fatal(err)
	}
	allocates := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, n := range []int{513, 4096, 1 << 20, 1 << 26} {
		secret := make([]byte, n)
		if got := allocates(func() {
			if d.Matches(secret) {
				t.Errorf("%d bytes match", n)
			}
			if _, err := hash.New(secret, costly); err == nil {
				t.Errorf("%d bytes were hashed", n)
			}
		}); got > 1<<20 {
			t.Errorf("a secret of %d bytes made it allocate %d", n, got)
		}
	}
	if got := allocates(func() { mustNew(t, make([]byte, 512), costly) }); got < 32<<20 {
		t.Errorf("control: argon2 allocated %d", got)
	}
}
