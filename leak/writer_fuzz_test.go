package leak_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// failing writes as many bytes of each Write as sizes says, and fails if that are not all.
type failing struct {
	out   strings.Builder
	sizes []byte
	turn  int
}

func (f *failing) Write(p []byte) (int, error) {
	f.turn++
	if len(f.sizes) == 0 || f.turn%3 == 0 { // it ends some day
		return f.out.Write(p)
	}
	size := int(f.sizes[f.turn%len(f.sizes)])
	n, _ := f.out.Write(p[:min(size, len(p))])
	switch {
	case n < len(p) && size%2 == 0:
		return n, nil
	case n < len(p):
		return n, errDisk
	case size == 255:
		return len(p) + 1, nil // and says nonsense
	}
	return n, nil
}

// writeAll writes text in parts as long as sizes says, and writes again what was not taken.
func writeAll(t *testing.T, w *leak.Writer, text string, sizes []byte) {
	for turn := 0; text != ""; turn++ {
		size := 7
		if len(sizes) > 0 {
			size = int(sizes[turn%len(sizes)]) + turn%2
		}
		part := text[:min(size, len(text))]
		for {
			n, err := w.Write([]byte(part))
			if n < 0 || n > len(part) || err == nil && n != len(part) {
				t.Fatalf("%d of %d bytes, %v", n, len(part), err)
			}
			if err != nil && !errors.Is(err, errDisk) && !errors.Is(err, io.ErrShortWrite) && !strings.Contains(err.Error(), "count") {
				t.Fatal(err)
			}
			if err == nil {
				break
			}
			part, text = part[n:], text[n:]
		}
		text = text[len(part):]
	}
	for try := 0; w.Close() != nil; try++ {
		if try > 10 {
			t.Fatal("Close does not end")
		}
	}
}

// FuzzWriter holds Writer to the reference, for any text, with keys and parts of keys in it, any way of cutting it up,
// and an underlying writer that fails at any byte.
func FuzzWriter(f *testing.F) {
	ak, long := issued(f, "", 2), issued(f, "my_ak", 1)
	planted := strings.NewReplacer("\x01", ak[0], "\x02", ak[1], "\x03", long[0], "\x05", broken(ak[0]), "\x06", ak[0][2:],
		"\x07", ak[0][3:], "\x08", ak[0][:40], "\x0f", decoy, "\x0e", id(f, ak[0]))
	for _, seed := range []string{"", "\x01", "x\x01\n", "\x01\x02", "\x03_\x03", "my_\x01", "\x05\x01", "a\x06 ak\x06", "ak_\x07",
		"\x08\x01", "_\x08_\x01-", "abc\x03\x02z", "__\x07__", "\x0f\x01z\x0f\x03", "\x0e \x0e\x0e\n\x0e", "a_aa_aaa_aaaa", "zak_\x08_ak_ak_"} {
		f.Add(seed, []byte{1}, []byte{})
		f.Add(seed, []byte{3, 70}, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8})
		f.Add(seed, []byte{200, 1}, []byte{40, 41, 61, 255})
	}
	f.Fuzz(func(t *testing.T, text string, sizes, fails []byte) {
		text = planted.Replace(text)
		if len(text) > 4<<10 {
			return
		}
		for _, prefixes := range [][]string{nil, {"ak", "my_ak", "b_1"}} {
			want := redacted(text, prefixes...)
			r := redactor(t, prefixes...)
			if got := r.Redact(text); got != want {
				t.Errorf("Redact, %q: %q; want %q", prefixes, got, want)
			}
			var out strings.Builder
			writeAll(t, leak.NewWriter(&out, r), text, sizes)
			if out.String() != want {
				t.Errorf("Writer, %q: %q; want %q", prefixes, out.String(), want)
			}
			to := &failing{sizes: fails}
			writeAll(t, leak.NewWriter(to, r), text, sizes)
			if got := to.out.String(); got != want && !strings.Contains(string(fails), "\xff") {
				t.Errorf("Writer that fails, %q: %q; want %q", prefixes, got, want)
			}
		}
	})
}
