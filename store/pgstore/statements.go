package pgstore

import (
	"fmt"
	"regexp"
	"strings"
)

// statements are what the store says to the database. They are made once, of constants and the
// name of the schema, which can't be a parameter; what callers hand over never becomes part of one.
//
// Whoever may make functions and operators in a schema on the search_path could have the store call them, with its
// privileges, wherever pg_catalog has none of exactly these types. So functions are named with their schema, and
// operators have operands of the types that they are for.
type statements struct {
	version                          string
	create, replace, remove          string
	get, find                        string
	recordUse                        string
	value, insert, swap, removeValue string
	newest, follow                   string
	since, byClock                   string
	pruneSeen, pruneOld              string
	lists, counts                    [shapes]string
	channel, listen                  string
}

// schemaName leaves room for the channel's name beside it in the 63 bytes that PostgreSQL gives a name.
var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

const whySchema = "the name of a schema is 1 to 48 of a-z, 0-9 and _, and begins with no digit"

// now is the database's clock.
const now = `(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000::float8)::bigint`

// logging follows a common table expression "changed" of the id that a statement changes, if it does, and logs it
// in the same statement, and so in the same transaction. The row of apikey_feed is locked last, after that
// of the key, and until the commit: nobody waits for a key while holding it. Were there no
// such row, sequence would be NULL, which the table refuses, and nothing would be changed.
const logging = `, numbered AS (
	UPDATE $s.apikey_feed AS f SET head = f.head + 1, stamp = greatest(f.stamp, $now)
	FROM changed RETURNING f.head, f.stamp)
INSERT INTO $s.apikey_changes (sequence, tag, id, stamp, wall)
SELECT numbered.head, $1::bigint, changed.id, numbered.stamp, $now FROM changed LEFT JOIN numbered ON true`

// onPrimary is read with everything else: a standby may lag, and what it answers is no answer.
const onPrimary = `NOT pg_catalog.pg_is_in_recovery()`

// instance tells one start of a server from every other, and from all other servers.
const instance = `(pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) * 1000000::float8)::bigint`

func newStatements(schema string) (*statements, error) {
	if !schemaName.MatchString(schema) {
		return nil, fmt.Errorf("pgstore: Schema: %s", whySchema)
	}
	sql := func(text string) string {
		return strings.NewReplacer("$s", `"`+schema+`"`, "$now", now, "$primary", onPrimary, "$instance", instance).Replace(text)
	}
	q := &statements{
		version: sql(`SELECT coalesce(pg_catalog.max(version), 0) FROM $s.apikey_schema`),

		create: sql(`INSERT INTO $s.apikey_keys
	(id, version, body, subject, type, name_fold, unique_key, expires_at, revoked_at, numbers, last_used, used)
VALUES ($1::uuid, 1, $2::bytea, $3::text, $4::text, $5::text, $6::bytea, $7::bigint, $8::bigint, $9::integer[], $10::bigint, $11::bigint[])`),
		// get is nearly as quick as a bare SELECT. But where it finds nothing it does not say who found nothing; find does.
		get: sql(`SELECT $primary, ` + columns + ` FROM $s.apikey_keys AS k WHERE k.id = $1::uuid`),
		find: sql(`SELECT $primary, ` + absent + `
FROM (VALUES (1)) AS one (n) LEFT JOIN $s.apikey_keys AS k ON k.id = $1::uuid`),
		replace: sql(`WITH changed AS (
	UPDATE $s.apikey_keys AS k SET
		version = $3::bigint + 1, body = $4::bytea, subject = $5::text, type = $6::text, name_fold = $7::text,
		unique_key = $8::bytea, expires_at = $9::bigint, revoked_at = $10::bigint, numbers = $11::integer[],
		used = ARRAY(SELECT coalesce(k.used[pg_catalog.array_position(k.numbers, n.number)], 0)
			FROM pg_catalog.unnest($11::integer[]) WITH ORDINALITY AS n (number, place) ORDER BY n.place)
	WHERE k.id = $2::uuid AND k.version = $3::bigint RETURNING k.id)` + logging),
		remove: sql(`WITH changed AS (DELETE FROM $s.apikey_keys WHERE id = $2::uuid RETURNING id)` + logging),

		// given has a row for each record and number. The records are locked in the order of their ids, as
		// every batch does, so that two batches never wait for each other.
		recordUse: sql(`WITH given AS (
	SELECT id, pg_catalog.array_agg(number) AS numbers, pg_catalog.array_agg(at) AS ats FROM (
		SELECT id, number, pg_catalog.max(at) AS at FROM ROWS FROM (pg_catalog.unnest($1::uuid[]), pg_catalog.unnest($2::integer[]), pg_catalog.unnest($3::bigint[])) AS u (id, number, at)
		GROUP BY id, number) AS latest GROUP BY id),
held AS (
	SELECT k.id FROM $s.apikey_keys AS k WHERE k.id = ANY ($1::uuid[]) ORDER BY k.id FOR NO KEY UPDATE)
UPDATE $s.apikey_keys AS k SET
	last_used = greatest(k.last_used, (SELECT pg_catalog.max(g.at) FROM ROWS FROM (pg_catalog.unnest(given.numbers), pg_catalog.unnest(given.ats)) AS g (number, at)
		WHERE g.number = ANY (k.numbers))),
	used = ARRAY(SELECT greatest(c.used, given.ats[pg_catalog.array_position(given.numbers, c.number)])
		FROM ROWS FROM (pg_catalog.unnest(k.numbers), pg_catalog.unnest(k.used)) WITH ORDINALITY AS c (number, used, place) ORDER BY c.place)
FROM held JOIN given USING (id)
WHERE k.id = held.id AND EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(given.numbers), pg_catalog.unnest(given.ats)) AS g (number, at)
	WHERE g.number = ANY (k.numbers)
	AND (g.at > k.last_used OR g.at > k.used[pg_catalog.array_position(k.numbers, g.number)]))`),

		value: sql(`SELECT $primary, v.value
FROM (VALUES (1)) AS one (n) LEFT JOIN $s.apikey_values AS v ON v.name = $1::bytea`),
		insert:      sql(`INSERT INTO $s.apikey_values (name, value) VALUES ($1::bytea, $2::bytea) ON CONFLICT DO NOTHING`),
		swap:        sql(`UPDATE $s.apikey_values SET value = $3::bytea WHERE name = $1::bytea AND value = $2::bytea`),
		removeValue: sql(`DELETE FROM $s.apikey_values WHERE name = $1::bytea AND value = $2::bytea`),

		newest: sql(`SELECT $primary, $instance, sequence, tag FROM $s.apikey_changes ORDER BY sequence DESC LIMIT 1`),
		follow: sql(`SELECT $primary, $instance, sequence, tag, id FROM $s.apikey_changes WHERE sequence >= $1::bigint ORDER BY sequence LIMIT $2::bigint`),

		since: sql(`SELECT $primary, $instance, sequence, tag, id FROM $s.apikey_changes WHERE sequence >= $1::bigint ORDER BY sequence`),
		// The first row, of no id, says who answers, also where there is no other.
		byClock: sql(`SELECT $primary, $instance, -1 AS sequence, 0 AS tag, '00000000-0000-0000-0000-000000000000'::uuid AS id
UNION ALL SELECT $primary, $instance, sequence, tag, id FROM $s.apikey_changes
WHERE sequence > $1::bigint OR greatest($now, (SELECT stamp FROM $s.apikey_feed)) - stamp <= $2::bigint OR $now - wall <= $2::bigint ORDER BY sequence`),

		// Both prune from the beginning on and leave no hole, which would look like a change that is still to come. Who comes second waits for
		// the first. The mark's own entry has to be there: in a log that was taken back its number is another's, who may be young, or nobody's.
		pruneSeen: sql(`DELETE FROM $s.apikey_changes WHERE sequence IN (
	SELECT sequence FROM $s.apikey_changes WHERE sequence < $1::bigint
	AND EXISTS (SELECT FROM $s.apikey_changes WHERE sequence = $1::bigint AND tag = $2::bigint)
	ORDER BY sequence LIMIT $3::bigint)`),
		pruneOld: sql(`WITH oldest AS (
	SELECT sequence, coalesce((SELECT stamp FROM $s.apikey_feed) - stamp > $1::bigint AND $now - wall > $1::bigint, false) AS old
	FROM $s.apikey_changes ORDER BY sequence LIMIT $2::bigint)
DELETE FROM $s.apikey_changes
WHERE sequence <= (SELECT pg_catalog.max(sequence) FROM oldest)
	AND sequence < coalesce((SELECT pg_catalog.min(sequence) FROM oldest WHERE NOT old), 9223372036854775807)
	AND sequence < (SELECT pg_catalog.max(sequence) FROM $s.apikey_changes)`),

		channel: "apikey_" + schema,
		listen:  `LISTEN "apikey_` + schema + `"`,
	}
	for s := range shape(shapes) {
		q.lists[s], q.counts[s] = sql(s.list()), sql(s.count())
	}
	return q, nil
}
