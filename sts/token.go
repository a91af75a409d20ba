package sts

import (
	"fmt"
	"io"
	"time"
)

// Token is a JWT that was exchanged for a key. Who has its text can use it, so that is
// printed by nothing but Reveal.
type Token struct {
	ID        string    // jti
	Audience  string    // aud
	Scopes    []string  // may be empty
	IssuedAt  time.Time // whole seconds
	ExpiresAt time.Time // whole seconds

	text *string // behind a pointer: fmt prints what it can reach
}

// Reveal returns the text, to be sent as "Authorization: Bearer".
func (t *Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Format writes "[token]" and the id, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, "[token "+t.ID+"]") }
