package httpapi

import (
	"net/http"
	"strings"
)

const documentPath = "openapi.json"

// target returns what the path asks for: what follows the first segment api_keys, with its
// slash, or the document. Nothing in it is decoded: ids need no escapes, and whoever guards a path
// in front of this sees the same text.
func target(path string) (string, bool) {
	if i := strings.Index(path+"/", "/api_keys/"); i >= 0 {
		return path[i+len("/api_keys"):], true
	}
	if strings.HasSuffix(path, "/"+documentPath) {
		return documentPath, true
	}
	return "", false
}

// operation answers a request.
type operation func(*request) (*reply, error)

// route returns the operation for what follows /api_keys, and the id of the key that it is for.
func (a *api) route(path, method string) (operation, string, error) {
	segments := strings.Split(path, "/")[1:] // path is "" or begins with a slash
	var methods map[string]operation
	var id string
	switch {
	case len(segments) == 0:
		methods = map[string]operation{"GET": list, "POST": create}
	case len(segments) == 1 && segments[0] == "verify":
		methods = map[string]operation{"POST": verify}
	case len(segments) == 1 && segments[0] != "":
		id = segments[0]
		methods = map[string]operation{"GET": get, "PATCH": update, "DELETE": remove}
	case len(segments) == 2 && segments[0] != "":
		id = segments[0]
		methods = map[string]map[string]operation{
			"secret": {"GET": secret}, "revoke": {"POST": revoke}, "rotate": {"POST": rotate},
		}[segments[1]]
	}
	if methods == nil {
		return nil, "", noRoute
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if methods[method] == nil {
		return nil, "", notAllowed(methods)
	}
	if id == "" {
		return methods[method], "", nil
	}
	id, err := a.keyID(id)
	return methods[method], id, err
}

// keyID returns an id as the Issuer writes it: "api_key_" is what ids once began with at Clerk.
func (a *api) keyID(segment string) (string, error) {
	const digits = 32
	cut := len(segment) - digits
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
