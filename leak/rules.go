package leak

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// digits is the regular expression (RE2) of what stands behind the underscore: 6 words of 64 bits and a checksum of 32,
// which never begin with a higher digit than L and 4. So of random digits it takes one text in 6,000, and needs no
// boundary on either side: with one it would miss the keys in "\nak_…", in %3Dak_…, in _ak_…_, and the first of two
// that stand together.
const digits = "(?:[0-9A-L][0-9A-Za-z]{10}){6}[0-4][0-9A-Za-z]{5}"

// GitleaksRules returns rules for gitleaks (https://github.com/gitleaks/gitleaks) that find the keys with these
// prefixes, of which at least one is required, as [apikey.Issuer.Prefix] returns them; a wrong one is a
// [*apikey.ValidationError]. They are a configuration file of their own, or a part of another:
//
//	[extend]
//	useDefault = true
//
// in front of them adds gitleaks' own rules, and what it leaves out everywhere: the files of go.mod, go.sum, vendor,
// node_modules, lock files, pictures and others, and secrets with "false" in them, in any case, or "null" at the end.
// By those it loses one key in 300,000. A prefix such as falsework does no harm: the Secret that gitleaks reports, and
// that it checks, is what stands behind the underscore.
//
// gitleaks can't check the checksum: [Scan] over the Match that it reports can. It reads files in parts of 100 to
// 125 kB, and loses a key on a boundary between them, unless an empty line is near.
func GitleaksRules(prefixes ...string) (string, error) {
	prefixes, err := required(prefixes)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, p := range prefixes {
		if i > 0 {
			b.WriteByte('\n')
		}
		// Entropy of less than 3 bits a character have 0000… and other examples, and no key: keys have over 4.
		fmt.Fprintf(&b, `[[rules]]
id = "apikey-%[1]s"
description = "API key that begins with %[1]s_"
regex = '''%[1]s_(%[2]s)'''
entropy = 3
keywords = ["%[1]s_"]
`, p, digits)
	}
	return b.String(), nil
}

// TruffleHogDetectors returns a configuration for TruffleHog (https://github.com/trufflesecurity/trufflehog), version
// 3, with a custom detector for each of these prefixes, as with [GitleaksRules].
//
// TruffleHog posts what it has found to verifyURL, in JSON, and takes the answer 200 for a live key, and 401 and 403 for
// a dead one: the example shows a handler. It has to be an https URL, or one of this machine; with "" nothing is asked.
func TruffleHogDetectors(verifyURL string, prefixes ...string) (string, error) {
	prefixes, err := required(prefixes)
	if err != nil {
		return "", err
	}
	verify, err := verifySection(verifyURL)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("detectors:\n")
	for _, p := range prefixes {
		fmt.Fprintf(&b, `  - name: 'apikey-%[1]s'
    keywords:
      - '%[1]s_'
    regex:
      key: '%[1]s_%[2]s'
%[3]s`, p, digits, verify)
	}
	return b.String(), nil
}

func verifySection(verifyURL string) (string, error) {
	if verifyURL == "" {
		return "", nil
	}
	u, err := url.Parse(verifyURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return "", &apikey.ValidationError{Field: "verifyURL", Reason: "not an https URL, nor an http URL of this machine"}
	}
	// What strconv.QuoteToASCII writes of a URL is a string for YAML, too.
	return fmt.Sprintf(`    verify:
      - endpoint: %s
        unsafe: %t
        successRanges:
          - '200'
        rotatedRanges:
          - '401'
          - '403'
`, strconv.QuoteToASCII(u.String()), u.Scheme == "http"), nil
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// required checks prefixes of which there has to be one, and leaves out what is there twice.
func required(prefixes []string) ([]string, error) {
	if len(prefixes) == 0 {
		return nil, &apikey.ValidationError{Field: "prefixes", Reason: "required"}
	}
	if err := checkPrefixes(prefixes); err != nil {
		return nil, err
	}
	prefixes = slices.Sorted(slices.Values(prefixes))
	return slices.Compact(prefixes), nil
}
