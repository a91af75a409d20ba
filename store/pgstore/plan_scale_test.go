package pgstore_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/internal/scale"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// spy remembers the last statement about keys.
type spy struct {
	mu   sync.Mutex
	sql  string
	args []any
}

func (s *spy) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "apikey_keys") {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sql, s.args = q.SQL, q.Args
	}
	return ctx
}

func (s *spy) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// node is one of a plan, as EXPLAIN has it.
type node struct {
	Type    string  `json:"Node Type"`
	Index   string  `json:"Index Name"`
	Rows    float64 `json:"Actual Rows"`
	Removed float64 `json:"Rows Removed by Filter"`
	Hit     int     `json:"Shared Hit Blocks"`
	Read    int     `json:"Shared Read Blocks"`
	Plans   []node
}

func (n node) each(f func(node)) {
	f(n)
	for _, p := range n.Plans {
		p.each(f)
	}
}

// TestFirstPagePlan: what a first page reads is bounded, however many keys there are, whose they are and how old: by an index in its order, and
// no longer than is needed. That holds for the plan that is made for the values, and for the one that is made for all, which a server
// may change to for a statement that it knows.
func TestFirstPagePlan(t *testing.T) {
	t.Parallel()
	for _, n := range sizes(t) {
		l := newLarge(t, n)
		spy := new(spy)
		config, err := pgxpool.ParseConfig(pgtest.DSN(t))
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.Tracer = spy
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		s, err := pgstore.New(t.Context(), pool, &pgstore.Options{Schema: l.schema})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		for _, p := range append(l.pages(), l.hardPages()...) {
			for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
				t.Run(scale.Size(n)+" keys/"+p.name+"/"+mode, func(t *testing.T) {
					if _, _, err := s.List(t.Context(), p.filter, p.before, 50); err != nil {
						t.Fatal(err)
					}
					text, plan := l.explain(t, mode, spy.sql, spy.args)
					t.Log(text)
					checkPlan(t, plan, p)
				})
			}
		}
	}
}

// hardPages are those that a plan can be wrong about.
func (l *large) hardPages() []page {
	old := l.ID(l.Len() / 2)
	never := l.Record(0).ExpiresAt
	return []page{
		{"subject of many, later page", apikey.Filter{Subject: l.Big()}, old, 50},
		{"all, later page", apikey.Filter{}, old, 50},
		{"subject of none", apikey.Filter{Subject: "user_none"}, apikey.ID{}, 0},
		{"subject of many, none valid", apikey.Filter{Subject: l.Big(), ValidAt: never}, apikey.ID{}, 0},
		{"all, none valid", apikey.Filter{ValidAt: never}, apikey.ID{}, 0},
	}
}

func checkPlan(t *testing.T, plan node, p page) {
	t.Helper()
	const looked = 1000 // that one List looks at, at most
	bound := 2 * 51     // the row, and a page of the index
	if p.want < 50 && !p.filter.ValidAt.IsZero() {
		bound = 2 * looked
	}
	if got := plan.Hit + plan.Read; got > bound {
		t.Errorf("%d buffers are read, want at most %d", got, bound)
	}
	plan.each(func(n node) {
		switch index := "apikey_keys_subject"; {
		case n.Type == "Seq Scan", (n.Type == "Bitmap Heap Scan" || n.Type == "Sort") && n.Rows > looked:
			t.Errorf("there is a %s of %v rows", n.Type, n.Rows)
		case n.Removed > looked:
			t.Errorf("a %s goes over %v rows in vain", n.Type, n.Removed)
		case strings.HasPrefix(n.Type, "Index"):
			if p.filter.Subject == "" {
				index = "apikey_keys_pkey"
			}
			if n.Index != index {
				t.Errorf("an %s is by %s, want %s", n.Type, n.Index, index)
			}
		}
	})
}

// explain executes a statement, and returns its plan.
func (l *large) explain(t *testing.T, mode, sql string, args []any) (text string, plan node) {
	t.Helper()
	c, err := l.bare.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	values := make([]string, len(args))
	for i := range args {
		values[i] = "$" + string(rune('1'+i))
	}
	execute := "EXECUTE listed(" + strings.Join(values, ", ") + ")"
	literally := append([]any{pgx.QueryExecModeSimpleProtocol}, args...)
	_, err = c.Exec(t.Context(), "SET plan_cache_mode = "+mode+"; DEALLOCATE ALL; PREPARE listed AS "+sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+execute, literally...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var encoded string
	if err := c.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+execute, literally...).Scan(&encoded); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(encoded), &plans); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n"), plans[0].Plan
}
