package leak_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
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
