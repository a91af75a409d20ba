package boltstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

func Example() {
	folder, err := os.MkdirTemp("", "boltstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()

	store, err := boltstore.Open(filepath.Join(folder, "keys.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	issuer, err := apikey.NewIssuer(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	key, _, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "build server"})
	if err != nil {
		log.Fatal(err)
	}

	// Another day, another process.
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}
	store, err = boltstore.Open(filepath.Join(folder, "keys.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	issuer, err = apikey.NewIssuer(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	key, err = issuer.Get(ctx, key.ID())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Subject(), key.Name(), key.Revoked())
	// Output: user_1 build server false
}

func ExampleStore_Backup() {
	folder, err := os.MkdirTemp("", "boltstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	store, err := boltstore.Open(filepath.Join(folder, "keys.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	file, err := os.OpenFile(filepath.Join(folder, "backup.db"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Backup(file); err != nil {
		log.Fatal(err)
	}
	if err := file.Sync(); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}

	backup, err := boltstore.Open(file.Name(), &boltstore.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	defer backup.Close()
	n, err := backup.Count(context.Background(), apikey.Filter{})
	fmt.Println(n, err)
	// Output: 0 <nil>
}
