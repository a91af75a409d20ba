package pgstore

import "github.com/seed-d3a9fb6b/apikey"

// Columns are those of the table of keys, in the order of Row.
var Columns = []string{"id", "version", "body", "subject", "type", "name_fold", "unique_key", "expires_at", "revoked_at",
	"numbers", "last_used", "used"}

// Row is what Create writes of a record.
func Row(r *apikey.Record) ([]any, error) {
	w, err := newRow(r, 1)
	if err != nil {
		return nil, err
	}
	return []any{uuid(r.ID), int64(1), w.body, w.subject, w.typ, w.nameFold, w.uniqueKey, w.expires, w.revoked,
		w.numbers, w.lastUsed, w.used}, nil
}
