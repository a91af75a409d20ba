package examples_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// user is an owner of keys as Clerk names them.
const user = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"

// object holds the fields of a key that these tests look at.
type object struct {
	ID         string   `json:"id"`
	Secret     string   `json:"secret"`
	Scopes     []string `json:"scopes"`
	Revoked    bool     `json:"revoked"`
	LastUsedAt *int64   `json:"last_used_at"`
}

// answer is all of a response.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request with a bearer token, "": none.
func do(ctx context.Context, client *http.Client, method, url, bearer, body string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return send(client, r)
}

func send(client *http.Client, r *http.Request) (*answer, error) {
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return &answer{response.StatusCode, response.Header, string(text)}, err
}

// call is do that has to get this status.
func call(t *testing.T, method, url, bearer, body string, want int) *answer {
	t.Helper()
	a, err := do(t.Context(), http.DefaultClient, method, url, bearer, body)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != want {
		t.Fatalf("%s %s is %d, want %d: %s", method, url, a.Status, want, a.Body)
	}
	return a
}

func decode[T any](t *testing.T, a *answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return v
}

// createBody is that of a request for a key.
func createBody(name string) string {
	return fmt.Sprintf(`{"name":%q,"subject":%q,"scopes":["read"],"claims":{"plan":"pro"}}`, name, user)
}

// create makes a key.
func create(t *testing.T, p *process, name string) object {
	t.Helper()
	return decode[object](t, call(t, "POST", p.URL+"/v1/api_keys", p.Token, createBody(name), http.StatusCreated))
}
