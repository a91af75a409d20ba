package dudect

import (
	"crypto/rand"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"
)

// Batch is how many inputs are prepared before the first of them is measured.
const Batch = 4096

// MaxInput is how long an input may be, in bytes.
const MaxInput = 256

// Experiment is something to measure, and inputs of two classes for it.
type Experiment struct {
	Name string
	// Prepare returns a new input of class 0 or 1, of MaxInput bytes at most. It is called for a whole Batch
	// before that is measured, and each input is used once: what an input happens to cost beside its class
	// must not look like its class.
	Prepare func(class int) string
	// Call is what is measured. It must not keep its input, which stands in memory that is written over.
	Call func(input string)
}

// Measure measures that many calls, beside one batch more that only tells where to crop. Times are in nanoseconds.
//
// What could make the classes differ though the function does not: their order is random, and nobody
// branches on it between two measurements; every input is copied to one place, by one copy of one
// length, before it is measured; garbage is collected between batches only.
func (e *Experiment) Measure(samples int) Result {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))

	b := new(batch)
	b.measure(e)
	test := NewTest(b.times[:])
	for left := samples; left > 0; left -= Batch {
		b.measure(e)
		for i := range min(left, Batch) {
			test.Add(int(b.classes[i]&1), b.times[i])
		}
	}
	return test.Result()
}

type batch struct {
	classes [Batch]byte // the lowest bit
	inputs  [Batch][MaxInput]byte
	lengths [Batch]int
	times   [Batch]float64
	input   [MaxInput]byte // the one that is measured
}

func (b *batch) measure(e *Experiment) {
	rand.Read(b.classes[:])
	for i := range Batch {
		input := e.Prepare(int(b.classes[i] & 1))
		if len(input) > MaxInput {
			panic("dudect: an input is too long")
		}
		b.lengths[i] = copy(b.inputs[i][:], input)
	}
	runtime.GC()
	base := time.Now()
	for i := range Batch {
		b.input = b.inputs[i]
		text := unsafe.String(&b.input[0], b.lengths[i])
		begun := time.Since(base)
		e.Call(text)
		b.times[i] = float64(time.Since(base) - begun)
	}
}
