package dudect

import (
	"crypto/rand"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"
)

const (
	// Batch is how many inputs are prepared before they are measured, and how many samples are then taken of them.
	Batch = 1024
	// Calls are how many are in a sample: what one of them differs by may be less than the clock takes.
	Calls = 8
	// MaxInput is how long an input may be, in bytes.
	MaxInput = 256
)

// Experiment is something to measure, and inputs of two classes for it.
type Experiment struct {
	Name string
	// Prepare returns a new input of class 0 or 1, of MaxInput bytes at most. It is called for a whole Batch
	// before that is measured, and no input is used in another batch: what one happens to cost beside its class must
	// not look like its class.
	Prepare func(class int) string
	// Call is what is measured. It must not keep its input, which stands in memory that is written over.
	Call func(input string)
	// Once: an input is good for one call. Else a sample is of several, each of an input of its own, and the same
	// input may come again in another sample of the batch.
	Once bool
	// Times is how many times as many samples it takes to see a little in a call that is long; 0: 1.
	Times int
}

// Measure takes that many samples, or [Experiment.Times] as many, rounded up to a Batch; times are in nanoseconds a call. One batch more is thrown away:
// the first, which warms up.
//
// What could make the classes differ though the function does not: their order is random, and nobody
// branches on it between two measurements; every input is copied to one place, by one copy of one
// length, before it is measured; garbage is collected between batches only.
func (e *Experiment) Measure(samples int) Result {
	samples *= max(1, e.Times)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))

	b := &batch{calls: Calls}
	if e.Once {
		b.calls = 1
	}
	b.measure(e)
	test := new(Test)
	for taken := 0; taken < samples; taken += Batch {
		b.measure(e)
		test.Add(b.classes[:], b.times[:])
	}
	return test.Result()
}

type batch struct {
	calls   int
	inputs  [Batch]input
	of      [2][]uint16 // numbers of the inputs of each class
	classes [Batch]byte // of the samples
	samples [Batch][Calls]uint16
	times   [Batch]float64
	next    [Calls]input // those that are measured
}

type input struct {
	bytes  [MaxInput]byte
	length int
}

func (b *batch) measure(e *Experiment) {
	b.prepare(e)
	runtime.GC()
	base := time.Now()
	for i := range b.samples {
		for j, n := range b.samples[i][:b.calls] {
			b.next[j] = b.inputs[n]
		}
		begun := time.Since(base)
		for j := range b.next[:b.calls] {
			in := &b.next[j]
			e.Call(unsafe.String(&in.bytes[0], in.length))
		}
		b.times[i] = float64(time.Since(base)-begun) / float64(b.calls)
	}
}

// prepare rolls a class for each input, and then for each sample which inputs of a class it is of.
func (b *batch) prepare(e *Experiment) {
	var dice [Batch * (1 + 2*Calls)]byte
	rand.Read(dice[:])
	b.of = [2][]uint16{b.of[0][:0], b.of[1][:0]}
	for i := range b.inputs {
		class := dice[i] & 1
		text := e.Prepare(int(class))
		if len(text) > MaxInput {
			panic("dudect: an input is too long")
		}
		b.inputs[i].length = copy(b.inputs[i].bytes[:], text)
		b.of[class] = append(b.of[class], uint16(i))
		b.classes[i], b.samples[i][0] = class, uint16(i)
	}
	picks := dice[Batch:]
	for i := range b.samples {
		of := b.of[b.classes[i]]
		for j := 1; j < b.calls; j++ {
			b.samples[i][j] = of[int(binary.LittleEndian.Uint16(picks))%len(of)]
			picks = picks[2:]
		}
	}
}
