// Command pgload lets several processes create, verify, rotate and revoke keys in one PostgreSQL database.
//
//	go run ./pgload -store postgres://postgres@127.0.0.1:5432/test
//
// Each process is this program again, with a Store, an Issuer and a Verifier of its own. All verify all keys that there were at the
// beginning; each makes its own ones and changes its part of the others. The costs of argon2 are the smallest there are, and
// there is a keyring: it is the database that is measured.
//
// The tables are in a schema of their own, which is dropped at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are how much is done.
type options struct {
	DSN                  string
	Processes            int
	Goroutines           int // of each process
	Keys, Subjects       int
	Took                 time.Duration // by the load
	Lifetime             time.Duration // of a key
	Mix                  [kinds]int    // parts of each kind
	Connections, Loaders int
	Hot                  int // keys that 9 of 10 verifications are of
}

func (o options) check() error {
	if o.DSN == "" {
		return errors.New("-store, APIKEY_STORE or APIKEY_TEST_POSTGRES names a database")
	}
	for _, n := range []int{o.Processes, o.Goroutines, o.Keys, o.Subjects, o.Connections, o.Loaders, o.Hot} {
		if n < 1 {
			return errors.New("every number is at least 1")
		}
	}
	if o.Hot > o.Keys {
		return errors.New("not more keys are hot than there are")
	}
	if o.Keys < 10*o.Processes*o.Goroutines {
		return errors.New("there are at least 10 keys for each goroutine")
	}
	all := 0
	for _, parts := range o.Mix {
		if parts < 0 {
			return errors.New("a part is not negative")
		}
		all += parts
	}
	if all == 0 {
		return errors.New("there is nothing to do")
	}
	return nil
}

func main() {
	if os.Getenv(asChild) != "" {
		exit(child(context.Background(), os.Stdin, os.Stdout))
	}
	var o options
	flag.StringVar(&o.DSN, "store", "", "`DSN` of the database (default the value of APIKEY_STORE, or else of APIKEY_TEST_POSTGRES)")
	flag.IntVar(&o.Processes, "processes", 4, "processes")
	flag.IntVar(&o.Goroutines, "goroutines", 8, "of each process")
	flag.IntVar(&o.Keys, "keys", 100_000, "live keys")
	flag.IntVar(&o.Subjects, "subjects", 200, "that own them")
	flag.DurationVar(&o.Took, "time", time.Minute, "how long")
	flag.DurationVar(&o.Lifetime, "lifetime", 24*time.Hour, "of a key")
	flag.IntVar(&o.Connections, "connections", 8, "of each process")
	flag.IntVar(&o.Hot, "hot", 5000, "keys that 9 of 10 verifications are of")
	flag.IntVar(&o.Loaders, "loaders", 32, "goroutines that make the keys before, with a connection each")
	for k, parts := range map[kind]int{verify: 90, create: 4, rotate: 2, revoke: 4} { // as many are made as are revoked
		flag.IntVar(&o.Mix[k], k.String(), parts, "parts of the mix")
	}
	flag.Parse()
	for _, name := range []string{"APIKEY_STORE", "APIKEY_TEST_POSTGRES"} { // no defaults of the flag, which usage prints: there may be a password in them
		if o.DSN == "" {
			o.DSN = os.Getenv(name)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := run(ctx, o)
	if err == nil {
		r.print(os.Stdout, o)
		err = r.wrong()
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgload:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
