package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func Example() {
	store := memstore.New()
	issuer, _ := apikey.NewIssuer(store, &apikey.IssuerOptions{UniqueNames: true})
	verifier, _ := apikey.NewVerifier(store, nil)
	defer verifier.Close()
	api, err := httpapi.New(issuer, verifier, &httpapi.Options{Tokens: []string{"sk_of_the_operators_0001"}})
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.Handle("/", api) // /api_keys, /v1/api_keys and /openapi.json

	body := `{"name":"deploy","subject":"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk","scopes":["write"]}`
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/v1/api_keys", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer sk_of_the_operators_0001")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `"secret":"ak_`))
	// Output: 201 true
}

// Signed-in users manage their own keys.
func ExampleOptions_authorize() {
	store := memstore.New()
	issuer, _ := apikey.NewIssuer(store, &apikey.IssuerOptions{UniqueNames: true})
	verifier, _ := apikey.NewVerifier(store, nil)
	defer verifier.Close()
	userOf := func(*http.Request) string { return "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk" } // your sessions
	api, _ := httpapi.New(issuer, verifier, &httpapi.Options{
		Authorize: func(r *http.Request) (httpapi.Caller, error) {
			user := userOf(r)
			if user == "" {
				return httpapi.Caller{}, &httpapi.Error{Status: http.StatusUnauthorized, Message: "Sign in first."}
			}
			if httpapi.Operation(r) == "deleteApiKey" { // what was revoked is kept for the records
				return httpapi.Caller{}, &httpapi.Error{Status: http.StatusForbidden, Message: "Revoke it."}
			}
			return httpapi.Caller{Subjects: []string{user}, Scopes: []string{"read", "write"}, Name: user}, nil
		},
	})
	protected := http.NewCrossOriginProtection().Handler(api) // for sessions in a cookie

	send := func(method, target, body string) {
		w := httptest.NewRecorder()
		protected.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
		var reply struct {
			Errors []struct{ Code, Message string }
		}
		json.Unmarshal(w.Body.Bytes(), &reply)
		fmt.Println(w.Code, reply.Errors)
	}
	send("POST", "/api_keys", `{"name":"deploy","subject":"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk","scopes":["write"]}`)
	send("POST", "/api_keys", `{"name":"escape","subject":"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk","scopes":["admin"]}`)
	send("GET", "/api_keys?subject=org_2xhFjEI5X2qWRvtV13BzSj8H6Dk", "")
	send("DELETE", "/api_keys/ak_00000000000000000000000000000000", "")
	// Output:
	// 201 []
	// 403 [{feature_not_enabled scopes is not yours to say.}]
	// 404 [{resource_not_found There is no such API key.}]
	// 403 [{feature_not_enabled Revoke it.}]
}

func ExampleWriteError() {
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpapi.WriteError(w, &httpapi.Error{Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Second})
	})
	w := httptest.NewRecorder()
	limited.ServeHTTP(w, httptest.NewRequest("GET", "/api_keys", nil))
	fmt.Println(w.Code, w.Header().Get("Retry-After"), w.Body)
	// Output: 429 2 {"errors":[{"message":"Too Many Requests.","long_message":"Too Many Requests.","code":"too_many_requests"}]}
}
