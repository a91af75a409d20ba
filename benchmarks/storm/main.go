// Command storm restarts a process that has live keys, and presents them all at once.
//
//	go run ./storm [-markdown ../docs/storms.md]
//
// With a keyring, 100,000 keys, beside the same reads of the store alone. Without one, 200 keys at the default
// cost of argon2id while warm keys are verified at a fixed rate, and 200 before a short queue.
//
// Keys are issued into a bbolt file, and every measurement is a new process, this program
// again, that opens it. The rounds of what is compared alternate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// options are how much is measured.
type options struct {
	keys, goroutines, rounds int // with a keyring
	cold, coldRounds         int // without
	warm, rate, queue        int
	params                   hash.Params // of the keys without; zero: the default
}

func (o options) cost() hash.Params {
	if o.params == (hash.Params{}) {
		return hash.Default()
	}
	return o.params
}

func (o options) check() error {
	for _, n := range []int{o.keys, o.goroutines, o.rounds, o.cold, o.coldRounds, o.warm, o.rate, o.queue} {
		if n < 1 {
			return errors.New("every number is at least 1")
		}
	}
	if o.cold > 1024 { // a gate's queue
		return errors.New("at most 1024 keys without a keyring: more do not fit into a gate's queue")
	}
	return nil
}

func main() {
	if os.Getenv(asChild) != "" {
		exit(child(context.Background(), os.Stdin, os.Stdout))
	}
	var o options
	flag.IntVar(&o.keys, "keys", 100_000, "keys with a keyring")
	flag.IntVar(&o.goroutines, "goroutines", 64, "that present them")
	flag.IntVar(&o.rounds, "rounds", 10, "storms with a keyring, and as many times the reads alone")
	flag.IntVar(&o.cold, "cold", 200, "keys without a keyring")
	flag.IntVar(&o.coldRounds, "cold-rounds", 5, "storms without a keyring")
	flag.IntVar(&o.warm, "warm", 1000, "warm keys")
	flag.IntVar(&o.rate, "rate", 10_000, "warm verifications a second")
	flag.IntVar(&o.queue, "queue", 16, "the short queue before argon2")
	markdown := flag.String("markdown", "", "a page to put a section into")
	flag.Parse()
	exit(run(o, *markdown))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1)
	}
	os.Exit(0)
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
