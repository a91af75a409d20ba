package pgstore

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seed-d3a9fb6b/apikey"
)

func uuid(id apikey.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// ms returns a time as the tables have it. The record's encoding has refused what that can't be said of.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// row is a record as the table of keys has it.
type row struct {
	body         []byte
	subject, typ string
	nameFold     string
	uniqueKey    []byte
	expires      int64
	revoked      int64
	numbers      []int32
	lastUsed     int64
	used         []int64
}

// newRow returns the row of a record with this version.
func newRow(r *apikey.Record, version uint64) (*row, error) {
	if r.ID.IsZero() {
		return nil, errors.New("pgstore: the record has no id")
	}
	if _, err := r.MarshalBinary(); err != nil { // also of the last uses, which are left out below
		return nil, err
	}
	c := r.Clone()
	w := &row{
		subject: c.Subject, typ: c.Type, nameFold: c.NameFold, expires: ms(c.ExpiresAt), revoked: ms(c.RevokedAt),
		lastUsed: ms(c.LastUsedAt), numbers: make([]int32, len(c.Credentials)), used: make([]int64, len(c.Credentials)),
	}
	if c.UniqueKey != "" {
		w.uniqueKey = []byte(c.UniqueKey)
	}
	c.Version, c.LastUsedAt = version, time.Time{}
	for i := range c.Credentials {
		one := &c.Credentials[i]
		w.numbers[i], w.used[i] = int32(one.Number), ms(one.LastUsedAt)
		one.LastUsedAt = time.Time{}
	}
	var err error
	w.body, err = c.MarshalBinary()
	return w, err
}

var errRow = errors.New("a row does not agree with its body: it was changed by hand")

// columns are those of a stored row, and absent those of one that there may not be.
const (
	columns = `k.version, k.body, k.subject, k.type, k.expires_at, k.revoked_at, k.last_used, k.used`
	absent  = `coalesce(k.version, -9223372036854775808), k.body, coalesce(k.subject, ''), coalesce(k.type, ''), coalesce(k.expires_at, 0), ` +
		`coalesce(k.revoked_at, 0), coalesce(k.last_used, 0), k.used`
)

// noVersion is that of no row.
const noVersion = math.MinInt64

// stored is a row as it is read.
type stored struct {
	row
	version int64
}

func (s *stored) targets() []any {
	return []any{&s.version, &s.body, &s.subject, &s.typ, &s.expires, &s.revoked, &s.lastUsed, &s.used}
}

// record returns the record of a row. What statements search by must be what the body says: else who revokes a key, or moves it, by
// hand would see it revoked in a list, while it is accepted.
func (s *stored) record(id apikey.ID) (*apikey.Record, error) {
	r := new(apikey.Record)
	if err := r.UnmarshalBinary(s.body); err != nil {
		return nil, fmt.Errorf("pgstore: key %s: %w", id, err)
	}
	if r.ID != id || s.version <= 0 || r.Version != uint64(s.version) || r.Subject != s.subject || r.Type != s.typ ||
		ms(r.ExpiresAt) != s.expires || ms(r.RevokedAt) != s.revoked ||
		len(s.used) != len(r.Credentials) {
		return nil, fmt.Errorf("pgstore: key %s: %w", id, errRow)
	}
	r.LastUsedAt = fromMS(s.lastUsed)
	for i := range r.Credentials {
		r.Credentials[i].LastUsedAt = fromMS(s.used[i])
	}
	return r, nil
}

// storable reports whether there may be a row with this version.
func storable(version uint64) bool { return version > 0 && version < math.MaxInt64 }
