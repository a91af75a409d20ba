// Command flood presents forged keys and garbage at full speed, and shows what that does to keys
// that are warm.
//
//	go run ./flood [-markdown ../docs/storms.md]
//
// The keys are real, issued into a bbolt file. Warm ones are verified at a fixed rate, with and
// without the flood in turns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// options are how much is measured.
type options struct {
	warm, rate, texts int
	rounds, flooders  int
	round             time.Duration
}

func main() {
	var o options
	flag.IntVar(&o.warm, "warm", 1000, "warm keys")
	flag.IntVar(&o.rate, "rate", 10_000, "warm verifications a second")
	flag.IntVar(&o.texts, "texts", 1<<16, "different texts in a flood")
	flag.IntVar(&o.rounds, "rounds", 10, "of each flood")
	flag.DurationVar(&o.round, "for", time.Second, "how long a round lasts, and as long without the flood")
	flag.IntVar(&o.flooders, "flooders", max(1, runtime.GOMAXPROCS(0)-1), "goroutines that flood; the default leaves one core")
	markdown := flag.String("markdown", "", "a page to put a section into")
	flag.Parse()
	if err := run(o, *markdown); err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

func (o options) check() error {
	for _, n := range []int{o.warm, o.rate, o.texts, o.rounds, o.flooders} {
		if n < 1 {
			return errors.New("every number is at least 1")
		}
	}
	return nil
}

func run(o options, markdown string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.check(); err != nil {
		return err
	}
	m, err := measure(ctx, o)
	if err != nil {
		return err
	}
	return m.section(o).Publish(flag.CommandLine, os.Stdout, markdown)
}
