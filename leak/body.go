package leak

import (
	"slices"

	"github.com/seed-d3a9fb6b/apikey"
)

// findBody returns the index of the first underscore in text, from index from on, with n digits behind it. If there
// is none, it returns from where on to look when more text has come: at most the last n bytes are looked at again.
//
// It looks at the place where the n-th digit would be, and from there back to the last byte that is no digit, which
// tells how far to jump: words are short, so of most texts it reads few bytes in n. No byte is read more than twice.
func findBody[T string | []byte](text T, from, n int) (at int, ok bool) {
	for from+n < len(text) {
		last := from + n
		i := last
		for i >= from && isDigit[text[i]] {
			i--
		}
		switch {
		case i < from: // digits all the way, and in front of them was none of our underscores
			from = last + 1
		case text[i] != '_':
			from = i + 1
		case i > from:
			from = i
		default:
			return i, true
		}
	}
	return from, false
}

// prefixRun returns from where on all of text[:end] is characters of a prefix, but no more of them than a prefix has.
func prefixRun[T string | []byte](text T, end int) int {
	i := end
	for i > 0 && end-i < maxPrefix && inPrefix(text[i-1]) {
		i--
	}
	return i
}

// keyAt returns the first key in text that begins at index from or later and whose underscore is at index at: its
// start, its id and its text. The checksum covers the prefix, so by chance only the right one of all that may be
// prefixes holds, whatever letters of an escape sequence or of a word stand in front. On purpose others can be made:
// CRC-32 is affine, and there are letters that, in front of a key, leave its checksum right. So whoever looks for all
// keys asks again from start+1 on. prefixes are the ones to look for; none: any.
func keyAt[T string | []byte](text T, from, at int, prefixes []string) (start int, id, key string, ok bool) {
	from = max(from, prefixRun(text, at))
	if at+bodyDigits >= len(text) || from >= at {
		return 0, "", "", false
	}
	window := string(text[from : at+1+bodyDigits])
	for i := range at - from {
		if len(prefixes) > 0 && !slices.Contains(prefixes, window[i:at-from]) {
			continue
		}
		if id, err := apikey.KeyID(window[i:]); err == nil {
			return from + i, id, window[i:], true
		}
	}
	return 0, "", "", false
}
