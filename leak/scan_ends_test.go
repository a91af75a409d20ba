package leak_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// A key is passed on when its last digit was read, not when more comes: the other end may wait for an answer.
func TestScanDoesNotWait(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	r, w := io.Pipe()
	defer r.Close()
	go io.WriteString(w, "x "+key) // and no more
	for found, err := range leak.Scan(r) {
		if err != nil || found.Reveal() != key {
			t.Errorf("%v, %v", found, err)
		}
		break
	}
}

type badReader int

func (n badReader) Read([]byte) (int, error) { return int(n), nil }

// Errors are passed on, after what was read before them; a reader that breaks its contract ends the scan.
func TestScanErrors(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	failing := func(err error) io.Reader { return io.MultiReader(strings.NewReader(key+" "), iotest.ErrReader(err)) }
	for what, c := range map[string]struct {
		r    io.Reader
		keys int
		err  error // nil: any
	}{
		"broken":           {failing(errDisk), 1, errDisk},
		"cut off":          {failing(io.ErrUnexpectedEOF), 1, io.ErrUnexpectedEOF},
		"timeout":          {iotest.TimeoutReader(iotest.HalfReader(strings.NewReader(strings.Repeat(key, 1000)))), 430, iotest.ErrTimeout},
		"nothing for ever": {badReader(0), 0, io.ErrNoProgress},
		"negative":         {badReader(-1), 0, nil},
		"too much":         {badReader(1 << 20), 0, nil},
	} {
		keys, errs := 0, 0
		for found, err := range leak.Scan(c.r) {
			if err != nil {
				if errs++; c.err != nil && !errors.Is(err, c.err) || found != (leak.Found{}) {
					t.Errorf("%s: %v, %v", what, found, err)
				}
				continue
			}
			if keys++; errs > 0 {
				t.Errorf("%s: a key after the error", what)
			}
		}
		if errs != 1 || keys < c.keys {
			t.Errorf("%s: %d keys, %d errors", what, keys, errs)
		}
	}
	for _, prefix := range []string{"", "AK", "ak_", "_ak", "a__k", strings.Repeat("a", 25), key, "a.k"} {
		var invalid *apikey.ValidationError
		n := 0
		for _, err := range leak.Scan(strings.NewReader(key), "ak", prefix) {
			if n++; !errors.As(err, &invalid) || invalid.Field != "prefixes" || strings.Contains(err.Error(), key[30:38]) {
				t.Errorf("prefix %q: %v", prefix, err)
			}
		}
		if n != 1 {
			t.Errorf("prefix %q: %d errors", prefix, n)
		}
	}
}

// The loop may be left, and the prefixes are those of the call.
func TestScanLeft(t *testing.T) {
	t.Parallel()
	keys := issued(t, "", 2)
	prefixes := []string{"ak"}
	found := leak.Scan(strings.NewReader(keys[0]+keys[1]), prefixes...)
	prefixes[0] = "other"
	n := 0
	for range found {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d keys", n)
	}
}

// Found prints no secret, however it is printed.
func TestFoundPrintsNoSecret(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var found leak.Found
	for f, err := range leak.Scan(strings.NewReader("x" + key)) {
		if err != nil {
			t.Fatal(err)
		}
		found = f
	}
	encoded, err := json.Marshal(map[string]any{"found": found, "list": []*leak.Found{&found}})
	if err != nil {
		t.Fatal(err)
	}
	outputs := []string{string(encoded), found.String(), fmt.Sprint(struct{ in any }{found}, []leak.Found{found}, &found)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		outputs = append(outputs, fmt.Sprintf(verb, found), fmt.Sprintf(verb, struct{ in leak.Found }{found}))
	}
	secret := key[3+22:]
	for _, output := range outputs {
		for i := range len(secret) - 7 {
			if strings.Contains(output, secret[i:i+8]) || strings.Contains(output, fmt.Sprintf("%x", secret[i:i+8])) {
				t.Fatalf("%q", output)
			}
		}
	}
	if want := id(t, key) + ", 75 bytes at 1"; found.String() != want {
		t.Errorf("%q; want %q", found, want)
	}
	if (leak.Found{}).Reveal() != "" || found.Reveal() != key || found.Prefix != "ak" || !bytes.Contains(encoded, []byte(found.KeyID)) {
		t.Errorf("%v, %s", found, encoded)
	}
}
