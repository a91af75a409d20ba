// Package leak finds keys where they should not be, keeps them out of logs, and tells scanners what they look like.
//
//	for found, err := range leak.Scan(file) { // every key in a text, by its form and its checksum
//
//	log.SetOutput(leak.NewWriter(os.Stderr, nil))          // keys are cut out of what is written
//	slog.SetDefault(slog.New(leak.NewLogHandler(handler, nil))) // and out of log records
//
//	rules, err := leak.GitleaksRules(issuer.Prefix())      // for other people's scanners
//
// A key is found in its own spelling, byte for byte, whatever stands before or behind it. It is not found in another
// encoding (UTF-16, base64, gzip, _ written as %5F), broken up by line breaks or markup, cut up into several
// attributes of a log record, or changed in a letter. Decode first.
package leak

import (
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// The text of a key is a prefix, an underscore and bodyDigits digits of base 62: see the root's token.go.
const (
	maxPrefix  = 24
	idDigits   = 22 // of the body: they are public
	bodyDigits = 72
)

// isDigit tells the digits of base 62.
var isDigit = func() (is [256]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	return is
}()

// inPrefix tells the characters of a prefix.
func inPrefix(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' }

// checkPrefixes holds prefixes to the rule of [apikey.IssuerOptions]. It does not repeat them: somebody may have put
// a key there.
func checkPrefixes(prefixes []string) error {
	for _, p := range prefixes {
		if _, _, err := apikey.ParseKeyID(p + "_" + strings.Repeat("0", 32)); err != nil {
			return &apikey.ValidationError{Field: "prefixes", Reason: "one is not [a-z][a-z0-9]*(_[a-z0-9]+)* of at most 24 characters"}
		}
	}
	return nil
}
