// Package bearer reads Authorization headers (RFC 9110, section 11.6.2; RFC 6750, section 2.1),
// byte by byte: what Unicode takes for a space or for a letter of another case is neither here.
package bearer

// Credentials returns what follows the scheme in the value of an Authorization header: after
// one space, uninterpreted. false: the scheme is another. scheme is given in lower case, and
// compared without regard to the case of ASCII letters.
//
// What follows by anything else that ends a scheme, such as a tab, is no credential but is not
// nothing either: laxer readers than this one find it there. It is returned as "".
func Credentials(value, scheme string) (credentials string, is bool) {
	if len(value) < len(scheme) {
		return "", false
	}
	for i := range len(scheme) {
		c := value[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != scheme[i] {
			return "", false
		}
	}
	if len(value) == len(scheme) {
		return "", true
	}
	switch c := value[len(scheme)]; {
	case c == ' ':
		return value[len(scheme)+1:], true
	case tchar[c]:
		return "", false
	}
	return "", true
}

// Valid reports whether s is a b64token of RFC 6750: letters, digits, "-", ".", "_", "~", "+"
// and "/", then any number of "=". So no list of credentials, no white space and nothing that
// could be taken apart in another way elsewhere.
func Valid(s string) bool {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	for i := range len(s) {
		if !token[s[i]] {
			return false
		}
	}
	return s != ""
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

var (
	token = set(alphanumeric + "-._~+/")
	tchar = set(alphanumeric + "!#$%&'*+-.^_`|~") // of a scheme: RFC 9110, section 5.6.2
)

func set(of string) (is [256]bool) {
	for _, c := range []byte(of) {
		is[c] = true
	}
	return is
}
