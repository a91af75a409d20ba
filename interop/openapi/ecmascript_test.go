package openapi_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ecmaScript compiles a pattern of JSON Schema, which is one of ECMAScript: there \S and "." know
// white space and ends of lines beyond ASCII. Patterns with anything else that differs from package regexp
// would have to be told apart here.
func ecmaScript(pattern string) (jsonschema.Regexp, error) {
	return regexp.Compile(strings.NewReplacer(
		`\\`, `\\`, `\.`, `\.`, // are not what they look like
		`\S`, `[^\t\n\v\f\r\p{Z}\x{FEFF}]`,
		`.`, `[^\n\r\x{2028}\x{2029}]`,
	).Replace(pattern))
}

func TestECMAScript(t *testing.T) {
	t.Parallel()
	const trimmed = `^(\S(.*\S)?)?$`
	for _, c := range []struct {
		pattern, text string
		matches       bool
	}{
		{trimmed, "", true}, {trimmed, "a", true}, {trimmed, "a b", true}, {trimmed, " a", false}, {trimmed, "a ", false},
		{trimmed, "a\u00a0", false}, {trimmed, "\ufeffa", false}, {trimmed, "a\u2028b", false}, {trimmed, "a\u3000b", true}, {trimmed, "a\u200b", true},
		{`^\w$`, "\u00e9", false}, {`^\w$`, "_", true}, {`^a$`, "a\n", false}, {`^\.$`, ".", true}, {`^\.$`, "a", false}, {`^\\S$`, `\S`, true},
	} {
		compiled, err := ecmaScript(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if compiled.MatchString(c.text) != c.matches {
			t.Errorf("%s, %q: %v", c.pattern, c.text, !c.matches)
		}
	}
}
