package caches

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Keys returns n credentials to ask for, by a fixed seed. Tags are digits, as they are in a key.
func Keys(n int) []Probe {
	r := rand.New(rand.NewPCG(3, 1))
	probes := make([]Probe, n)
	for i := range probes {
		probes[i] = newKey(r)
	}
	return probes
}

func newKey(r *rand.Rand) Probe {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var tag [11]byte
	v := uint64(r.IntN(4)+1)<<48 | r.Uint64()>>16 // a number of a credential, and 6 bytes of MAC
	for i := len(tag) - 1; i >= 0; i-- {
		tag[i] = digits[v%62]
		v /= 62
	}
	var p Probe
	for i := 7; i >= 0; i-- {
		p.Tag[0] = p.Tag[0]<<8 | uint64(tag[i])
		p.Tag[1] = p.Tag[1]<<8 | uint64(tag[i+3])
	}
	p.Digest = [2]uint64{r.Uint64(), r.Uint64()}
	return p
}

// IDOf returns the id of the i-th credential: two share one.
func IDOf(i int) (id ID) {
	r := rand.New(rand.NewPCG(7, uint64(i/2)))
	for k := range id {
		id[k] = byte(r.Uint64())
	}
	return id
}

// Uniform returns length requests, each for any of the keys.
func Uniform(keys []Probe, length int) []Probe {
	r := rand.New(rand.NewPCG(5, 9))
	trace := make([]Probe, length)
	for i := range trace {
		trace[i] = keys[r.IntN(len(keys))]
	}
	return trace
}

// Zipf returns length requests; the key of rank k is asked for with weight 1/k^s. The order of
// keys says nothing of their rank.
func Zipf(keys []Probe, length int, s float64) []Probe {
	r := rand.New(rand.NewPCG(11, 13))
	sums := make([]float64, len(keys))
	sum := 0.0
	for k := range sums {
		sum += math.Pow(float64(k+1), -s)
		sums[k] = sum
	}
	rank := r.Perm(len(keys))
	trace := make([]Probe, length)
	for i := range trace {
		k := sort.SearchFloat64s(sums, r.Float64()*sum)
		trace[i] = keys[rank[min(k, len(keys)-1)]]
	}
	return trace
}

// Scanned puts into a trace, after every so many requests, as many for keys that were never
// seen and are not seen again.
func Scanned(trace []Probe, every, scan int) []Probe {
	r := rand.New(rand.NewPCG(17, 19))
	var out []Probe
	for len(trace) > 0 {
		n := min(every, len(trace))
		out = append(out, trace[:n]...)
		trace = trace[n:]
		for range scan {
			out = append(out, newKey(r))
		}
	}
	return out
}
