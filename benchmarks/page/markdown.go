package page

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/template"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/promises"
)

// WriteMarkdown writes the page. All figures on it are of this one run.
func (p *Page) WriteMarkdown(w io.Writer) error {
	return markdown.Execute(w, p)
}

// Targeted and Untargeted are the lines that have a target, and the others.
func (p *Page) Targeted() []promises.Line   { return p.lines(true) }
func (p *Page) Untargeted() []promises.Line { return p.lines(false) }

func (p *Page) lines(targeted bool) (lines []promises.Line) {
	for _, l := range p.Lines {
		if (l.Target != nil) == targeted {
			lines = append(lines, l)
		}
	}
	return lines
}

// Verdict says how many targets are met.
func (p *Page) Verdict() string {
	met, all := 0, 0
	for _, l := range p.Targeted() {
		all++
		if l.Met() {
			met++
		}
	}
	if met == all {
		return fmt.Sprintf("In this run all %d figures below that have a target meet it.", all)
	}
	return fmt.Sprintf("In this run %d of the %d figures below that have a target meet it; %d missed it.", met, all, all-met)
}

func row(cells ...string) string {
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", "\\|")
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

func (p *Page) PeerRow(peer Peer) string {
	library := p.library()
	serial, parallel, spread := "-", "-", "-"
	if library != nil {
		r := promises.Line{Values: measure.Ratios(peer.Serial, library.Serial)}
		serial, spread = times(r.Median()), spreadOf(r)
		parallel = times(measure.Median(measure.Ratios(peer.Parallel, library.Parallel)))
	}
	if peer.Name == peers.Library {
		spread = ""
	}
	revocable := "no"
	if peer.Revocable {
		revocable = "yes"
	}
	return row(peer.Name, serial, spread, parallel, took(peer.Serial.Nanos()), took(peer.Parallel.Nanos()),
		fmt.Sprintf("%.0f", math.Round(peer.Serial.Allocs())), revocable)
}

func spreadOf(l promises.Line) string { return spread(&l) }

func peerWhat(peer Peer) string {
	return "- **" + peer.Name + "**: " + peer.What + " (" + peer.module() + ")"
}

func targetedRow(l promises.Line) string {
	verdict := "**missed**"
	if l.Met() {
		verdict = "met"
	}
	return row(l.What, l.Against, target(&l), quantity(&l, l.Median()), spread(&l), verdict, took(l.Nanos), took(l.AgainstNanos))
}

func untargetedRow(l promises.Line) string {
	return row(l.What, l.Against, quantity(&l, l.Median()), spread(&l), took(l.Nanos), took(l.AgainstNanos))
}

var markdown = template.Must(template.New("page").Funcs(template.FuncMap{
	"peerWhat": peerWhat, "targeted": targetedRow, "untargeted": untargetedRow,
	"day":   func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"round": func(d time.Duration) time.Duration { return d.Round(time.Second) },
}).Parse(`# Benchmarks

<!-- Written by the command below. Change the program, not this page. -->

Every figure on this page is from one run of one program, which anyone can repeat:

    cd benchmarks
    {{.Command}}

| | |
|---|---|
| processor | {{.Machine.Processor}} |
| instructions | {{.Machine.Instructions}} |
| cores | {{.Machine.Cores}} (GOMAXPROCS) |
| system | {{.Machine.System}} |
| Go | {{.Machine.Go}} |
| date | {{day .Began}} |
{{if .Machine.Load}}| load when the run began | {{.Machine.Load}} (runnable tasks, average of a minute; 0 is a quiet machine) |
{{end}}| the run took | {{round .Took}} |
{{if .Only}}
The run was restricted to ` + "`{{.Only}}`" + `; what is not on this page was not measured.
{{end}}
Look at the ratios. The times are of this machine and this hour; the ratios are of contenders that took turns.
{{if .Peers}}
## Peers that do the same job

Each takes the text that a client presents, refuses what was not issued or is expired, and names the owner: {{.Credentials}}
credentials each, the same owners, presented in the same shuffled order. Ratios are to a warm Verify in the same rounds: 2 x
is twice its time.

![Time of a call by peer, on a logarithmic scale]({{.Chart}})

| peer | one goroutine | quartiles | {{.Machine.Cores}} goroutines | time, one | time, {{.Machine.Cores}} | allocations | can be revoked |
|---|---|---|---|---|---|---|---|
{{range .Peers}}{{$.PeerRow .}}
{{end}}
What each does at a call:

{{range .Peers}}{{peerWhat .}}
{{end}}
The time with {{.Machine.Cores}} goroutines is elapsed time by calls of all of them: half of that with one, if two cores do twice as much.

What the table does not say: the peers with a digest keep what can be tried against at the speed of that digest, which is safe for
secrets that nobody can guess and for no others; a token that can't be revoked is good until it expires; and bcrypt and argon2id here
pay for a slow hash at each call, which this library pays at a key's first call, or not at all if it has a keyring.
{{end}}{{if .Targeted}}
## What was promised, and what came of it

{{.Verdict}}

| what | against | target | median | quartiles | | time | time against |
|---|---|---|---|---|---|---|---|
{{range .Targeted}}{{targeted .}}
{{end}}{{end}}{{if .Untargeted}}
Beside them, without a target:

| what | against | median | quartiles | time | time against |
|---|---|---|---|---|---|
{{range .Untargeted}}{{untargeted .}}
{{end}}{{end}}
## How it is measured

- **Rounds.** The contenders of a row take turns: {{.Config.Rounds}} rounds, in each a slice of {{.Config.Slice}} for each, in an order that is turned
  round and reversed from round to round. What counts is the ratio within a round; the table gives the median of those
  ratios and their quartiles. What takes a whole argon2 at each call, other than the peers, has slices of four times
  the length. Before a row the garbage collector runs, and each contender has a slice that does not count.
- **Loops.** What is measured is called in a plain loop, some 20 µs between two looks at the clock. With several goroutines each
  counts its own calls by its own time.
- **Allocations** are those of the whole process, divided by the calls: a few in a million are the runtime's own.
- **The same bytes.** Both sides of a ratio read their texts, and ids, from the same places in memory, in the same order. With many
  keys the texts lie in the order in which they come, as a request's text is in the processor's cache when it has just been
  read; finding the key is what is measured.
- **Keys** are made by an Issuer with the smallest costs argon2 knows, and a keyring, except where the default cost is what is
  measured: a warm key comes near neither. All have an expiry.
- **Checks.** A row fails, and nothing is written, if a call is accepted or refused that should not be, or if the Verifier's counters
  moved otherwise than the row says: for what is refused, no store read, no argon2 and no change of the cache; for a cold call, exactly one store read
  and no argon2; and before what concerns a large cache, that all keys are in it.
- **Memory** is what is alive on the heap after a garbage collection, with the Verifier and after it is dropped; the store, its records
  and the keys' texts stay. Last-used times that were yet to be written are written before.
- **Commits** are counted by the numbers that bbolt gives its transactions.

For benchstat, the peers are ordinary benchmarks, too:

    go test -run '^$' -bench Peers -count 10 ./peers | tee peers.out
    go run golang.org/x/perf/cmd/benchstat@latest -col /peer -row /mode peers.out
`))
