package leak_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// A key is found wherever it stands.
func TestScanContexts(t *testing.T) {
	t.Parallel()
	key, other := issued(t, "", 1)[0], issued(t, "my_ak", 1)[0]
	escaped, err := json.Marshal("a line\n" + key + "\tand")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ text, key string }{
		"alone":                    {key, key},
		"a line":                   {"\n" + key + "\n", key},
		".env":                     {"TOKEN=" + other + "\r\n", other},
		"a name in front":          {"TOKEN=x-" + key, key},
		"a word in front":          {"token" + key, key},
		"a prefix in front":        {"my_" + key, key},
		"most of a prefix":         {"abcdefghijklmnopqrstu_" + key, key},
		"underscores in front":     {"__" + key + "__", key},
		"prefix after prefix":      {"my_ak_" + other, other},
		"JSON":                     {`{"key":"` + key + `"}`, key},
		"JSON, after an escape":    {string(escaped), key},
		"Go, after an escape":      {fmt.Sprintf("%q", "x\r"+key+"\n"), key},
		"a query":                  {"https://a.example/?k=" + key + "&x=1", key},
		"an escape of URLs":        {url.QueryEscape("a=" + key + "&"), key},
		"one in lower case":        {"%3d" + key + "%26", key},
		"two":                      {"%3d%0a" + key, key},
		"a user name":              {"https://" + key + ":x@a.example/", key},
		"a password":               {"https://x:" + other + "@a.example/", other},
		"Markdown":                 {"| `" + key + "` |**" + key[:0], key},
		"digits behind":            {key + "0zZ9", key},
		"a letter in front":        {"z" + key + "z", key},
		"upper case in front":      {"Z" + key, key},
		"binary":                   {"\x00\xff" + key + "\x00", key},
		"behind half of one":       {key[:50] + key, key},
		"behind half of one and _": {key[:50] + "_" + key, key},
		"behind a broken one":      {broken(key) + key, key},
		"letters of UTF-8":         {"ключ" + key + "ключ", key},
		"colours":                  {"\x1b[31m" + key + "\x1b[0m", key},
	} {
		at := int64(strings.LastIndex(c.text, c.key))
		if got := scanned(t, strings.NewReader(c.text)); !slices.Equal(got, []place{{at, c.key}}) {
			t.Errorf("%s: %v in %q; want one at %d", what, got, c.text, at)
		}
		prefix := c.key[:strings.LastIndexByte(c.key, '_')]
		if got := scanned(t, strings.NewReader(c.text), "nobodys", prefix); !slices.Equal(got, []place{{at, c.key}}) {
			t.Errorf("%s, by its prefix: %v in %q; want one at %d", what, got, c.text, at)
		}
		if got := scanned(t, strings.NewReader(c.text), "nobodys", "k"); got != nil {
			t.Errorf("%s, by other prefixes: %v", what, got)
		}
	}
}

// What is no key, or is one in another spelling, is not found.
func TestScanFindsNoOthers(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	wide := utf16.Encode([]rune(key))
	var littleEndian []byte
	for _, c := range wide {
		littleEndian = append(littleEndian, byte(c), byte(c>>8))
	}
	for what, text := range map[string]string{
		"nothing":            "",
		"broken":             broken(key),
		"cut off":            key[:len(key)-1],
		"without a prefix":   key[2:],
		"a cut prefix":       key[1:],
		"another prefix":     "bk" + key[2:],
		"upper case":         strings.ToUpper(key),
		"broken up":          key[:40] + "\n" + key[40:],
		"an escaped _":       strings.Replace(key, "_", "%5F", 1),
		"UTF-16":             string(littleEndian),
		"its id":             id(t, key),
		"digits":             strings.Repeat("0", 1000),
		"underscores":        strings.Repeat("_", 1000),
		"keys without marks": strings.Repeat("ak"+key[3:], 20),
		"zeros":              "ak_" + strings.Repeat("0", 72),
	} {
		if got := scanned(t, strings.NewReader(text)); got != nil {
			t.Errorf("%s: %v in %q", what, got, text)
		}
	}
}

// decoy has the CRC-32 of nothing: in front of a key it makes another prefix under which the checksum holds, too.
const decoy = "myl0dnh"

// Nobody hides a key behind letters that make another key of it: both are found.
func TestScanFindsBoth(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	want := []place{{1, decoy + key}, {1 + int64(len(decoy)), key}}
	if got := scanned(t, strings.NewReader("-"+decoy+key)); !slices.Equal(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
	if got := scanned(t, strings.NewReader("-"+decoy+key), "ak"); !slices.Equal(got, want[1:]) {
		t.Errorf("with the prefix ak: %v; want %v", got, want[1:])
	}
}

// Wherever the buffer ends and whatever a reader returns, the keys and their places are the same.
func TestScanAcrossReads(t *testing.T) {
	t.Parallel()
	keys := append(issued(t, "", 3), issued(t, "a_prefix_of_24_charactrs", 2)...)
	near := keys[0] + keys[3] + "," + keys[1] + "_" + keys[4] + keys[2]
	const buffer = 64 << 10
	for _, filler := range []string{"lorem ipsum ", "0", "_", "a_", "ak_0", "\x00"} {
		for _, before := range []int{0, 1, buffer - 500, buffer, 3*buffer + 17} {
			text := strings.Repeat(filler, before/len(filler)+1)[:before] + near + filler
			want := reference(text[max(0, before-97):])
			for i := range want {
				want[i].offset += int64(max(0, before-97))
			}
			if len(want) != len(keys) {
				t.Fatalf("%d keys after %d of %q", len(want), before, filler)
			}
			readers := map[string]io.Reader{
				"whole":        strings.NewReader(text),
				"data and EOF": iotest.DataErrReader(strings.NewReader(text)),
				"halves":       iotest.HalfReader(strings.NewReader(text)),
				"bytes":        iotest.OneByteReader(strings.NewReader(text)),
			}
			for how, r := range readers {
				if got := scanned(t, r); !slices.Equal(got, want) {
					t.Errorf("%s, %d of %q in front: %v; want %v", how, before, filler, got, want)
				}
			}
		}
	}
	for cut := range len(near) + 1 {
		r := io.MultiReader(strings.NewReader(near[:cut]), strings.NewReader(near[cut:]))
		if got := scanned(t, r); len(got) != len(keys) {
			t.Errorf("cut at %d: %v", cut, got)
		}
	}
	for n := range 300 { // digits in front, of which one or the other may be part of the key
		text := strings.Repeat("0", n) + keys[0] + strings.Repeat("Z", n) + "_" + keys[3]
		if got, want := scanned(t, strings.NewReader(text)), reference(text); !slices.Equal(got, want) || len(got) != 2 {
			t.Errorf("after %d digits: %v; want %v", n, got, want)
		}
	}
	// Every place in the buffer that a key can be cut off at.
	for before := buffer - 120; before <= buffer+1; before++ {
		text := strings.Repeat("-", before) + keys[3] + " "
		if got := scanned(t, strings.NewReader(text)); !slices.Equal(got, []place{{int64(before), keys[3]}}) {
			t.Errorf("%d in front: %v", before, got)
		}
	}
}

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
