// Report measures this library beside its peers and against what it promises, and writes the page and
// the chart:
//
//	go run ./report -o ../docs
//
// Without -o the page goes to the standard output. While developing, measure a part of it:
//
//	go run ./report -run 'warm|garbage' -keys 10000 -rounds 10
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/page"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/promises"
)

// options are the flags.
type options struct {
	out         string
	only        string
	credentials int
	config      promises.Config
}

func main() {
	var o options
	flag.StringVar(&o.out, "o", "", "folder to write benchmarks.md and benchmarks.svg to; none: the page to the standard output")
	flag.StringVar(&o.only, "run", "", "rows to run, a regular expression: peers, "+strings.Join(rowNames(), ", "))
	flag.IntVar(&o.config.Rounds, "rounds", 20, "rounds of a row")
	flag.DurationVar(&o.config.Slice, "slice", 150*time.Millisecond, "time of each contender in a round")
	flag.IntVar(&o.credentials, "credentials", 1000, "credentials of each peer")
	flag.IntVar(&o.config.Keys, "keys", 1_000_000, "keys where there are many")
	flag.IntVar(&o.config.BoltKeys, "bolt-keys", 100_000, "keys in a bbolt file")
	flag.IntVar(&o.config.Refused, "refused", 1<<16, "distinct texts to refuse")
	flag.StringVar(&o.config.Dir, "dir", "", "folder for bbolt files; none: that of the system for temporary files")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		stop()
		log.Fatal(err)
	}
}

// command is how this program was started, to be repeated in a shell.
func command(args []string) string {
	said := []string{"go run ./report"}
	for _, arg := range args {
		if strings.ContainsAny(arg, " |*?()[]$;&<>\\\"'") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		said = append(said, arg)
	}
	return strings.Join(said, " ")
}

func rowNames() (names []string) {
	for _, row := range promises.Rows() {
		names = append(names, row.Name)
	}
	return names
}

func run(ctx context.Context, o options) error {
	only, err := regexp.Compile("^(" + o.only + ")$")
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	wanted := func(name string) bool { return o.only == "" || only.MatchString(name) }
	if o.config.Rounds < 1 || o.config.Slice <= 0 || o.credentials < 1 || o.config.Keys < 1 || o.config.BoltKeys < 1 || o.config.Refused < 1 {
		return errors.New("numbers and times must be above zero")
	}
	p := &page.Page{
		Machine: page.ThisMachine(), Command: command(os.Args[1:]),
		Began: time.Now(), Only: o.only, Config: o.config, Credentials: o.credentials, Chart: "benchmarks.svg",
	}
	if wanted("peers") {
		if p.Peers, err = comparePeers(ctx, o); err != nil {
			return fmt.Errorf("peers: %w", err)
		}
	}
	lines, err := measureRows(ctx, o, wanted)
	if err != nil {
		return err
	}
	for _, row := range promises.Rows() {
		p.Lines = append(p.Lines, lines[row.Name]...)
		if row.Name == "cores" { // where the peers stand in the order of the promises
			p.Lines = append(p.Lines, againstPeers(p)...)
		}
	}
	p.Took = time.Since(p.Began)
	return write(p, o.out)
}

// comparePeers lets all peers take turns, with one goroutine and then with one for each core.
func comparePeers(ctx context.Context, o options) ([]page.Peer, error) {
	progress("peers: making %d credentials for each", o.credentials)
	sets, err := peers.NewSets(peers.Kinds(), o.credentials, 0)
	if err != nil {
		return nil, err
	}
	defer peers.Close(sets)
	versions := page.Versions()
	result := make([]page.Peer, len(sets))
	for i, s := range sets {
		_, revocable := s.Peer.(peers.Revoker)
		result[i] = page.Peer{Kind: s.Kind, Version: versions[s.Module], Revocable: revocable}
	}
	for _, workers := range []int{1, page.ThisMachine().Cores} {
		progress("peers: %d goroutines", workers)
		contenders := make([]*measure.Contender, len(sets))
		for i, s := range sets {
			contenders[i] = &measure.Contender{Name: s.Name, Workers: workers, Loop: s.Present}
		}
		all, err := o.config.Options.Run(ctx, contenders...)
		if err != nil {
			return nil, err
		}
		for i, series := range all {
			if workers == 1 {
				result[i].Serial = series
			}
			result[i].Parallel = series // the second time overwrites; with one core there is but one
		}
	}
	return result, nil
}

// measureRows runs the rows, those with the large cache last: it would be in the way of the others.
func measureRows(ctx context.Context, o options, wanted func(string) bool) (map[string][]promises.Line, error) {
	lab := &promises.Lab{Config: o.config}
	lines := make(map[string][]promises.Line)
	for _, big := range []bool{false, true} {
		for _, row := range promises.Rows() {
			if row.Big != big || !wanted(row.Name) {
				continue
			}
			progress("%s", row.Name)
			debug.FreeOSMemory()
			var err error
			if lines[row.Name], err = row.Run(ctx, lab); err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", row.Name, err), lab.Close())
			}
		}
	}
	return lines, lab.Close()
}

// againstPeers are the promises that name a peer.
func againstPeers(p *page.Page) (lines []promises.Line) {
	for _, promise := range []struct {
		peer string
		most float64
	}{{"JWT HS256", 25}, {"JWT EdDSA", 400}, {"argon2id", 150_000}} {
		if line, ok := p.Against(promise.peer, &promises.Target{Bound: promise.most, AtLeast: true}); ok {
			lines = append(lines, line)
		}
	}
	return lines
}

func write(p *page.Page, dir string) error {
	var text, chart bytes.Buffer
	if err := p.WriteMarkdown(&text); err != nil {
		return err
	}
	if len(p.Peers) > 0 {
		if err := p.WriteChart(&chart); err != nil {
			return err
		}
	}
	if dir == "" {
		_, err := os.Stdout.Write(text.Bytes())
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if chart.Len() > 0 {
		if err := os.WriteFile(filepath.Join(dir, p.Chart), chart.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), text.Bytes(), 0o644)
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}
