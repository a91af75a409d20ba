package leak_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// writes remembers each Write.
type writes struct {
	mu    sync.Mutex
	texts []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, string(p))
	return len(p), nil
}

// A line that is written goes out at once and in one piece, whatever is in it.
func TestWriterLines(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	keyID := id(t, key) + "[redacted]"
	for _, r := range []*leak.Redactor{nil, redactor(t, "ak")} {
		var out writes
		w := leak.NewWriter(&out, r)
		want := []string{}
		for _, c := range []struct{ in, out string }{
			{"a line\n", "a line\n"},
			{key + "\n", keyID + "\n"},
			{"key=" + key + " again=" + key + "\n", "key=" + keyID + " again=" + keyID + "\n"},
			{"a prompt: ", "a prompt: "},
			{"\n" + key, "\n" + keyID},
			{"UPPER", "UPPER"},
			{"", ""},
		} {
			if n, err := io.WriteString(w, c.in); n != len(c.in) || err != nil {
				t.Errorf("%q: %d, %v", c.in, n, err)
			}
			if c.out != "" {
				want = append(want, c.out)
			}
			if !slices.Equal(out.texts, want) {
				t.Fatalf("after %q: %q; want %q", c.in, out.texts, want)
			}
		}
	}
}

// A key that comes in parts is found, wherever it is cut, and what turns out to be none comes out unchanged.
func TestWriterParts(t *testing.T) {
	t.Parallel()
	key, long := issued(t, "", 1)[0], issued(t, "a_prefix_of_24_charactrs", 1)[0]
	for what, text := range map[string]string{
		"a key":      "x " + key + " y",
		"long":       "x" + long + "y",
		"two":        key + long,
		"no key":     "ak_" + strings.Repeat("a", 71) + "_" + key[:74] + "-",
		"broken":     broken(key),
		"cut off":    "the last word is " + key[:50],
		"a prefix":   "the last word is my",
		"id":         "key " + id(t, key),
		"after half": key[:60] + key,
	} {
		for _, prefixes := range [][]string{nil, {"ak", "a_prefix_of_24_charactrs", "other"}} {
			want := redacted(text, prefixes...)
			for first := range len(text) {
				for _, second := range []int{first, first + 1, (first + len(text)) / 2, len(text)} {
					var out bytes.Buffer
					w := leak.NewWriter(&out, redactor(t, prefixes...))
					for _, part := range []string{text[:first], text[first:second], text[second:]} {
						if n, err := io.WriteString(w, part); n != len(part) || err != nil {
							t.Fatal(n, err)
						}
					}
					if err := w.Close(); err != nil || out.String() != want {
						t.Fatalf("%s, %q, cut at %d and %d: %q, %v; want %q", what, prefixes, first, second, out.String(), err, want)
					}
				}
			}
		}
	}
}

// Nothing is held back but what may be the beginning of a key.
func TestWriterHoldsLittle(t *testing.T) {
	t.Parallel()
	key, zeros := issued(t, "", 1)[0], strings.Repeat("0", 71)
	for _, c := range []struct {
		text string
		any  int // bytes at the end that are held back when keys may have any prefix
		ak   int // and when they have the prefix ak or bk_2
	}{
		{key + "\n", 0, 0},
		{"x\n", 0, 0}, {"x ", 0, 0}, {"x.", 0, 0}, {"X", 0, 0}, {"x9-", 0, 0}, {"9", 0, 0},
		{"x", 1, 0}, {"x9", 2, 0}, {"Xab", 2, 1}, {"1ab_", 3, 0}, {"_", 0, 0}, {"a_", 2, 0}, {"a__", 3, 0},
		{"=ak", 2, 2}, {"=ak_", 3, 3}, {"=bk", 2, 2}, {"=bk_", 3, 3}, {"=bk_2", 4, 4}, {"=bk_2_", 5, 5}, {"=bk_3", 4, 0}, {"=ak_2", 4, 4},
		{"=a", 1, 1}, {"=xak", 3, 2}, {"=ak_0A", 5, 5}, {"=ck_0A", 5, 0},
		{"=ak_" + zeros, 74, 74}, {"=a_prefix_of_24_charactrs_" + zeros, 96, 0}, {"=ak_" + zeros + "0", 0, 0}, {"=_" + zeros, 0, 0},
		{"=" + strings.Repeat("a", 1000), 24, 1}, {"=" + strings.Repeat("a", 1000) + "_", 25, 0},
		{"=" + strings.Repeat("0", 1000), 0, 0}, {"=" + id(t, key), 35, 35},
	} {
		for held, prefixes := range map[*int][]string{&c.any: nil, &c.ak: {"ak", "bk_2"}} {
			var out bytes.Buffer
			w := leak.NewWriter(&out, redactor(t, prefixes...))
			if _, err := io.WriteString(w, c.text); err != nil {
				t.Fatal(err)
			}
			if want := redacted(c.text[:len(c.text)-*held], prefixes...); out.String() != want {
				t.Errorf("%q, %q: %q came out; want %q", c.text, prefixes, out.String(), want)
			}
			if err := w.Flush(); err != nil || out.String() != redacted(c.text, prefixes...) {
				t.Errorf("%q, %q, flushed: %q, %v", c.text, prefixes, out.String(), err)
			}
		}
	}
}

// What several goroutines write has every line, whole, and no key.
func TestWriterConcurrently(t *testing.T) {
	t.Parallel()
	keys := issued(t, "", 8)
	var out writes
	w := leak.NewWriter(&out, nil)
	var wg sync.WaitGroup
	for i, key := range keys {
		wg.Go(func() {
			for j := range 100 {
				fmt.Fprintf(w, "%d-%d %s\n", i, j, key)
			}
		})
	}
	wg.Wait()
	slices.Sort(out.texts)
	var want []string
	for i, key := range keys {
		for j := range 100 {
			want = append(want, fmt.Sprintf("%d-%d %s[redacted]\n", i, j, id(t, key)))
		}
	}
	slices.Sort(want)
	if !slices.Equal(out.texts, want) {
		t.Errorf("%d lines: %q …", len(out.texts), out.texts[:3])
	}
}

func TestWriterClosed(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var out bytes.Buffer
	w := leak.NewWriter(&out, nil)
	io.WriteString(w, "and "+key[:25])
	if err := errors.Join(w.Flush(), w.Flush()); err != nil || out.String() != "and "+key[:25] {
		t.Errorf("flushed: %q, %v", out.String(), err)
	}
	io.WriteString(w, key[25:])
	if err := errors.Join(w.Close(), w.Close(), w.Flush()); err != nil || out.String() != "and "+key {
		t.Errorf("closed: %q, %v", out.String(), err)
	}
	if n, err := io.WriteString(w, key); n != 0 || err == nil || strings.Contains(err.Error(), key[30:38]) {
		t.Errorf("after Close: %d, %v", n, err)
	}
}

// Write does not keep or change what it is given.
func TestWriterLeavesItsArgumentAlone(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var out bytes.Buffer
	w := leak.NewWriter(&out, redactor(t, "ak"))
	for _, part := range []string{"x " + key + key[:20], key[20:] + "z" + key[:3], key[3:40] + "-", "ak"} {
		p := []byte(part + key)[:len(part)] // there is room behind it
		if n, err := w.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		if string(p) != part || string(p[:len(p)+len(key)]) != part+key {
			t.Errorf("%q was changed to %q", part, p)
		}
		clear(p)
	}
	keyID := id(t, key) + "[redacted]"
	if err := w.Close(); err != nil || out.String() != "x "+keyID+keyID+"zak_[redacted]-ak" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

type badWriter int

func (n badWriter) Write([]byte) (int, error) { return int(n), nil }

// A writer that breaks its contract is not believed, and one that writes a part has not written all.
func TestWriterErrors(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	for _, n := range []int{-1, 1000} {
		w := leak.NewWriter(badWriter(n), nil)
		if n, err := io.WriteString(w, "a line "+key+"\n"); n != 0 || err == nil || strings.Contains(err.Error(), key[30:38]) {
			t.Errorf("%d, %v", n, err)
		}
	}
	if n, err := io.WriteString(leak.NewWriter(badWriter(3), nil), "a line\n"); n != 3 || err != io.ErrShortWrite {
		t.Errorf("a part: %d, %v", n, err)
	}
	w := leak.NewWriter(badWriter(0), nil)
	if n, err := io.WriteString(w, "key"); n != 3 || err != nil {
		t.Errorf("what is held back: %d, %v", n, err)
	}
	if err := w.Close(); err != io.ErrShortWrite {
		t.Errorf("closed: %v", err)
	}
}
