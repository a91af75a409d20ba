package modeltest_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
)

var seedFlag = flag.Uint64("modeltest.seed", 0, "what the histories are drawn from; 0: a random one")

func TestMain(m *testing.M) {
	// A failure prints its seed: files of it would only lie about in the source.
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// newSeed returns the seed of a test and has it printed if the test fails.
func newSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to draw the same again: -modeltest.seed=%d", seed)
		}
	})
	return seed
}
