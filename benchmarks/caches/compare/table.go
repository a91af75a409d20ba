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
beside what one could take instead. Every contender does the same job: find by the tag, compare a 16-byte digest, the trust word
and the end, read when the last use was noted, and mark the hit if it evicts by that.

Own keeps what that reads in slots of 128 bytes, in chunks of up to 128 KiB, and finds them by an index of numbers; what it hands
out, 64 bytes, hangs on a pointer that a hit reads and does not follow. All others keep entries of 192 bytes, each an object of
its own. ` + "`own before: pointers`" + ` is what own was until it had slots, with as many buckets as own has words of its index. All else
that hangs on an entry is a packed record of 320 bytes.

    cd benchmarks && go run ./caches/compare     # writes all but the conclusion of this page
    cd benchmarks && go test -bench . ./caches   # the same as Go benchmarks, 10,000 entries

%d cores of %s, %s/%s, %s, %s. %d rounds, interleaved, the order rotating, no collection during a
round; ns are medians, in brackets the median of the ratios to own in the same round. "1 core" is GOMAXPROCS 1, so that work
done in the background counts. Entries where they are many: %d.

- Each request of the tables of finding waits for the answer to the one before, as in a server; ` + "`(the driver alone)`" + ` is in every figure.
  Where it is no faster on 2 cores than on 1, other programs had the second core: that column then shows no scaling.
- Beside each entry 704 bytes are made, as a store in memory keeps of a key, and live as long: in a real program, too, objects lie
  among others. (When evicting, there are only the packed records.)
- Memory is all heap but the packed records, which every contender has: of own slots, what they hand out, and the index; of the others
  entries and table.
- Evicting: a quarter of each trace warms the cache. A miss here costs no more than making an entry; a real one costs
  microseconds, or 25 ms of argon2, so hits weigh more than ns. Scans ask once, half as often as the rest, for keys never seen again.
- xsync v4.5.0 and otter v2.4.0. Their keys are one word mixed from the tag, which both hash fastest; the entry tells whether it
  is the tag asked for. All get their room at the start.
- sync.Map, xsync.Map and the maps behind locks **evict nothing**: they are parts of a cache. ` + "`xsync.Map + SIEVE`" + ` is xsync.Map with
  the queue and the mutex the root would put beside it. otter is bounded by its weigher, with its default executor.
- "1%% writes": one request in 100 forgets a credential, or puts it back as a new entry.
`
