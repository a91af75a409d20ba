package httpauth

import (
	"net/http"
	"strconv"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// deprecate tells the holder of a credential that was rotated away when that was, and when the
// credential will die, be it with its key: Deprecation (RFC 9745) and Sunset (RFC 8594), in whole
// seconds, the latter rounded down, so that nobody counts on a second that is not there.
func deprecate(h http.Header, key *apikey.Key) {
	notAfter, dies := key.SecretNotAfter()
	if !dies {
		return
	}
	if rotated, known := rotatedAt(key); known {
		h.Set("Deprecation", "@"+strconv.FormatInt(rotated.Unix(), 10))
	}
	if expires, does := key.ExpiresAt(); does && expires.Before(notAfter) {
		notAfter = expires
	}
	h.Set("Sunset", notAfter.UTC().Format(http.TimeFormat))
}

// rotatedAt returns when the next credential after the one presented was made. If that is gone
// already, a still newer one says it as well as can be known.
func rotatedAt(key *apikey.Key) (at time.Time, known bool) {
	for _, c := range key.Credentials() { // newest first
		if c.Number > key.Number() {
			at, known = c.CreatedAt, true
		}
	}
	return at, known
}
