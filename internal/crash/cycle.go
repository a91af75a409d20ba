package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// campaign kills one child after another.
type campaign struct {
	dice    *rand.Rand
	command func() *exec.Cmd // this program
	dir     string
	broken  string // what stands between the Issuer and the store; see job

	path   string
	ledger *ledger // of the file at path
	files  int

	cycles, acks int
	kills        map[string]int           // by phase
	took         map[string]time.Duration // how long a phase was when it last came to its end
}

// The phases of a child. The second is named after what Open has to do.
const (
	starting = "start"
	creating = "create"
	opening  = "open"
	updating = "upgrade"
	working  = "work"
)

func newCampaign(seed uint64, dir string, command func() *exec.Cmd) *campaign {
	return &campaign{dice: rand.New(rand.NewPCG(seed, 0)), command: command, dir: dir,
		kills: make(map[string]int), took: make(map[string]time.Duration)}
}

func (c *campaign) summary() string {
	return fmt.Sprintf("%d cycles, %d files, %d operations acknowledged, none lost; killed in %s %d, %s %d, %s %d, %s %d, %s %d",
		c.cycles, c.files, c.acks, starting, c.kills[starting], creating, c.kills[creating],
		updating, c.kills[updating], opening, c.kills[opening], working, c.kills[working])
}

// cycle starts a child, kills it, and examines the file.
func (c *campaign) cycle(ctx context.Context) error {
	c.cycles++
	task, err := c.prepare()
	if err != nil {
		return err
	}
	acked := c.ledger.acks
	phase, childErr := c.kill(task)
	c.kills[phase]++
	c.acks += c.ledger.acks - acked
	found, err := c.ledger.examine(ctx, c.path)
	if err = errors.Join(err, childErr); err != nil {
		return fmt.Errorf("killed in phase %s: %w", phase, err)
	}
	if found != nil {
		c.ledger.opened = true // it was read, so it must stay
		c.ledger.adopt(found)
	}
	return nil
}

// prepare begins a new file now and then, or makes an old one of it, and returns what Open will have to do.
func (c *campaign) prepare() (task string, err error) {
	if c.path == "" || c.dice.IntN(4) == 0 {
		if c.path != "" {
			err = os.RemoveAll(filepath.Dir(c.path))
		}
		c.files++
		c.path, c.ledger = filepath.Join(c.dir, fmt.Sprint(c.files), "keys.db"), newLedger()
		return creating, errors.Join(err, os.MkdirAll(filepath.Dir(c.path), 0o700))
	}
	if _, err := os.Stat(c.path); errors.Is(err, fs.ErrNotExist) {
		return creating, nil
	}
	if c.dice.IntN(4) == 0 {
		return updating, c.ledger.downgrade(c.path)
	}
	return opening, nil
}

// moment is when to kill: so many acknowledgements, and then some time, after the beginning of a phase.
type moment struct {
	phase string
	acks  int
	wait  time.Duration
}

func (c *campaign) choose(task string) moment {
	m := moment{phase: []string{starting, task, task, working, working, working}[c.dice.IntN(6)]}
	if m.phase == working {
		m.acks = c.dice.IntN(1 << c.dice.IntN(9))
	}
	long := 5 * time.Millisecond
	if took := c.took[m.phase]; took > 0 {
		long = took
	}
	m.wait = time.Duration(c.dice.Int64N(int64(long)))
	return m
}

// kill runs a child until its moment, and returns the phase in which it was.
func (c *campaign) kill(task string) (phase string, err error) {
	phase = starting
	cmd := c.command()
	j := job{Path: c.path, Seed: c.dice.Uint64(), Workers: 1 + c.dice.IntN(8), Broken: c.broken}
	cmd.Env = append(os.Environ(), j.environment())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return phase, err
	}
	begun, at, acked := time.Now(), c.choose(task), c.ledger.acks
	if err := cmd.Start(); err != nil {
		return phase, err
	}
	lines := make(chan string)
	go readLines(out, lines)
	var now <-chan time.Time // nil: the moment has not begun
	hung := time.After(time.Minute)
	killed := false
	kill := func(why error) {
		err = errors.Join(err, why)
		if !killed {
			err = errors.Join(err, cmd.Process.Kill())
		}
		killed, now, hung = true, nil, nil
	}
	for {
		if now == nil && !killed && phase == at.phase && c.ledger.acks >= acked+at.acks {
			now = time.After(at.wait)
		}
		select {
		case <-now:
			kill(nil)
		case <-hung:
			kill(errors.New("the child does nothing"))
		case text, more := <-lines:
			if !more {
				if !killed {
					err = errors.New("the child ended by itself")
				}
				cmd.Wait() // it answers that it was killed
				return phase, err
			}
			said, lineErr := parseLine(text)
			if lineErr == nil {
				lineErr = c.ledger.note(said)
			}
			if lineErr != nil {
				kill(lineErr)
			}
			if next := map[string]string{"opening": task, "opened": working}[said.what]; next != "" {
				c.took[phase] = time.Since(begun)
				phase, begun = next, time.Now()
			}
		}
	}
}

// readLines passes lines on until the child, and so the pipe, has ended. What is torn then was not said.
func readLines(out io.Reader, lines chan<- string) {
	defer close(lines)
	for r := bufio.NewReader(out); ; {
		text, err := r.ReadString('\n')
		if err != nil {
			return
		}
		lines <- text
	}
}
