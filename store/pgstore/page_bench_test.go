package pgstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/scale"
)

// pages are the first pages that are asked for, and how many keys each has.
func (l *large) pages() []page {
	now := l.Record(l.Len() - 1).CreatedAt
	few, many := apikey.Filter{Subject: l.Subject(l.Subjects() / 2)}, apikey.Filter{Subject: l.Big()}
	validFew, validMany := few, many
	validFew.ValidAt, validMany.ValidAt = now, now
	first := apikey.ID{}
	return []page{
		{"subject of many", many, first, 50}, {"subject of many, valid", validMany, first, 50},
		{"subject of few", few, first, scale.PerSubject}, {"subject of few, valid", validFew, first, scale.PerSubject},
		{"all", apikey.Filter{}, first, 50}, {"all, valid", apikey.Filter{ValidAt: now}, first, 50},
	}
}

type page struct {
	name   string
	filter apikey.Filter
	before apikey.ID
	want   int
}

func (p page) get(ctx context.Context, s apikey.Store) error {
	found, _, err := s.List(ctx, p.filter, p.before, 50)
	if err == nil && len(found) != p.want {
		err = fmt.Errorf("a page of %d keys, want %d", len(found), p.want)
	}
	return err
}

// bare reads the same page as a program would that had no store: the same columns, and one row more, to know
// whether there is another page.
func (p page) bare(ctx context.Context, t *table) error {
	where, args := "", []any{51}
	and := func(condition string, arg any) {
		args = append(args, arg)
		where += fmt.Sprintf(map[bool]string{true: " WHERE ", false: " AND "}[where == ""]+condition, len(args))
	}
	if p.filter.Subject != "" {
		and("subject = $%d", p.filter.Subject)
	}
	if !p.filter.ValidAt.IsZero() {
		and("revoked_at = 0 AND (expires_at = 0 OR expires_at > $%d)", p.filter.ValidAt.UnixMilli())
	}
	rows, err := t.bare.Query(ctx, `SELECT id, version, body, last_used, used FROM `+t.keys+where+` ORDER BY id DESC LIMIT $1`, args...)
	if err != nil {
		return err
	}
	var id [16]byte
	var version, lastUsed int64
	var body []byte
	var used []int64
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&id, &version, &body, &lastUsed, &used}, func() error { n++; return nil })
	if err == nil && n < p.want {
		err = fmt.Errorf("%d rows, want %d", n, p.want)
	}
	return err
}

// BenchmarkFirstPage reads first pages of 50 among as many keys as APIKEY_SCALE says, beside a bare SELECT.
func BenchmarkFirstPage(b *testing.B) {
	for _, n := range sizes(b) {
		b.Run("keys="+scale.Size(n), func(b *testing.B) {
			l := newLarge(b, n)
			for _, p := range l.pages() {
				ours := func(int, int) error { return p.get(b.Context(), l) }
				bare := func(int, int) error { return p.bare(b.Context(), l.table) }
				besides(b, p.name, ours, bare, 1, many)
			}
		})
	}
}
