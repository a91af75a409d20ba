package sts

import (
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-d3a9fb6b/apikey/internal/bearer"
)

// maxForm is the longest body in bytes: a token, and a hundred scopes.
const maxForm = 64 << 10

// maxBasic is the longest that is decoded of an Authorization header, in bytes: many times an id and a key.
const maxBasic = 4 << 10

// form is what a request says (RFC 6749, appendix B).
type form map[string][]string

// readForm reads the body. A parameter without a value is as if it were not there, and one that is there twice is refused
// (section 3.2), but for those that may be (RFC 8693, section 2.1).
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, badRequest("The body is not application/x-www-form-urlencoded.")
	}
	var body []byte
	if r.Body != nil {
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm)); err != nil {
			return nil, badRequest("The body is cut off, or longer than 64 KiB.")
		}
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest("The body is not a form.")
	}
	f := form{}
	for name, all := range values {
		if len(all) > 1 && name != "resource" && name != "audience" {
			return nil, badRequest("A parameter is there twice.")
		}
		for _, value := range all {
			if value != "" {
				f[name] = append(f[name], value)
			}
		}
	}
	return f, nil
}

// get returns a parameter that is there once; "": it is not.
func (f form) get(name string) string {
	if all := f[name]; len(all) > 0 {
		return all[0]
	}
	return ""
}

// client is how a client says who it is (RFC 6749, section 2.3.1).
type client struct {
	id, secret string
	tried      bool // by a secret, or by an Authorization header
}

// client reads the credentials. Two are refused, though they were the same: who else reads the request may choose the other.
func (h *handler) client(r *http.Request, f form) (client, error) {
	c := client{id: f.get("client_id"), secret: f.get("client_secret")}
	c.tried = c.secret != ""
	if f.get("client_assertion") != "" || f.get("client_assertion_type") != "" {
		return c, h.invalidClient()
	}
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return c, nil
	}
	if len(headers) > 1 || c.tried {
		return c, badRequest("There are several credentials.")
	}
	encoded, is := bearer.Credentials(headers[0], "basic")
	if len(encoded) > maxBasic {
		return c, h.invalidClient()
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	user, password, found := strings.Cut(string(decoded), ":")
	if !is || err != nil || !found || strings.ContainsAny(encoded, "\r\n") { // which the decoder skips
		return c, h.invalidClient()
	}
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if err1 != nil || err2 != nil {
		return c, h.invalidClient()
	}
	if c.id != "" && c.id != id {
		return c, badRequest("There are two client_id.")
	}
	return client{id, secret, true}, nil
}
