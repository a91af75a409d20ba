package promises

import (
	"context"
	"runtime"
	"strconv"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// memory weighs a Verifier: what the heap has less when it is dropped and everything else stays. The
// store, with all records, stays.
func memory(ctx context.Context, l *Lab) ([]Line, error) {
	many, err := l.manyKeys(ctx)
	if err != nil {
		return nil, err
	}
	const interval = 100 * time.Millisecond
	v, err := apikey.NewVerifier(many.store, &apikey.VerifierOptions{Keyring: many.ring, CacheBytes: many.room(), LastUsedInterval: interval})
	if err != nil {
		return nil, err
	}
	w := &warmKeys{many.keys, v}
	if err := w.verifyAll(ctx); err != nil {
		return nil, err
	}
	// The last uses that are yet to be written are no part of a warm key: wait until they are.
	for written, quiet := uint64(0), 0; quiet < 5; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(interval):
		}
		if now := v.Stats().LastUsedWrites; now == written && now > 0 {
			quiet++
		} else {
			written, quiet = now, 0
		}
	}
	own := float64(v.Stats().CachedBytes) / float64(len(w.slots))
	with := heap()
	err = v.Close()
	runtime.KeepAlive(v)
	v, w.verifier = nil, nil
	without := heap()
	runtime.KeepAlive(many)
	if err != nil {
		return nil, err
	}
	return []Line{
		{What: "heap for a warm key, " + count(len(w.slots)) + " keys with the example object, the store's not counted", Unit: Bytes,
			Target: atMost(600), Values: []float64{(float64(with) - float64(without)) / float64(len(w.slots))}},
		{What: "the same by the Verifier's own count (`Stats.CachedBytes`)", Unit: Bytes, Values: []float64{own}},
	}, nil
}

// heap returns the bytes that are alive.
func heap() uint64 {
	var m runtime.MemStats
	for range 3 { // what a finalizer or a pool holds is gone after the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// count writes a number with commas.
func count(n int) string {
	s := strconv.Itoa(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
