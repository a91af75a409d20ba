package memstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func Example() {
	ctx := context.Background()
	store := memstore.New()
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
	// Output: user_1 true
}
