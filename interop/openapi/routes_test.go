package openapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// probe is a request that has no more than a route, and whether there is one.
type probe struct {
	method, path string
	answered     bool
}

// paths are those of the document and others; ID is that of a key.
var paths = []string{
	"/api_keys", "/api_keys/verify", "/api_keys/ID", "/api_keys/ID/secret", "/api_keys/ID/revoke", "/api_keys/ID/rotate", "/openapi.json",

	"/", "", "/v2", "/api_key", "/api_keys/", "/api_keys//", "/API_KEYS", "/apikeys", "/keys", "/api_keysx/ID",
	"/api_keys/verify/", "/api_keys/verify/secret", "/api_keys/verify/x", "/api_keys/verify/revoke", "/api_keys/secret", "/api_keys/rotate",
	"/api_keys/Verify", "/api_keys/ID/", "/api_keys/ID//", "/api_keys//secret", "/api_keys/ID/verify", "/api_keys/ID/delete",
	"/api_keys/ID/unrevoke", "/api_keys/ID/Secret", "/api_keys/ID/secret/", "/api_keys/ID/secret/x", "/api_keys/ID/revoke/x",
	"/api_keys/ID/rotate/", "/api_keys/ID/openapi.json", "/openapi", "/openapi.yaml", "/openapi.json/", "/OpenAPI.json",
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "get", "BREW"}

// probes asks for every method of every path, below every server of the document, each with a key of its own.
func probes(t *testing.T, servers []string) (all []probe) {
	t.Helper()
	h := newAPI(t, httpapi.Options{}, nil)
	noRoute := h.call(t.Context(), "GET", "/nothing", "")
	if noRoute.Code != http.StatusNotFound {
		t.Fatalf("%d %s", noRoute.Code, noRoute.Body)
	}
	for _, server := range servers {
		for _, path := range paths {
			for _, method := range methods {
				id, _ := h.create(t, "abc")
				w := h.call(t.Context(), method, strings.TrimSuffix(server, "/")+strings.ReplaceAll(path, "ID", id), "")
				none := w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotFound && w.Body.String() == noRoute.Body.String()
				if !none && w.Code == http.StatusNotFound {
					t.Errorf("%s %s: the key is not found", method, path)
				}
				all = append(all, probe{method, strings.ReplaceAll(path, "ID", id), !none})
			}
		}
	}
	return all
}

// servers returns the URLs of the document's servers.
func (d *document) servers() (urls []string) {
	value, _ := d.at("servers")
	all, _ := value.([]any)
	for i := range all {
		url, _ := d.at("servers", fmt.Sprint(i), "url")
		urls = append(urls, fmt.Sprint(url))
	}
	return urls
}

// route returns the path of the document that a path is one of; "": none. One without parameters goes first.
func (d *document) route(path string) string {
	if d.has("paths", path) {
		return path
	}
	for _, o := range d.operations() {
		pattern, segments := strings.Split(o.path, "/"), strings.Split(path, "/")
		if slices.EqualFunc(pattern, segments, func(p, s string) bool { return p == s || p == "{id}" && s != "" }) {
			return o.path
		}
	}
	return ""
}

// unlike says which probes found a route that is not in the document, or none that is.
func unlike(d *document, all []probe) (problems []string) {
	known := map[operation]bool{}
	for _, p := range all {
		o := operation{p.method, d.route(p.path)}
		if o.method == "HEAD" { // is to be answered wherever GET is (RFC 9110, section 9.1)
			o.method = "GET"
		}
		documented := o.path != "" && slices.Contains(d.operations(), o)
		if documented != p.answered {
			problems = append(problems, fmt.Sprintf("%s %s: answered %v, documented %v", p.method, p.path, p.answered, documented))
		}
		known[o] = true
	}
	for _, o := range d.operations() {
		if !known[o] {
			problems = append(problems, fmt.Sprintf("%s is not probed", o))
		}
	}
	return problems
}

// Every route of the document is there, and every one that is there is in the document.
func TestRoutes(t *testing.T) {
	t.Parallel()
	d := parsed(t, served(t))
	if servers := d.servers(); !slices.Equal(servers, []string{"."}) {
		t.Errorf("servers %q", servers)
	}
	for _, problem := range unlike(d, probes(t, []string{"", "/v1", "/any/mount"})) {
		t.Error(problem)
	}
}
