package pgstore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	store, err := pgstore.Open(ctx, "postgres://postgres@127.0.0.1:5432/postgres", &pgstore.Options{Migrate: true})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	issuer, err := apikey.NewIssuer(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()

	key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "CI"})
	if err != nil {
		log.Fatal(err)
	}
	verified, err := verifier.Verify(ctx, secret.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verified.Subject(), verified.ID() == key.ID())
}
