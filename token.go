package apikey

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math"
	"math/bits"
	"unsafe"
)

// The text of a key is
//
//	<prefix>_ id secret tag checksum
//
// in base 62 (0-9A-Za-z), where each 8-byte big-endian word is 11 digits and a value past
// 64 bits is refused, so that a key has exactly one spelling. It is read by position from
// the right, never by splitting: the prefix may hold underscores, too.
const (
	wordDigits     = 11
	idDigits       = 2 * wordDigits
	secretDigits   = 3 * wordDigits
	tagDigits      = wordDigits
	checksumDigits = 6
	bodyDigits     = idDigits + secretDigits + tagDigits + checksumDigits

	maxPrefix = 24
	minText   = 1 + 1 + bodyDigits
	maxText   = maxPrefix + 1 + bodyDigits
)

// token is what a key's text says. Only its tag makes it ours, and only its secret makes it valid.
type token struct {
	prefix string
	id     ID
	secret [24]byte
	tag    uint64 // 16 bits of number, 48 bits of MAC
}

func (t *token) number() uint16 { return uint16(t.tag >> 48) }

// keyID is the public name of a key.
func keyID(prefix string, id ID) string { return prefix + "_" + id.String() }

// KeyID returns the id in a key's text, going by its form and its checksum alone: it says
// nothing about whether such a key was ever issued. Any other text is [ErrMalformed].
func KeyID(text string) (string, error) {
	if !checksumHolds(text) {
		return "", ErrMalformed
	}
	t, ok := parseToken(text)
	if !ok {
		return "", ErrMalformed
	}
	return keyID(t.prefix, t.id), nil
}

// ParseKeyID takes a [Key.ID] apart, which has one spelling: lower case. Anything else is a
// [*ValidationError]. For packages that make a [Record] of what was said of a key elsewhere.
func ParseKeyID(s string) (prefix string, id ID, err error) { return parseKeyID(s) }

func parseKeyID(s string) (prefix string, id ID, err error) {
	n := len(s) - 1 - hex.EncodedLen(len(id))
	if n < 1 || n > maxPrefix || s[n] != '_' || !validPrefix(s[:n]) {
		return "", ID{}, malformedID()
	}
	for i := range id {
		high, low := hexDigit(s[n+1+2*i]), hexDigit(s[n+2+2*i])
		if high|low > 0xf {
			return "", ID{}, malformedID()
		}
		id[i] = high<<4 | low
	}
	return s[:n], id, nil
}

func malformedID() error {
	return invalid("id", "not a prefix, an underscore and 32 lower-case hexadecimal digits")
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// validPrefix: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most 24 characters.
func validPrefix(p string) bool {
	if len(p) == 0 || len(p) > maxPrefix || p[0] < 'a' || p[0] > 'z' || p[len(p)-1] == '_' {
		return false
	}
	for i := range len(p) {
		c := p[i]
		if c == '_' && p[i-1] == '_' || c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// checksumHolds checks the length and the CRC-32 of everything before the last six digits.
// It is what garbage meets first: it needs no allocation, no lock and no table of the cache. It
// proves nothing, since anyone can compute it; it tells a typo, and a scanner a find.
//
// Processors compute CRC-32 by 16 bytes, and the last few follow one by one: with 69 bytes a third
// of the time. So the checksum is walked back over these, which does not wait for the rest, as the
// rest does not wait for it: 17 ns instead of 24.
func checksumHolds(text string) bool {
	if len(text) < minText || len(text) > maxText {
		return false
	}
	n := len(text) - checksumDigits
	t := text[n:]
	d0, d1, d2 := uint64(digitValues[t[0]]), uint64(digitValues[t[1]]), uint64(digitValues[t[2]])
	d3, d4, d5 := uint64(digitValues[t[3]]), uint64(digitValues[t[4]]), uint64(digitValues[t[5]])
	const base = 62
	sum := ((d0*base+d1)*base+d2)*(base*base*base) + (d3*base+d4)*base + d5 // two chains at once
	if d0|d1|d2|d3|d4|d5 >= 0x80 || sum > math.MaxUint32 {
		return false
	}
	whole := n &^ 15
	crc := ^uint32(sum)
	for n > whole {
		n--
		crc = crc<<8 ^ crcBack[crc>>24] ^ uint32(text[n])
	}
	return crc32.ChecksumIEEE(bytesOf(text[:whole])) == ^crc
}

// crcBack takes back a step of CRC-32: after a byte b the state is table[i]^state>>8, where i is
// b^state in the low byte. The high byte of it is that of table[i] alone, so it tells i.
var crcBack = func() (back [256]uint32) {
	for i, t := range crc32.IEEETable {
		back[t>>24] = t<<8 ^ uint32(i)
	}
	return back
}()

// bytesOf gives the bytes of s for reading, also to crc32, which takes a []byte that the compiler
// believes to escape: a copy would be an allocation in every call.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// parseToken reads a text whose length and checksum hold.
func parseToken(text string) (t token, ok bool) {
	ok = t.parse(text)
	return t, ok
}

// parse is parseToken in place: a token is long, and copying one that was just put together stalls.
func (t *token) parse(text string) bool {
	n := len(text) - bodyDigits
	t.prefix = text[:n-1]
	id1, ok1 := parseWord(text[n:])
	id2, ok2 := parseWord(text[n+wordDigits:])
	secret1, ok3 := parseWord(text[n+2*wordDigits:])
	secret2, ok4 := parseWord(text[n+3*wordDigits:])
	secret3, ok5 := parseWord(text[n+4*wordDigits:])
	tag, ok6 := parseWord(text[n+5*wordDigits:])
	binary.BigEndian.PutUint64(t.id[0:], id1)
	binary.BigEndian.PutUint64(t.id[8:], id2)
	binary.BigEndian.PutUint64(t.secret[0:], secret1)
	binary.BigEndian.PutUint64(t.secret[8:], secret2)
	binary.BigEndian.PutUint64(t.secret[16:], secret3)
	t.tag = tag
	return ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && text[n-1] == '_' && validPrefix(t.prefix)
}

// hint is the part of the text that is public: prefix, underscore and id digits. A hint stands in
// the store, beside the slow hash, so it must not depend on the secret: the usual last four
// characters are digits of the checksum, and would tell 1 guess in 14 million from all the
// others for the price of a CRC.
func hint(text string) string { return text[:len(text)-bodyDigits+idDigits] }

// text spells the token out.
func (t *token) text() string {
	buf := make([]byte, 0, maxText)
	buf = append(append(buf, t.prefix...), '_')
	for _, b := range [][]byte{t.id[0:8], t.id[8:], t.secret[0:8], t.secret[8:16], t.secret[16:]} {
		buf = appendDigits(buf, binary.BigEndian.Uint64(b), wordDigits)
	}
	buf = appendDigits(buf, t.tag, wordDigits)
	buf = appendDigits(buf, uint64(crc32.ChecksumIEEE(buf)), checksumDigits)
	return string(buf)
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// digitValues maps a byte to its value in base 62, or to 0xff.
var digitValues = func() (values [256]uint8) {
	for i := range values {
		values[i] = 0xff
	}
	for i := range len(digits) {
		values[digits[i]] = uint8(i)
	}
	return values
}()

// parseWord reads the first 11 digits of s.
func parseWord(s string) (word uint64, ok bool) {
	var bad uint8
	for i := range wordDigits - 1 { // 62^10 < 2^64
		d := digitValues[s[i]]
		word, bad = word*62+uint64(d), bad|d
	}
	d := digitValues[s[wordDigits-1]]
	high, low := bits.Mul64(word, 62)
	word, carry := bits.Add64(low, uint64(d), 0)
	return word, (bad|d) < 0x80 && high == 0 && carry == 0
}

func appendDigits(buf []byte, word uint64, n int) []byte {
	var out [wordDigits]byte
	for i := n - 1; i >= 0; i-- {
		out[i] = digits[word%62]
		word /= 62
	}
	return append(buf, out[:n]...)
}
