package main

import (
	"fmt"
	"io"
	"strings"
)

// table is one of Markdown.
type table struct {
	head []string
	rows [][]string
}

func (t *table) write(w io.Writer) {
	line := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		line(row)
	}
}

const preface = `# Caches side by side

The Verifier's cache finds a credential by the digits of its tag, at every request. Here its structure, ` + "`own`" + `, stands
beside what one could take instead. Every contender does the same job on the same 192-byte entries: find by the tag, compare a
16-byte digest, the trust word and the end, and mark the hit if it evicts by that.

    cd benchmarks && go run ./caches/compare     # writes all but the conclusion of this page
    cd benchmarks && go test -bench . ./caches   # the same as Go benchmarks, 10,000 entries

%d cores of %s, %s/%s, %s, %s. %d rounds, interleaved, the order rotating, no collection during a
round; ns are medians, in brackets the median of the ratios to own in the same round. "1 core" is GOMAXPROCS 1, so that work
done in the background counts. Entries where they are many: %d.

- Each request of the tables of finding waits for the answer to the one before, as in a server; ` + "`(the driver alone)`" + ` is in every figure.
  Where it is no faster on 2 cores than on 1, other programs had the second core: that column then shows no scaling.
- Evicting: a quarter of each trace warms the cache. A miss here costs no more than making an entry; a real one costs
  microseconds, or 25 ms of argon2, so hits weigh more than ns. Scans ask once, half as often as the rest, for keys never seen again.
- xsync v4.5.0 and otter v2.4.0. Their keys are one word mixed from the tag, which both hash fastest; the entry tells whether it
  is the tag asked for. All get their room at the start.
- sync.Map, xsync.Map and the maps behind locks **evict nothing**: they are parts of a cache. ` + "`xsync.Map + SIEVE`" + ` is xsync.Map with
  the queue and the mutex the root would put beside it. otter is bounded by its weigher, with its default executor.
- "1%% writes": one request in 100 forgets a credential, or puts it back as a new entry.
`
