package apikey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func Example() {
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

	key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "ci", Scopes: []string{"read"}})
	if err != nil {
		log.Fatal(err)
	}
	text := secret.Reveal() // to be shown to its owner, this once

	verified, err := verifier.Verify(ctx, text)
	fmt.Println(verified.Subject(), verified.HasScope("read"), err)

	_, err = issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{Reason: "the laptop was stolen"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(ctx, text)
	fmt.Println(errors.Is(err, apikey.ErrRejected), errors.Is(err, apikey.ErrRevoked))
	// Output:
	// user_1 true <nil>
	// true true
}

// newServer is an Issuer and a Verifier on one store.
func newServer(opts *apikey.IssuerOptions) (*apikey.Issuer, *apikey.Verifier) {
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, opts)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	return issuer, verifier
}

// A rejection is the client's fault, and everything else is not.
func ExampleVerifier_Verify() {
	_, verifier := newServer(nil)
	defer verifier.Close()

	status := func(ctx context.Context, text string) int {
		_, err := verifier.Verify(ctx, text)
		switch {
		case err == nil:
			return http.StatusOK
		case errors.Is(err, apikey.ErrRejected):
			return http.StatusUnauthorized // the same for every reason
		default: // ErrOverloaded or ErrUnavailable: try again later
			return http.StatusServiceUnavailable
		}
	}
	fmt.Println(status(context.Background(), "ak_guessed"))
	// Output: 401
}

// During the grace of a rotation the old secret and the new one are good.
func ExampleIssuer_Rotate() {
	ctx := context.Background()
	issuer, verifier := newServer(nil)
	defer verifier.Close()
	key, old, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}

	_, fresh, err := issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	for _, secret := range []apikey.Secret{old, fresh} {
		verified, err := verifier.Verify(ctx, secret.Reveal())
		if err != nil {
			log.Fatal(err)
		}
		_, ends := verified.SecretNotAfter()
		fmt.Println(verified.ID() == key.ID(), verified.Number(), ends)
	}
	// Output:
	// true 1 true
	// true 2 false
}

// For a page on which users manage their own keys.
func ExampleIssuer_ForSubject() {
	ctx := context.Background()
	issuer, verifier := newServer(nil)
	defer verifier.Close()
	theirs, _, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_2", Name: "theirs"})
	if err != nil {
		log.Fatal(err)
	}

	mine := issuer.ForSubject("user_1") // whoever is logged in
	key, _, err := mine.Create(ctx, apikey.CreateParams{Name: "mine"})
	fmt.Println(key.Subject(), err)
	_, err = mine.Revoke(ctx, theirs.ID(), apikey.RevokeParams{})
	fmt.Println(errors.Is(err, apikey.ErrNotFound))
	// Output:
	// user_1 <nil>
	// true
}

func ExampleIssuer_Keys() {
	ctx := context.Background()
	issuer, verifier := newServer(nil)
	defer verifier.Close()
	for _, name := range []string{"laptop", "ci", "phone"} {
		if _, _, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: name}); err != nil {
			log.Fatal(err)
		}
	}

	for key, err := range issuer.Keys(ctx, apikey.Query{Subject: "user_1"}) { // newest first
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.Name())
	}
	// Output:
	// phone
	// ci
	// laptop
}

// The reply to whoever asked for the key is the one place where the secret is.
func ExampleCreatedJSON() {
	issuer, verifier := newServer(nil)
	defer verifier.Close()
	key, secret, err := issuer.Create(context.Background(), apikey.CreateParams{
		Subject: "user_1", Name: "ci", Scopes: []string{"read"}, Claims: json.RawMessage(`{"plan":"pro"}`),
	})
	if err != nil {
		log.Fatal(err)
	}

	reply, err := apikey.CreatedJSON(key, secret)
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	json.Indent(&out, reply, "", "  ")
	fmt.Println(strings.NewReplacer( // what differs each time
		key.ID(), "ak_3beecc9c60adb5f9b850e91a8ee1e992",
		secret.Reveal(), "ak_***",
		strconv.FormatInt(key.CreatedAt().UnixMilli(), 10), "1780000000000",
	).Replace(out.String()))
	// Output:
	// {
	//   "object": "api_key",
	//   "id": "ak_3beecc9c60adb5f9b850e91a8ee1e992",
	//   "type": "api_key",
	//   "subject": "user_1",
	//   "name": "ci",
	//   "description": null,
	//   "claims": {
	//     "plan": "pro"
	//   },
	//   "scopes": [
	//     "read"
	//   ],
	//   "secret": "ak_***",
	//   "revoked": false,
	//   "revocation_reason": null,
	//   "expired": false,
	//   "expiration": null,
	//   "created_by": null,
	//   "last_used_at": null,
	//   "created_at": 1780000000000,
	//   "updated_at": 1780000000000
	// }
}

// What authenticates a request hands the key on, and what serves it asks for it.
func ExampleNewContext() {
	issuer, verifier := newServer(nil)
	defer verifier.Close()
	key, _, err := issuer.Create(context.Background(), apikey.CreateParams{Subject: "user_1", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}

	ctx := apikey.NewContext(context.Background(), key)
	serve := func(ctx context.Context) {
		if key, ok := apikey.FromContext(ctx); ok {
			fmt.Println("serving", key.Subject())
		} else {
			fmt.Println("nobody has authenticated")
		}
	}
	serve(ctx)
	serve(context.Background())
	// Output:
	// serving user_1
	// nobody has authenticated
}

// A keyring comes from outside the store: from the environment, for instance, made with
// "openssl rand -base64 32". To replace the current key, put the new one behind it, in every
// process; then before it; and drop the old one when all keys in use were verified once.
func ExampleParseKeyring() {
	keyring, err := apikey.ParseKeyring("bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZyE=")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keyring)

	sealed := keyring.Seal("webhook", []byte("signing secret"), []byte("user_1"))
	opened, err := keyring.Open("webhook", sealed, []byte("user_1"))
	fmt.Println(string(opened), err)
	_, err = keyring.Open("webhook", sealed, []byte("user_2"))
	fmt.Println(errors.Is(err, apikey.ErrSealed))
	// Output:
	// [keyring]
	// signing secret <nil>
	// true
}

// A Secret can be printed by mistake without harm.
func ExampleSecret() {
	issuer, verifier := newServer(&apikey.IssuerOptions{Prefix: "acme_live"})
	defer verifier.Close()
	_, secret, err := issuer.Create(context.Background(), apikey.CreateParams{Subject: "user_1", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v %+v %q\n", secret, struct{ Secret apikey.Secret }{secret}, []apikey.Secret{secret})
	fmt.Println(secret.Reveal()[:10], len(secret.Reveal()))
	// Output:
	// [secret] {Secret:[secret]} [[secret]]
	// acme_live_ 82
}
