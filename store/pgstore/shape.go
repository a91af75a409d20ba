package pgstore

import (
	"strconv"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// shape is which fields of a filter are set. Each has statements of its own: one for all, with
// conditions that are sometimes empty, would be planned without its indexes.
type shape int

const (
	bySubject shape = 1 << iota
	byType
	byName
	byValidity
	before // an id
	shapes = 1 << iota
)

// conditions are those of a shape, whose parameters are numbered from 1 on.
type conditions struct {
	texts []string
	args  int
}

func (c *conditions) add(text string) {
	c.args++
	c.texts = append(c.texts, strings.ReplaceAll(text, "?", "$"+strconv.Itoa(c.args)))
}

func (c *conditions) and() string {
	if len(c.texts) == 0 {
		return "true"
	}
	return strings.Join(c.texts, " AND ")
}

// conditions returns those that an index finds, and those that each record is looked at for.
func (s shape) conditions() (found, looked string, args int) {
	var c conditions
	if s&bySubject != 0 {
		c.add("subject = ?::text")
	}
	if s&before != 0 {
		c.add("id < ?::uuid")
	}
	found = c.and()
	c.texts = nil
	if s&byType != 0 {
		c.add("type = ?::text")
	}
	if s&byName != 0 {
		c.add("strpos(name_fold, ?::text) > 0")
	}
	if s&byValidity != 0 {
		c.add("revoked_at = 0 AND (expires_at = 0 OR expires_at > ?::bigint)")
	}
	return found, c.and(), c.args
}

// arguments are those of the conditions.
func arguments(f apikey.Filter, from apikey.ID) (s shape, args []any) {
	set := func(bit shape, is bool, arg any) {
		if is {
			s |= bit
			args = append(args, arg)
		}
	}
	set(bySubject, f.Subject != "", f.Subject)
	set(before, !from.IsZero(), uuid(from))
	set(byType, f.Type != "", f.Type)
	set(byName, f.NameFold != "", f.NameFold)
	set(byValidity, !f.ValidAt.IsZero(), f.ValidAt.UnixMilli())
	return s, args
}

// list sees a number of records, in the order of their ids, and returns those of them that match: as a
// filter that few match would else go through all keys. Each row also says how many were seen, and the last of them.
func (s shape) list() string {
	found, looked, args := s.conditions()
	visits, limit := "$"+strconv.Itoa(args+1), "$"+strconv.Itoa(args+2)
	return `WITH seen AS MATERIALIZED (
	SELECT id, ` + looked + ` AS matches FROM $s.apikey_keys WHERE ` + found + ` ORDER BY id DESC LIMIT ` + visits + `::bigint),
walk AS (
	SELECT count(*) AS n, (SELECT id FROM seen ORDER BY id LIMIT 1) AS last FROM seen)
SELECT $primary, walk.n, walk.last, k.id, k.version, k.body, k.last_used, k.used
FROM walk LEFT JOIN (
	SELECT k.* FROM seen JOIN $s.apikey_keys AS k USING (id) WHERE matches ORDER BY id DESC LIMIT ` + limit + `::bigint
) AS k ON true ORDER BY k.id DESC`
}

func (s shape) count() string {
	found, looked, _ := s.conditions()
	return `SELECT $primary, count(*) FROM $s.apikey_keys WHERE ` + found + ` AND ` + looked
}
