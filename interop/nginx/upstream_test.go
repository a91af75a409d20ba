package nginx_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// upstream is what nginx protects. It remembers what arrives.
type upstream struct {
	address string
	arrived chan *http.Request
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{arrived: make(chan *http.Request, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.arrived <- r
		switch r.URL.Path {
		case "/api/echo":
			io.Copy(w, r.Body)
			return
		case "/api/broken", "/admin/broken":
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, "from the upstream")
	}))
	t.Cleanup(server.Close)
	u.address = strings.TrimPrefix(server.URL, "http://")
	return u
}

// request returns the only request that has arrived since the last call; nil: none.
func (u *upstream) request(t *testing.T) *http.Request {
	t.Helper()
	select {
	case r := <-u.arrived:
		if len(u.arrived) > 0 {
			t.Error("more than one request arrived")
		}
		return r
	default:
		return nil
	}
}

// get sends a request to nginx with these headers, given as name, value, name, value.
func get(t *testing.T, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = append(r.Header[headers[i]], headers[i+1]) // spelt as it is
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}
