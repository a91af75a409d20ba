package leak

import (
	"slices"
	"strings"
)

// A Redactor cuts keys out of texts. What was a key becomes its id, which is public and tells which key to revoke:
//
//	ak_0190163d37e47edb9d4f9dd3a7a1a9f1[redacted]
//
// The zero value, and nil, know no prefixes, so they go by the checksum, and leave a key in place that was cut off or
// mistyped. With prefixes whatever looks like one of their keys goes, too, since one wrong digit gives the rest away:
// a prefix, an underscore, and 30 or more digits, of which 8 are of the secret. That becomes "ak_[redacted]". Ids, of 32
// small hexadecimal digits, stay. It may hit other texts, as peak_ and a long hash: that is the smaller harm.
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

// holds tells whether Redact would change text.
func (r *Redactor) holds(text string) bool {
	_, ok := find(r, text, 0, true)
	return ok
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
	prefixes := r.known()
	least := bodyDigits
	if len(prefixes) > 0 {
		least = secretShows
	}
	for {
		at, ok := findBody(text, from, least)
		if !ok {
			return cut{}, false
		}
		if start, id, _, ok := keyAt(text, 0, at, prefixes); ok {
			return cut{start, at + 1 + bodyDigits, id}, true
		}
		for _, p := range prefixes {
			start := at - len(p)
			if start < 0 || string(text[start:at]) != p {
				continue
			}
			end := digitsEnd(text, at+1)
			if end == len(text) && end < at+1+bodyDigits && !whole || isID(text[at+1:end]) {
				break
			}
			return cut{start, end, p + "_"}, true
		}
		from = at + 1
	}
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
		from = min(from, r.prefixBefore(text, at, len(text)))
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
func (r *Redactor) prefixBefore(text []byte, at, none int) int {
	for i := prefixRun(text, at); i < at; i++ {
		if len(r.known()) == 0 && isLetter(text[i]) || slices.Contains(r.known(), string(text[i:at])) {
			return i
		}
	}
	return none
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }
