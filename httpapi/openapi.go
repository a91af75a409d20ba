package httpapi

import (
	_ "embed"
	"net/http"
	"strings"
)

//go:embed openapi.json
var openAPI string

// document returns the OpenAPI document for keys with a prefix, and for any subjects.
func document(prefix string, anySubject bool) []byte {
	d := strings.ReplaceAll(openAPI, `"^(ak|api_key)_`, `"^(`+prefix+`|api_key)_`)
	d = strings.ReplaceAll(d, `"^ak_`, `"^`+prefix+`_`)
	if anySubject {
		d = strings.ReplaceAll(d, `"^(user|org|mch|scim)_\\w{27}$"`, `""`)
		d = strings.ReplaceAll(d, `"^user_\\w{27}$"`, `""`)
	}
	return []byte(d)
}

func (a *api) serveDocument(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		a.fail(w, r, notAllowed(map[string]operation{http.MethodGet: {}}))
		return
	}
	(&reply{http.StatusOK, a.document}).write(w)
}
