package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"time"
)

// endTime is how long a verifier may take to end: it writes last-used times, for 5 s at most. Then it is killed.
const endTime = 10 * time.Second

// process is a verifier.
type process struct {
	number int
	cmd    *exec.Cmd
	orders *json.Encoder
	events io.Reader
	ended  error // when nothing more is read
}

// startProcess starts this program again, as a verifier that ends with ctx. Should this process be killed, the pipe is closed
// all the same, and so the verifier ends.
func startProcess(ctx context.Context, number int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, verifierCommand)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Cancel, cmd.WaitDelay = in.Close, endTime
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{number: number, cmd: cmd, orders: json.NewEncoder(in), events: out}, nil
}
