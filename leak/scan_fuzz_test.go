package leak_test

import (
	"slices"
	"strings"
	"testing"
)

// FuzzScan holds Scan to the reference, for any text, with keys and parts of keys in it, and any way of reading it.
func FuzzScan(f *testing.F) {
	ak, long := issued(f, "", 2), issued(f, "a_prefix_of_24_charactrs", 2)
	// Bytes that stand for what a fuzzer would not find.
	planted := strings.NewReplacer("\x01", ak[0], "\x02", ak[1], "\x03", long[0], "\x04", long[1], "\x05", broken(ak[0]),
		"\x06", ak[0][2:], "\x07", ak[0][3:], "\x08", ak[0][:40], "\x0f", decoy, "\x0e", strings.Repeat("x", 64<<10-70))
	for _, seed := range []string{"", "\x01", "x\x01", "\n\x01\x02", "\x03_\x04", "my_\x01", "\x05\x01", "a\x06 ak\x06", "ak_\x07",
		"\x08\x01", "_\x08_\x01", "\x0e\x01", "\x0eabc\x03\x04z", "__\x07__", "\x0f\x01z\x0f\x03", "%3D\x01%26\x03", strings.Repeat("\x03", 20)} {
		f.Add(seed, []byte{1})
		f.Add(seed, []byte{0, 70, 7})
		f.Add(seed, []byte{255, 255, 0, 3})
	}
	f.Fuzz(func(t *testing.T, text string, sizes []byte) {
		text = planted.Replace(text)
		if len(text) > 200<<10 {
			return
		}
		want := reference(text)
		if got := scanned(t, &chunks{text: text, sizes: sizes}); !slices.Equal(got, want) {
			t.Errorf("%v; want %v", got, want)
		}
		if got := scanned(t, strings.NewReader(text)); !slices.Equal(got, want) {
			t.Errorf("read whole: %v; want %v", got, want)
		}
		only := slices.DeleteFunc(slices.Clone(want), func(p place) bool { return !strings.HasPrefix(p.text, "ak_") || strings.Count(p.text, "_") != 1 })
		if got := scanned(t, &chunks{text: text, sizes: sizes}, "b", "ak"); !slices.Equal(got, only) {
			t.Errorf("with the prefix ak: %v; want %v", got, only)
		}
	})
}
