// Quickstart plays the life of one API key on a bbolt file in a temporary folder: it is issued,
// verified cold and warm, rotated with grace, revoked, and still refused after a restart.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

func main() {
	folder, err := os.MkdirTemp("", "apikey-quickstart-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), filepath.Join(folder, "keys.db"))
	os.RemoveAll(folder)
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string) error {
	store, err := boltstore.Open(path, nil)
	if err != nil {
		return err
	}
	issuer, err := apikey.NewIssuer(store, nil)
	if err != nil {
		return err
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		return err
	}

	fmt.Println("Issued. The secret is shown this once; the file holds its argon2id hash:")
	key, secret, err := issuer.Create(ctx, apikey.CreateParams{
		Subject:     "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk",
		Name:        "MY_SERVICE_API_KEY",
		Description: "This is my API Key",
		Claims:      json.RawMessage(`{"foo":"bar"}`),
		Scopes:      []string{"read", "write"},
		CreatedBy:   "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk",
		ExpiresIn:   90 * 24 * time.Hour,
	})
	if err != nil {
		return err
	}
	object, err := apikey.CreatedJSON(key, secret)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, object, "", "  "); err != nil {
		return err
	}
	fmt.Println(indented.String())

	fmt.Println("\nVerified:")
	if err := verify(ctx, verifier, "cold, by argon2id", secret); err != nil {
		return err
	}
	if err := verify(ctx, verifier, "warm, from memory", secret); err != nil {
		return err
	}

	_, rotated, err := issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		return err
	}
	fmt.Println("\nRotated, with an hour of grace; both secrets work:")
	if err := verify(ctx, verifier, "the old secret", secret); err != nil {
		return err
	}
	if err := verify(ctx, verifier, "the new secret", rotated); err != nil {
		return err
	}

	if key, err = issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{Reason: "Revoked by user"}); err != nil {
		return err
	}
	fmt.Printf("\n%s; both are refused from the next call on:\n", key.RevocationReason())
	refuse(ctx, verifier, secret, rotated)
	if err := verifier.Close(); err != nil { // writes the last-used times
		return err
	}
	stats := verifier.Stats()
	if err := store.Close(); err != nil {
		return err
	}

	if store, err = boltstore.Open(path, nil); err != nil {
		return err
	}
	defer store.Close()
	if verifier, err = apikey.NewVerifier(store, nil); err != nil {
		return err
	}
	defer verifier.Close()
	fmt.Println("\nThe file was closed and opened again; still refused:")
	refuse(ctx, verifier, secret, rotated)

	fmt.Printf("\nThe first Verifier's statistics: %d calls accepted, %d refused as revoked, %d of all from memory alone;\n"+
		"%d argon2 runs, %d reads of the store, %d last-used times written.\n",
		stats.Accepted, stats.Revoked, stats.Warm, stats.Argon2Runs, stats.StoreReads, stats.LastUsedWrites)
	return nil
}

func verify(ctx context.Context, v *apikey.Verifier, what string, secret apikey.Secret) error {
	start := time.Now()
	key, err := v.Verify(ctx, secret.Reveal())
	took := time.Since(start)
	if err != nil {
		return err
	}
	fmt.Printf("  %-18s %10v  %s, scopes %v\n", what, took, key.Subject(), key.Scopes())
	return nil
}

func refuse(ctx context.Context, v *apikey.Verifier, secrets ...apikey.Secret) {
	for _, secret := range secrets {
		_, err := v.Verify(ctx, secret.Reveal())
		fmt.Printf("  %v\n", err)
	}
}
