package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/seed-d3a9fb6b/apikey"
)

// verifierMain is the main function of a verifier.
func verifierMain() int {
	// Control-C, and the end of a terminal, are for all its processes. The parent ends this one when it is done.
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	out := &reporter{lines: json.NewEncoder(os.Stdout)}
	if err := verify(context.Background(), os.Stdin, out); err != nil {
		out.tell(event{Kind: failed, Error: err.Error()})
		return 1
	}
	return 0
}

// reporter tells the parent. It may be called concurrently.
type reporter struct {
	mu    sync.Mutex
	lines *json.Encoder
}

// tell needs no error: if nobody reads any more, in is closed, too.
func (r *reporter) tell(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.lines.Encode(e)
}

// verify does what in says, until that ends or tells it to.
func verify(ctx context.Context, in io.Reader, out *reporter) (err error) {
	lines := json.NewDecoder(bufio.NewReader(in))
	var s settings
	if err := lines.Decode(&s); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	orders := make(chan order)
	// From now on the end of in ends all that is waited for. The goroutine itself ends with in, or with the process.
	go func() { stop(readOrders(ctx, lines, orders)) }()

	store, err := open(ctx, s, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	verifier, err := apikey.NewVerifier(store, &apikey.VerifierOptions{MaxStaleness: s.Staleness})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, verifier.Close()) }() // writes the last-used times, so before the store
	l := &load{verifier: verifier, every: s.Every, out: out, fail: stop}
	return l.obey(ctx, orders)
}

// readOrders returns how the orders ended.
func readOrders(ctx context.Context, lines *json.Decoder, orders chan<- order) error {
	for {
		var o order
		if err := lines.Decode(&o); err == io.EOF {
			return err
		} else if err != nil {
			return fmt.Errorf("read the orders: %w", err)
		}
		select {
		case orders <- o:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
