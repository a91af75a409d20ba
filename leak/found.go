package leak

import (
	"fmt"
	"strings"
)

// Found is a key that [Scan] came upon. It prints and encodes without the key's secret; Reveal alone gives it away.
// Two finds of one key are not equal by ==.
type Found struct {
	Offset int64  // of its first byte, from where the reader stood at first
	Length int    // in bytes
	KeyID  string // the public id, which Issuer.Revoke takes
	Prefix string

	// text stands behind a pointer: package fmt calls no methods on unexported fields, and would print it.
	text *string
}

// Reveal returns the key's text, for [apikey.Verifier.Recognize]: whether it was ever issued only a store knows.
func (f Found) Reveal() string {
	if f.text == nil {
		return ""
	}
	return *f.text
}

// String names the key and the place: "ak_0190…, 75 bytes at 12".
func (f Found) String() string { return fmt.Sprintf("%s, %d bytes at %d", f.KeyID, f.Length, f.Offset) }

func newFound(offset int64, id, key string) Found {
	return Found{Offset: offset, Length: len(key), KeyID: id, Prefix: id[:strings.LastIndexByte(id, '_')], text: &key}
}
