//go:build unix

package pgstore_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// stoppedPlace is set in a child process: it is told there where the keys are.
const stoppedPlace = "APIKEY_TEST_STOPPED"

func TestMain(m *testing.M) {
	if at := os.Getenv(stoppedPlace); at != "" {
		if err := verifyLines(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// verifyLines verifies the keys that are the lines of its input, and says what came of each.
func verifyLines(at string) error {
	fields := strings.Fields(at) // the schema, the keyring, the DSN
	ctx := context.Background()
	s, err := pgstore.Open(ctx, strings.Join(fields[2:], " "), &pgstore.Options{Schema: fields[0], Poll: faultPoll})
	if err != nil {
		return err
	}
	defer s.Close()
	ring, err := apikey.ParseKeyring(fields[1])
	if err != nil {
		return err
	}
	v, err := apikey.NewVerifier(s, &apikey.VerifierOptions{Keyring: ring, MaxStaleness: faultBound})
	if err != nil {
		return err
	}
	defer v.Close()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		warm := v.Stats().Warm
		_, err := v.Verify(ctx, lines.Text())
		fmt.Println(err == nil, v.Stats().Warm > warm, err)
	}
	return lines.Err()
}

// stoppable is such a process.
type stoppable struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

func startStoppable(t *testing.T, p *place, ring string) *stoppable {
	t.Helper()
	c := &stoppable{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])}
	c.cmd.Env = append(os.Environ(), stoppedPlace+"="+p.schema+" "+ring+" "+p.dsn)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.cmd.Process.Signal(syscall.SIGCONT)
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	c.in, c.out = in, bufio.NewScanner(out)
	return c
}

func (c *stoppable) ask(t *testing.T, text string) {
	t.Helper()
	if _, err := fmt.Fprintln(c.in, text); err != nil {
		t.Fatal(err)
	}
}

func (c *stoppable) answer(t *testing.T) (accepted, warm bool) {
	t.Helper()
	if !c.out.Scan() {
		t.Fatalf("the process has ended: %v", c.out.Err())
	}
	if _, err := fmt.Sscan(c.out.Text(), &accepted, &warm); err != nil {
		t.Fatalf("it says %q", c.out.Text())
	}
	return accepted, warm
}

func (c *stoppable) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// A process is stopped, as a machine that is suspended or a container that is frozen, while a key that it knows well is revoked, and goes
// on after MaxStaleness. What it is asked while it is stopped it begins to answer with all that it knew.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{})
	text := base64.StdEncoding.EncodeToString(make([]byte, 32))
	ring, err := apikey.ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Store: s, Issuer: apikey.IssuerOptions{Keyring: ring}})
	c := startStoppable(t, p, text)
	for range 6 {
		key, dies := keys.Create(t, apikey.CreateParams{})
		_, lives := keys.Create(t, apikey.CreateParams{})
		for _, key := range []string{dies, lives} {
			waitFor(t, "the key is warm", func() bool {
				c.ask(t, key)
				accepted, warm := c.answer(t)
				return accepted && warm
			})
		}
		c.signal(t, syscall.SIGSTOP)
		if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		since := time.Now()
		waitFor(t, "MaxStaleness passes", func() bool { return time.Since(since) > faultBound })
		for range 20 {
			c.ask(t, dies)
			c.ask(t, lives)
		}
		c.signal(t, syscall.SIGCONT)
		for range 20 {
			if accepted, _ := c.answer(t); accepted {
				t.Error("a key was accepted that was revoked while the process stood still")
			}
			if accepted, _ := c.answer(t); !accepted {
				t.Error("a live key was refused after the process had stood still")
			}
		}
	}
}
