package sts_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// newKey returns what a service needs, and the text of a key.
func newKey() (apikey.Store, *apikey.Issuer, *apikey.Verifier, *apikey.Key, string) {
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	key, secret, err := issuer.Create(context.Background(), apikey.CreateParams{Subject: "user_1", Name: "ci", Scopes: []string{"read", "write"}})
	if err != nil {
		log.Fatal(err)
	}
	return store, issuer, verifier, key, secret.Reveal()
}

// A key is exchanged for a token that lives for minutes, and dies with the key.
func Example() {
	ctx := context.Background()
	store, issuer, verifier, key, text := newKey()
	defer verifier.Close()

	service, err := sts.NewService(store, verifier, "https://auth.example.com", &sts.ServiceOptions{
		Audiences: []string{"https://api.example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := service.Exchange(ctx, text, sts.ExchangeParams{Scopes: []string{"read"}, TTL: time.Minute})
	if err != nil {
		log.Fatal(err)
	}

	tokens, err := service.Verifier("https://api.example.com")
	if err != nil {
		log.Fatal(err)
	}
	verified, err := tokens.Verify(ctx, token.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verified.Subject(), verified.Scopes(), verified.ID() == key.ID())

	if _, err := issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{Reason: "leaked"}); err != nil {
		log.Fatal(err)
	}
	_, err = tokens.Verify(ctx, token.Reveal())
	fmt.Println(errors.Is(err, apikey.ErrRevoked))
	// Output:
	// user_1 [read] true
	// true
}

// A handler that takes keys and tokens, told apart by their shape.
func ExampleService_Verifier() {
	store, _, verifier, _, text := newKey()
	defer verifier.Close()
	service, err := sts.NewService(store, verifier, "https://auth.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := service.Verifier("") // of the one audience that there is: the issuer
	if err != nil {
		log.Fatal(err)
	}
	token, err := service.Exchange(context.Background(), text, sts.ExchangeParams{Scopes: []string{"read"}})
	if err != nil {
		log.Fatal(err)
	}

	auth := httpauth.Middleware(httpauth.AnyOf(verifier, tokens), nil)
	handler := auth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _ := apikey.FromContext(r.Context())
		fmt.Fprint(w, key.Type(), " ", key.Scopes())
	}))
	for _, credential := range []string{text, token.Reveal(), "guessed"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+credential)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Println(w.Code, w.Body)
		} else {
			fmt.Println(w.Code)
		}
	}
	// Output:
	// 200 api_key [read write]
	// 200 access_token [read]
	// 401
}

// A process that has no store: it fetches the signing keys, and what died lately.
func ExampleNewVerifier() {
	store, _, verifier, _, text := newKey()
	defer verifier.Close()

	// The service has the name under which it is reached, here one that a test server makes up.
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	defer server.Close()
	service, err := sts.NewService(store, verifier, server.URL, &sts.ServiceOptions{Audiences: []string{"https://api.example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	if handler, err = sts.Handler(service, nil); err != nil {
		log.Fatal(err)
	}
	token, err := service.Exchange(context.Background(), text, sts.ExchangeParams{})
	if err != nil {
		log.Fatal(err)
	}

	tokens, err := sts.NewVerifier(server.URL, "https://api.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	key, err := tokens.Verify(context.Background(), token.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Subject(), key.Scopes())

	others, err := sts.NewVerifier(server.URL, "https://billing.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer others.Close()
	_, err = others.Verify(context.Background(), token.Reveal())
	fmt.Println(errors.Is(err, apikey.ErrRejected))
	// Output:
	// user_1 [read write]
	// true
}

// Any OAuth 2.0 client can make the exchange: the id of the key is the client's, and its text the secret.
func ExampleHandler() {
	store, issuer, verifier, key, text := newKey()
	defer verifier.Close()
	service, err := sts.NewService(store, verifier, "https://auth.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := sts.Handler(service, &sts.Options{Issuer: issuer})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	answer, err := http.PostForm(server.URL+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {key.ID()}, "client_secret": {text}, "scope": {"read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode, answer.Header.Get("Content-Type"), answer.Header.Get("Cache-Control"))
	// Output:
	// 200 application/json no-store
}
