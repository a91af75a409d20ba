package pgstore

import (
	"math/bits"
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

// looked returns the conditions that each record is looked at for. Those that an index finds are numbered before them.
func (s shape) looked() (text string, args int) {
	var c conditions
	c.args = bits.OnesCount(uint(s & (bySubject | before)))
	if s&byType != 0 {
		c.add("type = ?::text")
	}
	if s&byName != 0 {
		c.add("pg_catalog.strpos(name_fold, ?::text) > 0")
	}
	if s&byValidity != 0 {
		c.add("revoked_at = 0 AND (expires_at = 0 OR expires_at > ?::bigint)")
	}
	return c.and(), c.args
}

// walked is what a list goes over, and its order. That a subject is between two bounds, which are the same, says what = says; but
// then the order is that of one index. With = it is that of the primary key, too, and to go by that until a subject's
// keys appear may mean to go over all keys.
//
// SELECT hides a parameter from the planner. A plan for the very values costs no less than one for any values
// then, and the server keeps the latter instead of planning each time; nor do statistics that are old mislead it.
func (s shape) walked() (where, order string) {
	switch s & (bySubject | before) {
	case bySubject:
		where = "WHERE subject >= (SELECT $1::text) AND subject <= (SELECT $1::text)"
	case bySubject | before:
		where = "WHERE subject >= (SELECT $1::text) AND (subject, id) < ((SELECT $1::text), (SELECT $2::uuid))"
	case before:
		where = "WHERE id < (SELECT $1::uuid)"
	}
	if s&bySubject != 0 {
		return where, "ORDER BY subject DESC, id DESC"
	}
	return where, "ORDER BY id DESC"
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

// list returns the first records that match among the first maxVisits, in the order of their ids: as a filter that few match
// would else go through all keys. It ends as soon as the page is full. The record that was the last to be
// looked at comes, too, and says so.
func (s shape) list() string {
	looked, args := s.looked()
	where, order := s.walked()
	limit, most := "(SELECT $"+strconv.Itoa(args+1)+"::bigint)", strconv.Itoa(maxVisits)
	visit, wanted := "0 AS visit", "matches"
	if s&(byType|byName|byValidity) != 0 { // else each matches, and a page is full before
		visit, wanted = "pg_catalog.row_number() OVER ("+order+") AS visit", "(matches OR visit = "+most+")"
	}
	return `SELECT $primary, coalesce(k.visit, 0), coalesce(k.matches, false), k.id, ` + absent + ` FROM (VALUES (1)) AS one (n) LEFT JOIN (
	SELECT * FROM (
		SELECT ` + looked + ` AS matches, ` + visit + `, *
		FROM $s.apikey_keys ` + where + ` ` + order + ` LIMIT ` + most + `) AS seen
	WHERE ` + wanted + ` ` + order + ` LIMIT ` + limit + `) AS k ON true ORDER BY k.id DESC`
}

func (s shape) count() string {
	looked, _ := s.looked()
	if s&bySubject != 0 {
		looked = "subject = $1::text AND " + looked
	}
	return `SELECT $primary, pg_catalog.count(*) FROM $s.apikey_keys WHERE ` + looked
}
