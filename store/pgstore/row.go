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

var errRow = errors.New("a row does not agree with itself: it was not written by this package")

// record returns the record of a row.
func record(id apikey.ID, version int64, body []byte, lastUsed int64, used []int64) (*apikey.Record, error) {
	r := new(apikey.Record)
	if err := r.UnmarshalBinary(body); err != nil {
		return nil, fmt.Errorf("pgstore: key %s: %w", id, err)
	}
	if r.ID != id || version <= 0 || r.Version != uint64(version) || len(used) != len(r.Credentials) {
		return nil, fmt.Errorf("pgstore: key %s: %w", id, errRow)
	}
	r.LastUsedAt = fromMS(lastUsed)
	for i := range r.Credentials {
		r.Credentials[i].LastUsedAt = fromMS(used[i])
	}
	return r, nil
}

// storable reports whether there may be a row with this version.
func storable(version uint64) bool { return version > 0 && version < math.MaxInt64 }
