package serverproc

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// StartOther starts a server that is not ours, and waits until ready says that it answers. At the end of the test
// it is asked to end, and has to end well.
func StartOther(t testing.TB, ready func(context.Context) bool, name string, args ...string) {
	t.Helper()
	// Whatever happens, it is dead after a while.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	var logged bytes.Buffer
	cmd.Stdout, cmd.Stderr = &logged, &logged
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%s ended before the test: %v", name, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s said\n%s", name, &logged)
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready(ctx) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended at once: %v", name, err)
		case <-ctx.Done():
			t.Fatalf("%s does not answer", name)
		case <-tick.C:
		}
	}
}

// FreeAddress returns one where nobody listens yet.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}
