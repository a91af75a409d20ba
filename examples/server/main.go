// Server is a whole service of API keys in one process: keys in a bbolt file or in PostgreSQL, their management in
// Clerk's wire format, their exchange for short-lived tokens, and routes that ask for a key or a token. It is the model of
// how to embed the library. examples/resource is a second process, which takes the tokens.
//
//	go run ./examples/server -addr 127.0.0.1:8080 -db keys.db
//	go run ./examples/server -addr 127.0.0.1:8080 -store postgres://user@host/database
//
// Of a file there is one server. Of a database there may be many, on as many machines: a key that is revoked at one is
// refused by the others as soon as they hear of it, within a second at most. Give them all the same -issuer,
// -audiences and APIKEY_KEYRING, or the tokens of one are nothing to the others, and the same APIKEY_ADMIN_TOKEN, or each
// makes one that the others refuse. APIKEY_STORE stands for -store where its password must not be among the arguments, which
// all users of a machine can read.
//
// APIKEY_ADMIN_TOKEN is the token that may manage and introspect keys; without it the server makes one and
// prints it once. APIKEY_KEYRING, if set, makes the first use of a key after a restart as cheap as the others, and
// seals the keys that tokens are signed with, which are then kept in the store. Without it they are in memory, and all
// tokens die when the process ends.
//
// It speaks plain HTTP, for the same machine: put what terminates TLS in front before anybody else calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

// shutdownTimeout is how long requests under way have to end: longer than the wait for a turn at
// argon2, 5 s, and so much shorter than the 10 s after which many supervisors kill that the last-used times are
// still written.
const shutdownTimeout = 8 * time.Second

// errUsage: the flags are wrong, and that was said already.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) (err error) {
	c, err := configure(args, env, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stderr, nil))

	store, err := openStore(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	gate, err := hash.NewGate(0, 0, 0) // one for both, so that they can't take twice the memory
	if err != nil {
		return err
	}
	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Keyring: c.keyring, Gate: gate, UniqueNames: true, Logger: logger})
	if err != nil {
		return err
	}
	verifier, err := apikey.NewVerifier(store, &apikey.VerifierOptions{
		Prefixes: []string{issuer.Prefix()}, Keyring: c.keyring, Gate: gate, Logger: logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, verifier.Close()) }() // writes the last-used times, so before the store

	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	defer listener.Close() // where serve has not
	url := "http://" + reachable(listener.Addr())
	if c.issuer == "" {
		c.issuer = url
	}
	tokens, err := newTokens(ctx, c, store, issuer, verifier, logger)
	if err != nil {
		return err
	}
	s := &service{store, issuer, verifier, tokens, logger}
	handler, err := s.routes(c.token)
	if err != nil {
		return err
	}
	ready := fmt.Sprintf("listening on %s\n", url)
	if c.tokenIsNew {
		ready = fmt.Sprintf("APIKEY_ADMIN_TOKEN=%s\n", c.token) + ready
	}
	if _, err := io.WriteString(stdout, ready); err != nil { // nobody would know the token
		return err
	}
	return serve(ctx, logger, listener, &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // more than a proxy in front lets through, which would take 431 for a fault
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	})
}

// reachable returns an address that a client on this machine can call.
func reachable(listening net.Addr) string {
	address, is := listening.(*net.TCPAddr)
	if !is || !address.IP.IsUnspecified() {
		return listening.String()
	}
	return net.JoinHostPort("localhost", strconv.Itoa(address.Port))
}

// serve answers until ctx ends, and then until the requests under way have their answers, or their time is over.
func serve(ctx context.Context, logger *slog.Logger, listener net.Listener, server *http.Server) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// Not a child of ctx, which is over.
	deadline, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		logger.Warn("requests were cut off", "err", err)
		return server.Close()
	}
	return nil
}
