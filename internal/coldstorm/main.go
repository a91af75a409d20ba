// Coldstorm has 256 callers present 256 distinct keys at once that no cache knows, and prints the peak of the
// process's resident memory. A test of the root runs it: in the test's own process the peak would be that of
// the test and all that it is linked with, too.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

const keys = 256

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "coldstorm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	gate, err := hash.NewGate(0, 0, time.Minute)
	if err != nil {
		return err
	}
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Gate: gate})
	if err != nil {
		return err
	}
	verifier, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Gate: gate})
	if err != nil {
		return err
	}
	var texts []string
	for range keys {
		_, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "storm"})
		if err != nil {
			return err
		}
		texts = append(texts, secret.Reveal())
	}
	failures := make([]error, keys)
	var all sync.WaitGroup
	for i, text := range texts {
		all.Go(func() { _, failures[i] = verifier.Verify(ctx, text) })
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	var peak int
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(line, &peak); err != nil {
		return err
	}
	fmt.Printf("%d runs of argon2, peak %d KiB\n", verifier.Stats().Argon2Runs, peak)
	return verifier.Close()
}
