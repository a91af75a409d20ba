package main

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// filled returns a job on a schema with keys, and an Issuer for them.
func filled(t *testing.T) (job, *apikey.Issuer) {
	t.Helper()
	j := job{Keyring: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)), Options: small(t)}
	_, j.Schema = pgtest.Schema(t)
	store, err := pgstore.Open(t.Context(), j.Options.DSN, &pgstore.Options{Schema: j.Schema, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	issuer, _, err := j.issuer(store, j.Options.Loaders)
	if err != nil {
		t.Fatal(err)
	}
	if j.Texts, err = fill(t.Context(), issuer, j.Options); err != nil {
		t.Fatal(err)
	}
	return j, issuer
}
