// Soak does with keys in a bbolt file all that a service does, for as long as it is told to, and shows whether
// anything grows that should not: memory, the file, its free list, goroutines, and the time that calls take.
//
//	go run ./internal/soak -for 30m
//
// It makes its keys first, then goes through ten tenths, and prints the first beside the last. It ends with 1 if
// a call answers what it should not, if something grew beyond its limit, or if a goroutine is left. The log of changes has
// entries of an hour: that its pages are used again shows only in a run of several hours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

const tenths = 10

type options struct {
	length time.Duration
	keys   int // alive at any time, about
	dir    string
	seed   uint64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.DurationVar(&o.length, "for", 30*time.Minute, "how long")
	flag.IntVar(&o.keys, "keys", 4000, "how many keys live at a time")
	flag.StringVar(&o.dir, "dir", "", "folder of the file; a temporary one if empty")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64(), "of what is done in which order, as far as goroutines let it")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.length < time.Second || o.keys < 100 {
		return errors.New("takes at least a second and 100 keys")
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "soak"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	before := runtime.NumGoroutine()
	s, err := openScene(filepath.Join(o.dir, "keys.db"), o)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, s.close()); err == nil {
			err = settle(before)
		}
	}()
	fmt.Fprintf(out, "%d keys, %v, seed %d\n", o.keys, o.length, o.seed)
	if err := s.fill(ctx); err != nil {
		return fmt.Errorf("making keys: %w", err)
	}

	// What a call should not answer ends all of them.
	working, fail := context.WithCancelCause(ctx)
	var all sync.WaitGroup
	for _, w := range s.writers {
		all.Go(func() { fail(w.work(working)) })
	}
	for n := range readers {
		all.Go(func() { fail(s.read(working, n)) })
	}
	all.Go(func() { fail(s.restart(working)) })

	measured, err := s.observe(working, o.length, out)
	fail(nil)
	all.Wait()
	if err != nil {
		return err
	}
	return compare(out, measured)
}

// observe measures at the end of each tenth. The time before the first is the eleventh: tables and caches fill up in it.
func (s *scene) observe(ctx context.Context, length time.Duration, out io.Writer) (all []tenth, err error) {
	ticker := time.NewTicker(length / (tenths + 1))
	defer ticker.Stop()
	for n := range tenths + 1 {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-ticker.C:
		}
		t, err := s.measure()
		if err != nil {
			return nil, fmt.Errorf("measuring: %w", err)
		}
		fmt.Fprintf(out, "%2d/%d %v\n", n, tenths, t)
		if n > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}

// settle waits until no more goroutines are there than were before: what is closed leaves none.
func settle(before int) error {
	for range 50 {
		if runtime.NumGoroutine() <= before {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%d goroutines before, and %d after all is closed", before, runtime.NumGoroutine())
}
