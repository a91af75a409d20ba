package report

import (
	"cmp"
	"fmt"
	"slices"
)

// Quietest takes rounds until in so many others had no more of the machine than limit, but at most twice as many,
// and keeps those in which they had the least. That is decided by what others did and never by what was
// measured. It tells what it did.
func Quietest[T any](rounds int, limit float64, take func() (T, error), others func(T) float64) (kept []T, told string, err error) {
	quiet := 0
	for len(kept) < 2*rounds && quiet < rounds {
		r, err := take()
		if err != nil {
			return nil, "", err
		}
		if others(r) <= limit {
			quiet++
		}
		kept = append(kept, r)
	}
	taken, loud := len(kept), ""
	slices.SortStableFunc(kept, func(a, b T) int { return cmp.Compare(others(a), others(b)) })
	kept = kept[:rounds]
	most := others(kept[rounds-1])
	if most > limit {
		loud = fmt.Sprintf(", where %.0f %% were to be allowed: **of times this says little**", 100*limit)
	}
	return kept, fmt.Sprintf("%d of %d rounds, those in which other processes took the least of the machine: at most %.1f %%%s",
		rounds, taken, 100*most, loud), nil
}
