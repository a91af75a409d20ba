// Package bearer reads Authorization headers (RFC 9110, section 11.6.2; RFC 6750, section 2.1),
// byte by byte: what Unicode takes for a space or for a letter of another case is neither here.
package bearer

// Credentials returns what follows the scheme in the value of an Authorization header: after
// one space, uninterpreted. false: the scheme is another. scheme is given in lower case, and
// compared without regard to the case of ASCII letters.
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
	if value[len(scheme)] != ' ' {
		return "", false
	}
	return value[len(scheme)+1:], true
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

var token = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/") {
		is[c] = true
	}
	return is
}()
