package httpapi

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s     string
		shift int
		n     int64
		exact bool
	}{
		{"0", 0, 0, true}, {"-0", 3, 0, true}, {"0.000", 0, 0, true}, {"0e999999999999", 0, 0, true},
		{"1", 0, 1, true}, {"1", 3, 1000, true}, {"10.0", 0, 10, true}, {"1e2", 0, 100, true}, {"1E+2", 0, 100, true}, {"100e-2", 0, 1, true}, {"120e-1", 0, 12, true},
		{"1.5", 0, 1, false}, {"-1.5", 0, -1, false}, {"0.9", 0, 0, false}, {"0.0001", 3, 0, false}, {"0.001", 3, 1, true}, {"1.0005", 3, 1000, false},
		{"999999999999999999", 0, 999999999999999999, true}, {"1000000000000000000", 0, math.MaxInt64, false}, {"-1e400", 0, -math.MaxInt64, false},
		{"1e999999999", 0, math.MaxInt64, false}, {"1e-999999999", 0, 0, false}, {"1e99999999999999999999", 0, math.MaxInt64, false}, {"1e-99999999999999999999", 0, 0, false},
		{"0." + strings.Repeat("0", 60000) + "1e60001", 0, 1, true}, {"1" + strings.Repeat("0", 60000) + "e-60000", 0, 1, true},
	} {
		if n, exact := decimal(c.s, c.shift); n != c.n || exact != c.exact {
			t.Errorf("%.40s: %d, %v; want %d, %v", c.s, n, exact, c.n, c.exact)
		}
	}
}

// FuzzDecimal compares with big.Rat, which is exact, too.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "12.50e1", "1e18", "999999999999999999.9", "-100e-2", "0.00120e3", "1e-19", "5E+3"} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, s string, shift uint8) {
		i := strings.IndexAny(s, "eE")
		if !isNumber(s) || i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 3 {
			return // big.Rat takes too long
		}
		shift %= 4
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is no number", s)
		}
		want.Mul(want, new(big.Rat).SetInt64(int64(math.Pow10(int(shift)))))
		whole := new(big.Int).Quo(want.Num(), want.Denom())
		n, exact := decimal(s, int(shift))
		if len(new(big.Int).Abs(whole).String()) > 18 {
			if exact || n != int64(whole.Sign())*math.MaxInt64 {
				t.Errorf("%q: %d, %v; want none", s, n, exact)
			}
		} else if exact != want.IsInt() || big.NewInt(n).Cmp(whole) != 0 {
			t.Errorf("%q: %d, %v; want %s", s, n, exact, want.FloatString(5))
		}
	})
}
