package leak

import (
	"slices"
	"strings"
)

// A Redactor cuts keys out of texts. What was a key becomes its id, which is public and tells which key to revoke:
//
//	ak_0190163d37e47edb9d4f9dd3a7a1a9f1[redacted]
//
// Letters in front that make another key of a key, which anybody can find, stay in front of the id. [Scan] tells both.
//
// What only looks like a key goes, too, since one wrong digit, or the end cut off, gives the rest away: a prefix, an
// underscore, and 30 or more digits, of which 8 are of the secret. That becomes "ak_[redacted]". Left in place are keys
// that lack their beginning, and what stands behind a byte that is no digit in the middle of one.
//
// With prefixes, this is so behind one of them, whatever the digits, and ids, of 32 small hexadecimal digits, stay. It
// may hit other texts, as peak_ and a long hash: that is the smaller harm.
//
// The zero value, and nil, know no prefixes, so anything may be one, but of the digits one has to be a capital letter,
// one a small letter and one a decimal digit. Hashes in hexadecimal and most names stay; tokens of others mostly go. The
// first digit of a key is decimal (until the year 2375), the twelfth is one of A to G, and of the shortest that are cut
// out one in 10^6 has no small letter, and stays.
//
// A Redactor is immutable and safe for concurrent use.
type Redactor struct{ prefixes []string }

// secretShows is how many digits of a key hold 8 of the secret.
const secretShows = idDigits + 8

const mark = "[redacted]"

// NewRedactor returns a Redactor for keys with these prefixes; none: any. A wrong one is a [*apikey.ValidationError].
func NewRedactor(prefixes ...string) (*Redactor, error) {
	if err := checkPrefixes(prefixes); err != nil {
		return nil, err
	}
	return &Redactor{slices.Clone(prefixes)}, nil
}

// Redact returns text without the keys in it.
func (r *Redactor) Redact(text string) string {
	c, ok := find(r, text, 0, true)
	if !ok {
		return text
	}
	var out []byte
	done := 0
	for ; ok; c, ok = find(r, text, c.end, true) {
		out = append(out, text[done:max(done, c.start)]...)
		out = append(append(out, c.public...), mark...)
		done = c.end
	}
	return string(append(out, text[done:]...))
}

// cut is what is taken out of a text, and what of it is put back.
type cut struct {
	start, end int
	public     string
}

func (r *Redactor) known() []string {
	if r == nil {
		return nil
	}
	return r.prefixes
}

// find returns the first cut whose digits begin at index from or later. The text is whole, or more of it is to come.
func find[T string | []byte](r *Redactor, text T, from int, whole bool) (cut, bool) {
	for {
		at, ok := findBody(text, from, secretShows)
		if !ok {
			return cut{}, false
		}
		from = at + 1
		end := digitsEnd(text, from)
		full := end == from+bodyDigits
		if full {
			if start, id, _, ok := keyAt(text, 0, at, r.known()); ok {
				return cut{start, end, id}, true
			}
		}
		ended := full || end < len(text) || whole
		if ended && prefixBefore(r, text, at, at) < at && looksSecret(r, text[from:end]) {
			return cut{start: from, end: end}, true
		}
	}
}

// looksSecret tells whether digits behind what may be a prefix may be of a key.
func looksSecret[T string | []byte](r *Redactor, digits T) bool {
	if len(r.known()) > 0 {
		return !isID(digits)
	}
	var capital, small, decimal bool
	for i := range len(digits) {
		c := digits[i]
		capital, small, decimal = capital || c >= 'A' && c <= 'Z', small || isLetter(c), decimal || c <= '9'
	}
	return capital && small && decimal
}

// digitsEnd returns where digits that begin at index from end, and at the latest where a key does.
func digitsEnd[T string | []byte](text T, from int) int {
	end := from
	for end < len(text) && end < from+bodyDigits && isDigit[text[end]] {
		end++
	}
	return end
}

// isID tells the digits of a [apikey.Key.ID]. A key that was cut off looks like that once in 10^18 times.
func isID[T string | []byte](digits T) bool {
	return len(digits) == 32 && strings.Trim(string(digits), "0123456789abcdef") == ""
}

// held returns from where on the end of text may be the beginning of a key; len(text) if it can't be one. It is never
// more than a key less one digit.
func (r *Redactor) held(text []byte) int {
	digits := len(text)
	for digits > 0 && len(text)-digits < bodyDigits-1 && isDigit[text[digits-1]] {
		digits--
	}
	from := r.prefixHeld(text)
	if at := digits - 1; at >= 0 && text[at] == '_' {
		from = min(from, prefixBefore(r, text, at, len(text)))
	}
	return from
}

// prefixHeld returns from where on the end of text may be the beginning of a prefix, or one.
func (r *Redactor) prefixHeld(text []byte) int {
	i := prefixRun(text, len(text))
	for ; i < len(text); i++ {
		rest := string(text[i:])
		if len(r.known()) == 0 && isLetter(rest[0]) ||
			slices.ContainsFunc(r.known(), func(p string) bool { return strings.HasPrefix(p, rest) }) {
			break
		}
	}
	return i
}

// prefixBefore returns where the longest text before index at that may be a prefix begins, or none.
func prefixBefore[T string | []byte](r *Redactor, text T, at, none int) int {
	for i := prefixRun(text, at); i < at; i++ {
		if len(r.known()) == 0 && isLetter(text[i]) || slices.Contains(r.known(), string(text[i:at])) {
			return i
		}
	}
	return none
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }
