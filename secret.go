package apikey

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret is the text of a key as it is handed out, once. Every way of printing or encoding
// it says "[secret]"; only Reveal gives the text away. The zero value reveals "".
//
// The text stands behind a pointer: package fmt calls no methods on unexported fields, and
// would print the text of a Secret inside somebody's struct if it could reach it.
type Secret struct{ text *string }

// Reveal returns the key's text, for the one reply that hands it to its owner.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "[secret]".
func (Secret) String() string { return redacted }

// GoString returns "[secret]".
func (Secret) GoString() string { return redacted }

// Format writes "[secret]" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "[secret]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[secret]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[secret]" as a JSON string. [CreatedJSON] writes the reply that holds the secret.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalYAML returns "[secret]".
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// GobEncode returns "[secret]".
func (Secret) GobEncode() ([]byte, error) { return []byte(redacted), nil }
