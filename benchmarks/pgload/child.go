package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
)

// asChild is the variable that makes this program one of the processes.
const asChild = "APIKEY_PGLOAD_CHILD"

// job is what a process is to do. It comes by its standard input: there are secrets in it.
type job struct {
	Schema, Keyring string
	Texts           []string // of the keys that there are
	Process         int
	Options         options
}

// outcome is what a process has done.
type outcome struct {
	Took      time.Duration
	Latencies [kinds]openloop.Latencies
	Refused   int      // verifications of what had been revoked or rotated away
	Errors    []string // the first ones
	Failures  int
	Stats     apikey.Stats
}

// process is a child, seen from outside.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// start runs all processes at the same time, and returns what they have done.
func (j job) start(ctx context.Context) (all []outcome, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends those that are left
	var processes []*process
	for n := range j.Options.Processes {
		j.Process = n
		p := &process{cmd: exec.CommandContext(ctx, self)}
		p.cmd.Env, p.cmd.Stderr = append(os.Environ(), asChild+"=1"), os.Stderr
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		p.out = json.NewDecoder(out)
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		if err := p.cmd.Start(); err != nil {
			return nil, err
		}
		processes = append(processes, p)
		if err := json.NewEncoder(p.in).Encode(j); err != nil {
			return nil, fmt.Errorf("tell process %d what to do: %w", n, err)
		}
	}
	for n, p := range processes {
		var ready bool
		if err := p.out.Decode(&ready); err != nil {
			return nil, fmt.Errorf("wait for process %d: %w", n, err)
		}
	}
	for n, p := range processes {
		if _, err := io.WriteString(p.in, "true\n"); err != nil {
			return nil, fmt.Errorf("let process %d begin: %w", n, err)
		}
	}
	for n, p := range processes {
		var o outcome
		if err := errors.Join(p.out.Decode(&o), p.cmd.Wait()); err != nil {
			return nil, fmt.Errorf("process %d: %w", n, err)
		}
		all = append(all, o)
	}
	return all, nil
}

// child is one of the processes. It says when it is ready, begins when it is told to, and ends at once when in does: then whoever
// started it has ended, and nobody would stop it.
func child(ctx context.Context, in io.Reader, out io.Writer) error {
	from, to := json.NewDecoder(in), json.NewEncoder(out)
	var j job
	if err := from.Decode(&j); err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	told := make(chan struct{})
	// The goroutine itself ends with in, or with the process.
	go func() {
		var begin bool
		if from.Decode(&begin) == nil {
			close(told)
			_, _ = io.Copy(io.Discard, in)
		}
		stop(errors.New("whoever started it has ended"))
	}()
	w, err := newWorker(ctx, j)
	if err != nil {
		return err
	}
	if err := to.Encode(true); err != nil {
		return errors.Join(err, w.close())
	}
	var o outcome
	select {
	case <-told:
		o = w.work(ctx)
	case <-ctx.Done():
	}
	closing := w.close() // writes the last-used times
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), closing)
	}
	if closing != nil {
		o.fail("close", closing)
	}
	o.Stats = w.verifier.Stats()
	return to.Encode(o)
}
