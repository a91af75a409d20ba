package pgstore_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// texts collects the statements that are sent.
type texts struct {
	mu  sync.Mutex
	all map[string]bool
}

func (c *texts) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[data.SQL] = true
	return ctx
}
func (c *texts) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// everything makes every call with a text wherever there may be one, and every shape of a filter.
func everything(t *testing.T, s *pgstore.Store, text string) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, apikey.ErrNotFound) {
			t.Fatalf("with %q: %v", text, err)
		}
	}
	r := put(t, s, 1, func(r *apikey.Record) {
		r.Prefix, r.Type, r.Subject, r.Name, r.NameFold, r.UniqueKey, r.Description = text, text, text, text, text, text, text
		r.Credentials[0].Hash, r.Scopes = text, []string{text}
	})
	check(s.Replace(ctx, r))
	for shape := range 16 {
		f := apikey.Filter{}
		if shape&1 != 0 {
			f.Subject = text
		}
		if shape&2 != 0 {
			f.Type = text
		}
		if shape&4 != 0 {
			f.NameFold = text
		}
		if shape&8 != 0 {
			f.ValidAt = instant(1)
		}
		for _, before := range []apikey.ID{{}, sampleID(5)} {
			page, _, err := s.List(ctx, f, before, 10)
			check(err)
			if len(page) != 1 {
				t.Errorf("List(%+v) returns %d records; else a text is not what it says", f, len(page))
			}
		}
		n, err := s.Count(ctx, f)
		check(err)
		if n != 1 {
			t.Errorf("Count(%+v) is %d", f, n)
		}
	}
	check(s.RecordUse(ctx, []apikey.Use{{ID: r.ID, Number: 1, At: instant(1)}}))
	_, err := s.Changes(ctx, time.Hour)
	check(err)
	check(s.SwapValue(ctx, text, nil, []byte(text)))
	check(s.SwapValue(ctx, text, []byte(text), []byte("")))
	v, err := s.Value(ctx, text)
	check(err)
	if v == nil {
		t.Errorf("the value named %q is not there", text)
	}
	check(s.SwapValue(ctx, text, []byte(""), nil))
	check(s.SwapValue(ctx, text, nil, nil))
	check(s.Delete(ctx, r.ID))
}

// What callers hand over never becomes part of a statement: they are the same few, whatever it says.
func TestStatementsAreConstant(t *testing.T) {
	t.Parallel()
	const marker = "zqx" // in no statement of ours
	hostile := []string{
		marker + `'; DROP TABLE apikey_keys; --`, marker + `"; DROP TABLE apikey_keys; --`, `'` + marker, `''` + marker + `''`, `\'` + marker, marker + `\`,
		"$1" + marker, "$s" + marker + "$now$primary", marker + " OR 1=1", "%" + marker + "_", "/*" + marker, marker + "*/", "$$" + marker + "$$", "E'" + marker, "{" + marker + "}", "(" + marker + ",)", "\n" + marker + "\r\t", marker + "é日\U0001f511",
	}
	for _, mode := range []string{"cache_statement", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			sent := func(inputs ...string) []string {
				c := &texts{all: make(map[string]bool)}
				s := on(t, newPool(t, with(t, dsn, "default_query_exec_mode", mode), func(config *pgxpool.Config) { config.ConnConfig.Tracer = c }), pgstore.Options{Schema: schema, NoListen: true})
				for _, text := range inputs {
					everything(t, s, text)
				}
				if _, err := pgstore.PruneSome(t.Context(), s); err != nil { // which else happens now or later
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				return slices.Sorted(maps.Keys(c.all))
			}
			usual, under := sent("user"), sent(hostile...)
			if !slices.Equal(usual, under) {
				t.Errorf("there are %d statements with hostile texts, and %d with a harmless one; else a text is part of one", len(under), len(usual))
			}
			for _, text := range under {
				if strings.Contains(text, marker) {
					t.Errorf("a text of a caller's is in the statement %s", text)
				}
			}
			if len(usual) < 50 {
				t.Errorf("control: %d statements are sent, where there are 32 lists and 16 counts", len(usual))
			}
			if n := ask[int](t, dsn, "SELECT count(*) FROM pg_tables WHERE schemaname = $1", schema); n != 5 {
				t.Errorf("there are %d tables", n)
			}
		})
	}
}
