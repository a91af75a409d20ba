package serverproc_test

import (
	"net/http"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// It answers, and takes its token.
func TestStart(t *testing.T) {
	t.Parallel()
	server := serverproc.Start(t)
	for token, want := range map[string]int{server.Token: http.StatusOK, "another": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api_keys?subject=user_2xhFjEI5X2qWRvtV13BzSj8H6Dk", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("with the token %q the status is %d, want %d", token, response.StatusCode, want)
		}
	}
}

// It answers, and takes no token that manages keys.
func TestStartResource(t *testing.T) {
	t.Parallel()
	server := serverproc.StartWith(t, []string{"-audiences", "https://api.example.com"})
	resource := serverproc.StartResource(t, server.URL, "-audience", "https://api.example.com")
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/whoami": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", resource+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+server.Token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, response.StatusCode, want)
		}
	}
}
