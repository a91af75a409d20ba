package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// asChild is the variable that makes this program measure one thing in the store that it is
// told of: it is the process after the restart, and knows nothing of the one before.
const asChild = "APIKEY_STORM_CHILD"

// job is what a child is to do.
type job struct {
	Kind string // of measurements
	Dir  string // with the fixture

	Keyring    string // as apikey.ParseKeyring takes it
	Goroutines int
	Texts      string // of the keys whose records are read

	Rate  int           // of warm traffic
	Alone time.Duration // without the storm
	Queue int
	Cost  hash.Params // of the floor's argon2
}

// outcome is what a child measured; not every kind of job fills all.
type outcome struct {
	Took          time.Duration    // from the first call to the last answer
	Calls         openloop.Summary // of those that were accepted
	Argon2, Reads uint64           // meanwhile
	Before        uint64           // argon2 runs that made the warm keys warm

	Alone, During openloop.Summary // warm traffic
	NotWarm       uint64           // calls of it that were not answered from the cache

	Permits int
	Late    int              // that had to wait for longer than a gate's default
	Refused openloop.Summary // with ErrOverloaded
	Last    time.Duration    // from the first call to the last refusal
	OnTop   openloop.Summary // refusals of those who came when the queue was full already

	PeakRSS int64
	File    int64   // bytes of the store
	Others  float64 // the share of the machine that other processes took meanwhile
}

// A new kind of measurement goes here.
var kinds = map[string]func(context.Context, job, *boltstore.Store, *outcome) error{
	"reads":   reads,
	"keyring": withKeyring,
	"cold":    withoutKeyring,
	"floor":   floor,
	"queue":   shortQueue,
}

// restart does a job in a new process.
func restart(ctx context.Context, j job) (o outcome, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	in, err := json.Marshal(j)
	if err != nil {
		return o, fmt.Errorf("tell the child what to do: %w", err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), asChild+"=1")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return o, fmt.Errorf("measure %s: %w", j.Kind, err)
	}
	if err := json.Unmarshal(out, &o); err != nil {
		return o, fmt.Errorf("read what the child measured: %w", err)
	}
	return o, nil
}

// child is the new process.
func child(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
	o, err := j.do(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", j.Kind, err)
	}
	return json.NewEncoder(out).Encode(o)
}

// do leaves the Verifier that it makes open, and so does not write its last-used times: the next
// round is to find the same file. The process ends soon.
func (j job) do(ctx context.Context) (o outcome, err error) {
	measure := kinds[j.Kind]
	if measure == nil {
		return o, fmt.Errorf("no such measurement")
	}
	path := filepath.Join(j.Dir, storeFile)
	info, err := os.Stat(path)
	if err != nil {
		return o, fmt.Errorf("look at the store: %w", err)
	}
	o.File = info.Size()
	store, err := boltstore.Open(path, nil)
	if err != nil {
		return o, fmt.Errorf("open the store: %w", err)
	}
	others := report.WatchOthers()
	if err := measure(ctx, j, store, &o); err != nil {
		return o, err
	}
	o.Others = others.Share()
	o.PeakRSS, err = report.PeakRSS()
	return o, err
}
