package httpapi

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// decimal returns what s, a JSON number, is when multiplied by 10^shift, cut to an integer; exact: nothing
// was cut off. Beyond 18 digits it is the largest int64, or its negative. Clients that have
// floating point alone write 60.0 and 6e1 for 60; through a float64 other numbers would be
// changed, and through big.Rat 1e999999999 would cost a gigabyte.
func decimal(s string, shift int) (n int64, exact bool) {
	s, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	point := len(whole) - (len(whole+fraction) - len(digits)) + shift // how many of the digits stand before it
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return 0, true
	}
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil || e > maxExponent || e < -maxExponent { // Atoi saturates, too
			e = maxExponent
			if exponent[0] == '-' {
				e = -maxExponent
			}
		}
		point += e
	}
	switch {
	case point <= 0:
		return 0, false
	case point > 18:
		n, exact = math.MaxInt64, false
	case point >= len(digits):
		n, exact = parse(digits+strings.Repeat("0", point-len(digits))), true
	default:
		n, exact = parse(digits[:point]), false
	}
	if negative {
		n = -n
	}
	return n, exact
}

// maxExponent is more than the digits of any body can make up for.
const maxExponent = 1 << 20

func parse(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64) // at most 18 digits
	return n
}

// isNumber reports whether s is a JSON number and nothing else.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || isDigit(s[0])) && isDigit(s[len(s)-1]) && json.Valid([]byte(s))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
