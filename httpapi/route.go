package httpapi

import (
	"net/http"
	"strings"
)

const (
	documentPath = "openapi.json"
	idDigits     = 32 // of an id, behind the prefix and "_"
)

// target returns what the path asks for: what follows the first segment api_keys, with its
// slash, or the document. Nothing in it is decoded: ids need no escapes.
func target(path string) (string, bool) {
	if i := strings.Index(path+"/", "/api_keys/"); i >= 0 {
		return path[i+len("/api_keys"):], true
	}
	if strings.HasSuffix(path, "/"+documentPath) {
		return documentPath, true
	}
	return "", false
}

// operation answers a request. Its name is the operationId in the document.
type operation struct {
	name   string
	answer func(*request) (*reply, error)
}

// match returns the operation for what follows /api_keys, and the segment that says for which key.
func match(path, method string) (o operation, segment string, err error) {
	segments := strings.Split(path, "/")[1:] // path is "" or begins with a slash
	var methods map[string]operation
	switch {
	case len(segments) == 0:
		methods = map[string]operation{"GET": {"getApiKeys", list}, "POST": {"createApiKey", create}}
	case len(segments) == 1 && segments[0] == "verify":
		methods = map[string]operation{"POST": {"verifyApiKey", verify}}
	case len(segments) == 1 && segments[0] != "":
		segment = segments[0]
		methods = map[string]operation{"GET": {"getApiKey", get}, "PATCH": {"updateApiKey", update}, "DELETE": {"deleteApiKey", remove}}
	case len(segments) == 2 && segments[0] != "":
		segment = segments[0]
		methods = map[string]map[string]operation{
			"secret": {"GET": {"getApiKeySecret", secret}},
			"revoke": {"POST": {"revokeApiKey", revoke}},
			"rotate": {"POST": {"rotateApiKey", rotate}},
		}[segments[1]]
	}
	if methods == nil {
		return operation{}, "", noRoute
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	o, is := methods[method]
	if !is {
		return operation{}, "", notAllowed(methods)
	}
	return o, segment, nil
}

// Operation returns what a request asks for, by its operationId in the OpenAPI document, such as "createApiKey": for
// [Options].Authorize. "" is for what there is not, and for the document.
func Operation(r *http.Request) string {
	path, is := target(r.URL.EscapedPath())
	if !is || path == documentPath {
		return ""
	}
	o, _, _ := match(path, r.Method)
	return o.name
}

// keyID returns an id as the Issuer writes it: "api_key_" is what ids once began with at Clerk.
func (a *api) keyID(segment string) (string, error) {
	cut := len(segment) - idDigits
	if cut < 1 || segment[cut-1] != '_' || segment[:cut-1] != a.issuer.Prefix() && segment[:cut-1] != "api_key" {
		return "", badRequest("id", "not the id of a key")
	}
	upper := false
	for _, c := range []byte(segment[cut:]) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			upper = true
		default:
			return "", badRequest("id", "not the id of a key")
		}
	}
	if upper { // well formed, and nobody's
		return "", notFound
	}
	return a.issuer.Prefix() + "_" + segment[cut:], nil
}
