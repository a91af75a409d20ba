package hash

import "errors"

// The most a hash may cost, whether it is asked for or read back. Uncapped
// parameters in a stored string would let whoever writes the store exhaust
// the memory of whoever reads it.
const (
	maxMemory  = 64 << 10 // KiB
	maxTime    = 10
	maxThreads = 4
)

// Params is what an argon2id hash costs. The zero value stands for
// [Default]; one with only some fields set is refused, never completed.
type Params struct {
	Memory  uint32 // KiB (m of RFC 9106): 8 for each lane at least, at most 65536
	Time    uint32 // passes over the memory (t): 1 to 10
	Threads uint8  // lanes (p): 1 to 4, each computed in a goroutine of its own
}

// Default returns 19 MiB, 2 passes and 1 lane, which OWASP's Password Storage
// Cheat Sheet recommends as the least for argon2id.
func Default() Params {
	return Params{Memory: 19 << 10, Time: 2, Threads: 1}
}

// Resolve returns [Default] for the zero value and p itself otherwise. It is
// an error, which says which one, if a parameter is below the floor of
// RFC 9106 section 3.1 (m >= 8p, t >= 1, p >= 1) or above the cap (65536 KiB,
// 10 passes, 4 lanes).
func (p Params) Resolve() (Params, error) {
	if p == (Params{}) {
		return Default(), nil
	}
	if f := p.flaw(); f != "" {
		return Params{}, errors.New("hash: argon2id parameters: " + f)
	}
	return p, nil
}

// Below reports whether p costs less than target without giving anything up:
// no parameter is above target's and at least one is below. A hash under such
// a p may be replaced by one under target. Below compares the fields as they
// are: the zero value is below every other.
func (p Params) Below(target Params) bool {
	return p != target && p.Memory <= target.Memory && p.Time <= target.Time && p.Threads <= target.Threads
}

// flaw says which bound p breaks, or nothing. It names the bound and not the
// value, because [Parse] reports flaws of strings it must not echo.
func (p Params) flaw() string {
	switch {
	case p.Time < 1:
		return "time is below 1 pass"
	case p.Time > maxTime:
		return "time is above 10 passes"
	case p.Threads < 1:
		return "threads is below 1 lane"
	case p.Threads > maxThreads:
		return "threads is above 4 lanes"
	case p.Memory < 8*uint32(p.Threads):
		return "memory is below 8 KiB a lane"
	case p.Memory > maxMemory:
		return "memory is above 65536 KiB"
	}
	return ""
}
