package leak_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// A file for gitleaks dir --config.
func ExampleGitleaksRules() {
	rules, err := leak.GitleaksRules("ak")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(rules)
	// Output:
	// [[rules]]
	// id = "apikey-ak"
	// description = "API key that begins with ak_"
	// regex = '''ak_((?:[0-9A-L][0-9A-Za-z]{10}){6}[0-4][0-9A-Za-z]{5})'''
	// entropy = 3
	// keywords = ["ak_"]
}

// A file for trufflehog filesystem --config.
func ExampleTruffleHogDetectors() {
	detectors, err := leak.TruffleHogDetectors("https://api.example.com/leaked", "ak")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(detectors)
	// Output:
	// detectors:
	//   - name: 'apikey-ak'
	//     keywords:
	//       - 'ak_'
	//     regex:
	//       key: 'ak_(?:[0-9A-L][0-9A-Za-z]{10}){6}[0-4][0-9A-Za-z]{5}'
	//     verify:
	//       - endpoint: "https://api.example.com/leaked"
	//         unsafe: false
	//         successRanges:
	//           - '200'
	//         rotatedRanges:
	//           - '401'
	//           - '403'
}

// leaked answers TruffleHog, which posts {"apikey-ak": {"key": ["ak_…"]}}: 200 for a key that lives, 403 for any other.
func leaked(v *apikey.Verifier) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var finds map[string]map[string][]string
		if json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&finds) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		status := http.StatusForbidden
		for _, matches := range finds {
			for _, match := range matches["key"] {
				_, err := v.Recognize(r.Context(), match)
				if err == nil {
					w.WriteHeader(http.StatusOK)
					return
				}
				if !errors.Is(err, apikey.ErrRejected) {
					status = http.StatusServiceUnavailable // TruffleHog asks again another time
				}
			}
		}
		w.WriteHeader(status)
	}
}

func ExampleTruffleHogDetectors_verify() {
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: hash.Params{Memory: 8, Time: 1, Threads: 1}}) // for an example only
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()
	ask := func(key string) int {
		w := httptest.NewRecorder()
		leaked(verifier)(w, httptest.NewRequest("POST", "/leaked", strings.NewReader(`{"apikey-ak":{"key":["`+key+`"]}}`)))
		return w.Code
	}
	ctx := context.Background()
	key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "deploy"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ask(secret.Reveal()), ask(somebodys))
	if _, err := issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{Reason: "leaked"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(ask(secret.Reveal()))
	// Output:
	// 200 403
	// 403
}
