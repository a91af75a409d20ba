package apikey

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a key holds. Lengths are in characters (code points) unless they say bytes.
const (
	maxSubject     = 255
	maxName        = 255
	maxDescription = 1024
	minType        = 3
	maxType        = 25
	maxCreatedBy   = 255
	maxReason      = 1024
	maxRevokedBy   = 255
	maxScopes      = 100
	maxScope       = 255
	maxClaims      = 16 << 10 // bytes, as given

	minLifetime = time.Second
	maxLifetime = 100 * 365 * 24 * time.Hour
)

// checkText: valid UTF-8 of at most max characters, none of them a control character, which
// could forge lines of a log or cut a name short.
func checkText(field, s string, max int) error {
	if len(s) > max*utf8.UTFMax || utf8.RuneCountInString(s) > max {
		return invalid(field, "longer than %d characters", max)
	}
	if !utf8.ValidString(s) {
		return invalid(field, "not valid UTF-8")
	}
	if strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return invalid(field, "holds a control character")
	}
	return nil
}

func checkRequired(field, s string, max int) error {
	if s == "" {
		return invalid(field, "required")
	}
	return checkText(field, s, max)
}

func checkType(s string) error {
	if n := utf8.RuneCountInString(s); n < minType {
		return invalid("Type", "shorter than %d characters", minType)
	}
	return checkText("Type", s, maxType)
}

// checkScopes: each is a scope-token of RFC 6749, section 3.3.
func checkScopes(scopes []string) error {
	if len(scopes) > maxScopes {
		return invalid("Scopes", "more than %d", maxScopes)
	}
	for i, s := range scopes {
		if s == "" || len(s) > maxScope {
			return invalid("Scopes", "scope %d has not 1 to %d characters", i+1, maxScope)
		}
		for _, c := range []byte(s) {
			if c <= ' ' || c == '"' || c == '\\' || c > '~' {
				return invalid("Scopes", "scope %d holds a character that RFC 6749 does not allow", i+1)
			}
		}
	}
	return nil
}

// compactClaims returns any JSON value without insignificant white space, else as given;
// nil for none, which is what null says, too.
func compactClaims(claims json.RawMessage) (json.RawMessage, error) {
	if len(claims) > maxClaims {
		return nil, invalid("Claims", "longer than %d bytes", maxClaims)
	}
	if len(claims) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	if !utf8.Valid(claims) || json.Compact(&out, claims) != nil {
		return nil, invalid("Claims", "not a JSON value in UTF-8")
	}
	if out.String() == "null" {
		return nil, nil
	}
	return bytes.Clone(out.Bytes()), nil
}

// expiry returns now+in; zero: never. Under a second is refused and not rounded: what rounds
// to zero would live for ever.
func expiry(field string, now time.Time, in time.Duration) (time.Time, error) {
	if in == 0 {
		return time.Time{}, nil
	}
	if in < minLifetime || in > maxLifetime {
		return time.Time{}, invalid(field, "not from 1 second to 100 years, nor 0 for none")
	}
	return now.Add(in).Truncate(time.Millisecond), nil
}

// checkExpiresAt is expiry for an instant.
func checkExpiresAt(now, at time.Time) (time.Time, error) {
	at = at.UTC().Truncate(time.Millisecond)
	if at.Before(now.Add(minLifetime)) || at.After(now.Add(maxLifetime)) {
		return time.Time{}, invalid("ExpiresAt", "not from 1 second to 100 years ahead")
	}
	return at, nil
}

// foldName maps every character to one of those that differ from it by case alone, so that
// a search by bytes ignores case.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}
