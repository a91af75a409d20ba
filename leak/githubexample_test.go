package leak_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// The endpoint whose URL is given to GitHub with the enrolment.
func ExampleNewGitHub() {
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

	github, err := leak.NewGitHub(issuer, verifier, &leak.GitHubOptions{
		OnLeak: func(_ context.Context, l leak.GitHubLeak) {
			fmt.Println("mail to", l.Key.Subject(), "about", l.Key.Name(), "found at", l.Places[0].URL)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /leaks/github", github)

	// Whoever is not GitHub gets nowhere.
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/leaks/github", strings.NewReader(`[{"token":"…"}]`)))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 403 not signed by GitHub
}
