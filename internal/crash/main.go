// Crash kills a process that makes, rotates, revokes and deletes keys in a bbolt file, again and again, and
// looks after each time whether the file opens and holds what the process was told is done.
//
//	go run ./internal/crash -cycles 10000
//
// The process gets SIGKILL at a random moment: as it starts, while it creates the file or makes a new format
// of an old one, and while it works. It reports each call before it and after it, through a pipe. What was
// reported as done must be there, in the record, in the indexes, in the log of changes, and for a Verifier; what was
// not must be there in all of these or in none.
//
// At the first loss it ends with status 1, and leaves the file.
//
// A SIGKILL takes nothing from the operating system's memory. What a power failure may leave is what the
// tests here replay from a trace of system calls.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
)

func main() {
	if asChild(nil) {
		return
	}
	cycles := flag.Int("cycles", 200, "how often to kill")
	seed := flag.Uint64("seed", rand.Uint64(), "of the random moments; the same seed meets the same moments only roughly")
	dir := flag.String("dir", os.TempDir(), "the folder to work in")
	flag.Parse()
	if err := run(context.Background(), *cycles, *seed, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cycles int, seed uint64, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err = os.MkdirTemp(dir, "crash-")
	if err != nil {
		return err
	}
	fmt.Printf("seed %d, %d cycles\n", seed, cycles)
	c := newCampaign(seed, dir, func() *exec.Cmd { return exec.Command(self) })
	for range cycles {
		if err := c.cycle(ctx); err != nil {
			return fmt.Errorf("seed %d, cycle %d: %w\nthe file is left at %s", seed, c.cycles, err, c.path)
		}
	}
	fmt.Println(c.summary())
	return os.RemoveAll(dir)
}
