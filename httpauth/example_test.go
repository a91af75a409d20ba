package httpauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func Example() {
	store := memstore.New()
	issuer, _ := apikey.NewIssuer(store, nil)
	verifier, _ := apikey.NewVerifier(store, nil)
	defer verifier.Close()

	auth := httpauth.Middleware(verifier, &httpauth.Options{
		OnResult: func(_ context.Context, r httpauth.Result) { fmt.Println("log:", r.Reason()) },
	})
	mux := http.NewServeMux()
	mux.Handle("GET /whoami", auth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _ := apikey.FromContext(r.Context())
		fmt.Fprint(w, "you are ", key.Subject())
	})))
	mux.Handle("GET /report", auth(httpauth.RequireScopes("admin")(http.NotFoundHandler())))

	key, secret, _ := issuer.Create(context.Background(), apikey.CreateParams{Subject: "user_1", Name: "ci"})
	call := func(path string) {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+secret.Reveal())
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
	}
	call("/whoami")
	call("/report")
	issuer.Revoke(context.Background(), key.ID(), apikey.RevokeParams{Reason: "leaked"})
	call("/whoami")
	// Output:
	// log: accepted
	// 200  you are user_1
	// log: accepted
	// log: insufficient_scope
	// 403 Bearer error="insufficient_scope", scope="admin" {"type":"about:blank","title":"Forbidden","status":403,"detail":"The API key lacks a scope.","scope":"admin"}
	//
	// log: revoked
	// 401 Bearer error="invalid_token" {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The API key is not valid."}
}
