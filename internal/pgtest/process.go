package pgtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is what the slowest machine may take to start or stop a server.
const patience = time.Minute

// command prepares a run of a program in a folder of the account's.
func (a account) command(ctx context.Context, folder, binary string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = folder
	// PGHOST and the like are meant for the clients of another server.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
	cmd.SysProcAttr = a.attributes()
	return cmd
}

// run runs a program to its end.
func (a account) run(t testing.TB, folder, binary string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if out, err := a.command(ctx, folder, binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", binary, args, err, out)
	}
}

// process is a running server.
type process struct {
	name  string
	log   string // a file
	cmd   *exec.Cmd
	ended chan struct{} // closed then
	err   error         // how it ended
}

// start starts a server, whose log is a file in the folder.
func (a account) start(t testing.TB, folder, binary string, args ...string) *process {
	t.Helper()
	p := &process{name: filepath.Base(binary), log: filepath.Join(folder, "log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = a.command(context.WithoutCancel(t.Context()), folder, binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return p
}

// await waits until the server answers a query.
func (p *process) await(t testing.TB, dsn string) {
	t.Helper()
	var last error
	answers := func(ctx context.Context) bool {
		last = ask(ctx, dsn)
		return last == nil
	}
	if !p.poll(t, answers) {
		t.Fatalf("%s does not answer: %v", p.name, last)
	}
}

// poll waits until something is the case. It returns false if the server has ended, or patience has.
func (p *process) poll(t testing.TB, is func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is(ctx) {
		select {
		case <-p.ended:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// stop sends a signal and waits for the end. A server that does not end is killed.
func (p *process) stop(t testing.TB, signal syscall.Signal) {
	t.Helper()
	_ = p.cmd.Process.Signal(signal) // it may have ended
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-p.ended:
		return
	case <-timeout.C:
	}
	t.Errorf("%s does not end", p.name)
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// tail returns the end of the log.
func (p *process) tail() string {
	const enough = 4 << 10
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-enough):])
}

// ask connects and makes a query that also a transaction pool takes.
func ask(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "select 1", pgx.QueryExecModeSimpleProtocol)
	return err
}
