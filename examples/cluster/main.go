// Cluster measures how soon a revocation is known to the other processes of a service. It starts verifiers, each a process
// with a Verifier on a store of its own, all on one database, and issues and revokes keys while they are verified.
//
//	go run ./examples/cluster -store postgres://user@host/database
//
// Every key is in the memory of every process before it is revoked, so that only news of the revocation can end it. The
// program ends with code 1 if a key was accepted later than the bound, -staleness, after Revoke had returned, if
// a verifier could not tell, and after any error of the database.
//
// It works in a schema of its own, apikey_cluster_ and ten letters and digits, whose name it prints. It drops the schema in the end, also when it is
// interrupted. One that is killed leaves it behind: DROP SCHEMA apikey_cluster_… CASCADE.
//
// Each verifier takes up to max(4, cores) connections, and one more for what others change; what issues and revokes takes as many without
// that one. With pool_max_conns=2, say, in the DSN they are at most 3 and 2.
//
// The keys' hashes cost next to nothing, and protect nothing: hashing is not what is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// verifierCommand is the argument that makes the program a verifier. It is for the program itself.
const verifierCommand = "verifier"

var errUsage = errors.New("usage")

func main() {
	if len(os.Args) == 2 && os.Args[1] == verifierCommand {
		os.Exit(verifierMain())
	}
	signal.Ignore(syscall.SIGPIPE) // or the schema would stay where the reader of what is printed has gone: now printing is an error
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	context.AfterFunc(ctx, stop) // a second signal kills; the verifiers end by themselves then
	c, err := configure(os.Args[1:], os.Getenv, os.Stderr)
	if err == nil {
		err = run(ctx, c, os.Stdout)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// config is what the flags and the environment say.
type config struct {
	dsn                    string
	verifiers, revocations int
	listen, wait           bool
	poll, staleness        time.Duration
	pause, every           time.Duration
}

func configure(args []string, env func(string) string, stderr io.Writer) (*config, error) {
	var c config
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.dsn, "store", "", "`DSN` of the database (default the value of APIKEY_STORE, or else of APIKEY_TEST_POSTGRES)")
	flags.IntVar(&c.verifiers, "verifiers", 3, "`number` of processes that verify")
	flags.IntVar(&c.revocations, "revocations", 1000, "`number` of keys to be revoked")
	flags.BoolVar(&c.listen, "listen", true, "use LISTEN and NOTIFY; false: polling alone")
	flags.DurationVar(&c.poll, "poll", 250*time.Millisecond, "`time` between two looks at what others have changed")
	flags.DurationVar(&c.staleness, "staleness", time.Second, "`bound` of how long a revoked key may be accepted; more than twice -poll")
	flags.BoolVar(&c.wait, "wait", false, "revoke a key when all verifiers have refused the one before, and not earlier")
	flags.DurationVar(&c.pause, "pause", 10*time.Millisecond, "`time` between two revocations, at least")
	flags.DurationVar(&c.every, "every", time.Millisecond, fmt.Sprintf("`time` between two rounds of a worker, each a call for every live key; a verifier has %d workers", workers))
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, errUsage
	}
	if flags.NArg() > 0 || min(c.verifiers, c.revocations) < 1 || min(c.pause, c.every) <= 0 {
		fmt.Fprintln(stderr, "cluster takes flags and no other arguments; numbers and times are above zero")
		flags.Usage()
		return nil, errUsage
	}
	for _, name := range []string{"APIKEY_STORE", "APIKEY_TEST_POSTGRES"} {
		if c.dsn == "" {
			c.dsn = env(name)
		}
	}
	if c.dsn == "" {
		return nil, errors.New("it needs PostgreSQL: docker run -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:15, " +
			"and then -store postgres://postgres@127.0.0.1:5432/postgres")
	}
	return &c, nil
}
