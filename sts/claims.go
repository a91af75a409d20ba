package sts

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// claims are those of a token (RFC 9068, section 2.2).
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"` // Key.ID
	IssuedAt int64  `json:"iat"`       // seconds since 1970, as Expires
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
	Scope    string `json:"scope,omitempty"`
	Number   uint16 `json:"key_number"` // of the secret that was exchanged
	Epoch    uint32 `json:"key_epoch"`  // of the key, see apikey.Record

	prefix string    // of ClientID
	key    apikey.ID // of ClientID
	own    object    // the key's own claims
}

// reserved are the names that a key's own claims can't have in a token: what is said under them is said
// by the service, or by nobody. Beside those of RFC 7519 and of the profile they are those that tell how
// a user was authenticated (OpenID Connect), who acts for whom (RFC 8693) and who may present the token (RFC 7800), and
// other readers' names for scope. roles, groups and entitlements (RFC 9068, section 2.2.3.1) are the key's to say.
var reserved = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "key_number", "key_epoch",
	"auth_time", "acr", "amr", "azp", "nonce", "act", "may_act", "cnf", "status", "active", "token_type", "username", "scp", "scopes",
}

func isReserved(name string) bool {
	return slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) })
}

// ownClaims returns those of a key as they go into its tokens. Claims that are no object don't. [ErrClaims].
func ownClaims(key *apikey.Key) (object, error) {
	text := key.Claims()
	if len(text) == 0 || text[0] != '{' {
		return nil, nil
	}
	all, ok := parseObject(text)
	if !ok {
		return nil, ErrClaims
	}
	own := slices.DeleteFunc(all, func(m member) bool { return isReserved(m.name) })
	if len(own) > maxMembers-len(reserved) { // or a Verifier would refuse the token
		return nil, ErrClaims
	}
	return own, nil
}

// unique returns the strings without those that were there before, in their order.
func unique(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, s := range all {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// marshal returns the claims as JSON, the key's own behind the others.
func (c *claims) marshal() ([]byte, error) {
	var b bytes.Buffer
	if err := encode(&b, c); err != nil {
		return nil, err
	}
	b.Truncate(b.Len() - 1) // the brace
	for _, m := range c.own {
		b.WriteByte(',')
		if err := encode(&b, m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode writes JSON without what only HTML needs, and without a line break.
func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	b.Truncate(b.Len() - 1)
	return err
}

const maxSeconds = 1 << 40

// parseClaims reads what was signed. All that the profile asks for must be there, in the one form that a
// [Service] writes; aud may also be an array. audience reports whether one is meant for us.
func parseClaims(o object, audience func(string) bool) (c claims, ok bool) {
	var is [9]bool
	c.Issuer, is[0] = o.text("iss")
	c.Subject, is[1] = o.text("sub")
	c.ClientID, is[2] = o.text("client_id")
	c.ID, is[3] = o.text("jti")
	c.IssuedAt, is[4] = o.number("iat", maxSeconds)
	c.Expires, is[5] = o.number("exp", maxSeconds)
	number, okNumber := o.number("key_number", 1<<16-1)
	epoch, okEpoch := o.number("key_epoch", 1<<32-1)
	c.Number, is[6] = uint16(number), okNumber && number > 0
	c.Epoch, is[7] = uint32(epoch), okEpoch
	c.Audience, is[8] = findAudience(o.value("aud"), audience)
	if slices.Contains(is[:], false) || c.Subject == "" || c.ID == "" {
		return c, false
	}
	if o.value("scope") != nil {
		var is bool
		if c.Scope, is = o.text("scope"); !is {
			return c, false
		}
	}
	var err error
	if c.prefix, c.key, err = apikey.ParseKeyID(c.ClientID); err != nil {
		return c, false
	}
	for _, m := range o {
		if !isReserved(m.name) {
			c.own = append(c.own, m)
		}
	}
	return c, true
}

// findAudience returns the audience that is ours.
func findAudience(value json.RawMessage, ours func(string) bool) (string, bool) {
	var all []string
	if len(value) > 0 && value[0] == '[' {
		var parts []json.RawMessage
		if json.Unmarshal(value, &parts) != nil {
			return "", false
		}
		for _, part := range parts {
			one, is := object{{"aud", part}}.text("aud")
			if !is {
				return "", false
			}
			all = append(all, one)
		}
	} else if one, is := (object{{"aud", value}}).text("aud"); is {
		all = append(all, one)
	}
	if i := slices.IndexFunc(all, ours); i >= 0 {
		return all[i], true
	}
	return "", false
}

// times judges by the clock. A bad signature was refused before: that a token is expired is said of
// ours alone. nbf, which a Service does not write, is not needed, and not looked past either.
func (c *claims) times(o object, now time.Time, leeway time.Duration) error {
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case expires.Sub(issued) > maxTTL || !expires.After(issued):
		return apikey.ErrUnknown
	case !issued.Before(now.Add(leeway + time.Second)): // iat has no smaller unit, and no two clocks are the same
		return apikey.ErrUnknown
	case !now.Add(-leeway).Before(expires):
		return apikey.ErrExpired
	}
	if o.value("nbf") != nil {
		if nbf, is := o.number("nbf", maxSeconds); !is || time.Unix(nbf, 0).After(now.Add(leeway)) {
			return apikey.ErrUnknown
		}
	}
	return nil
}

// record is what the token says of its key.
func (c *claims) record() *apikey.Record {
	r := &apikey.Record{
		ID: c.key, Prefix: c.prefix, Type: keyType, Subject: c.Subject, Epoch: c.Epoch,
		CreatedAt: time.Unix(c.IssuedAt, 0).UTC(), UpdatedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.Expires, 0).UTC(),
		Credentials: []apikey.Credential{{Number: c.Number, CreatedAt: time.Unix(c.IssuedAt, 0).UTC(), NotAfter: time.Unix(c.Expires, 0).UTC()}},
	}
	if c.Scope != "" {
		r.Scopes = strings.Split(c.Scope, " ")
	}
	if len(c.own) > 0 {
		r.Claims = c.own.marshal()
	}
	return r
}

// keyType is the type of the keys that a Verifier returns.
const keyType = "access_token"

func (o object) marshal() json.RawMessage {
	var b bytes.Buffer
	for i, m := range o {
		b.WriteByte("{,"[min(i, 1)])
		if encode(&b, m.name) != nil {
			return nil // strings can be encoded
		}
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}
