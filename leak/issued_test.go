package leak_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// issued returns the texts of n keys with a prefix, as an Issuer makes them.
func issued(t testing.TB, prefix string, n int) (texts []string) {
	t.Helper()
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: prefix}})
	for range n {
		_, text := keys.Create(t, apikey.CreateParams{})
		texts = append(texts, text)
	}
	return texts
}

// id returns the id of a key.
func id(t testing.TB, text string) string {
	t.Helper()
	id, err := apikey.KeyID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// broken returns a text that differs from a key in one digit of the secret.
func broken(text string) string {
	i := len(text) - 20
	digit := byte('0')
	if text[i] == digit {
		digit = '1'
	}
	return text[:i] + string(digit) + text[i+1:]
}

type place struct {
	offset int64
	text   string
}

// scanned returns what Scan finds.
func scanned(t testing.TB, r io.Reader, prefixes ...string) (places []place) {
	t.Helper()
	for found, err := range leak.Scan(r, prefixes...) {
		if err != nil {
			t.Fatal(err)
		}
		if found.Length != len(found.Reveal()) || found.KeyID != id(t, found.Reveal()) || !strings.HasPrefix(found.Reveal(), found.Prefix+"_") {
			t.Fatalf("%v with the prefix %q", found, found.Prefix)
		}
		places = append(places, place{found.Offset, found.Reveal()})
	}
	return places
}

// reference is Scan without any thought: every part of the text that may be a key is asked.
func reference(text string) (places []place) {
	for end := range len(text) + 1 {
		for start := max(0, end-97); start < end; start++ {
			if _, err := apikey.KeyID(text[start:end]); err == nil {
				places = append(places, place{int64(start), text[start:end]})
			}
		}
	}
	return places
}

// chunks is a reader that returns as many bytes as sizes says, over and over; 0 means an empty read.
type chunks struct {
	text  string
	sizes []byte
	turn  int
}

func (c *chunks) Read(p []byte) (int, error) {
	n := 1
	if len(c.sizes) > 0 {
		n = int(c.sizes[c.turn%len(c.sizes)])
		if c.turn++; c.turn%len(c.sizes) == 0 {
			n++ // or it might never end
		}
	}
	n = copy(p[:min(n, len(p))], c.text)
	c.text = c.text[n:]
	if c.text == "" {
		return n, io.EOF // together with the last bytes
	}
	return n, nil
}

var errDisk = errors.New("the disk is on fire")
