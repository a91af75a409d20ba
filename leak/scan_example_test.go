package leak_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// A key that was issued here and is in a file where it should not be is revoked.
func ExampleScan() {
	ctx := context.Background()
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()
	key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "deploy"})
	if err != nil {
		log.Fatal(err)
	}

	file := strings.NewReader("services:\n  web:\n    environment:\n      - API_KEY=" + secret.Reveal() + "\n")
	for found, err := range leak.Scan(file, issuer.Prefix()) {
		if err != nil {
			log.Fatal(err)
		}
		leaked, err := verifier.Recognize(ctx, found.Reveal())
		if err != nil {
			continue // not ours, or dead already
		}
		fmt.Println("at byte", found.Offset, "of", leaked.Subject(), leaked.ID() == key.ID())
		if _, err := issuer.Revoke(ctx, found.KeyID, apikey.RevokeParams{Reason: "leaked"}); err != nil {
			log.Fatal(err)
		}
	}
	_, err = verifier.Verify(ctx, secret.Reveal())
	fmt.Println(err != nil)
	// Output:
	// at byte 50 of user_1 true
	// true
}
