package apikey

import (
	"bytes"
	"encoding/json"
	"time"
)

// object is the wire form of a key. Times are integer Unix milliseconds, what there is none
// of is null, and nothing is left out.
type object struct {
	Object           string          `json:"object"`
	ID               string          `json:"id"`
	Type             string          `json:"type"`
	Subject          string          `json:"subject"`
	Name             string          `json:"name"`
	Description      *string         `json:"description"`
	Claims           json.RawMessage `json:"claims"`
	Scopes           []string        `json:"scopes"`
	Secret           *string         `json:"secret,omitempty"`
	Revoked          bool            `json:"revoked"`
	RevocationReason *string         `json:"revocation_reason"`
	Expired          bool            `json:"expired"`
	Expiration       *int64          `json:"expiration"`
	CreatedBy        *string         `json:"created_by"`
	LastUsedAt       *int64          `json:"last_used_at"`
	CreatedAt        int64           `json:"created_at"`
	UpdatedAt        int64           `json:"updated_at"`
}

func (k *Key) object() object {
	o := object{
		Object: "api_key", ID: k.ID(), Type: k.Type(), Subject: k.Subject(), Name: k.Name(),
		Description: orNull(k.Description()), Claims: k.Claims(), Scopes: k.Scopes(),
		Revoked: k.Revoked(), RevocationReason: orNull(k.RevocationReason()),
		Expired: k.Expired(), Expiration: millisOrNull(k.ExpiresAt()),
		CreatedBy: orNull(k.CreatedBy()), LastUsedAt: millisOrNull(k.LastUsedAt()),
		CreatedAt: k.CreatedAt().UnixMilli(), UpdatedAt: k.UpdatedAt().UnixMilli(),
	}
	if o.Scopes == nil {
		o.Scopes = []string{}
	}
	return o
}

// MarshalJSON returns the key object: 16 fields, the 17 of [CreatedJSON] without the secret.
func (k *Key) MarshalJSON() ([]byte, error) { return k.object().encode() }

// encode leaves "<" as it is, so that claims are returned as they were given.
func (o object) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(o)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// CreatedJSON returns the key object with its secret, all 17 fields: the reply to the one who
// asked for the key. A secret of another key is a [*ValidationError].
func CreatedJSON(key *Key, secret Secret) ([]byte, error) {
	text := secret.Reveal()
	if id, err := KeyID(text); err != nil || id != key.ID() {
		return nil, invalid("secret", "not one of this key")
	}
	o := key.object()
	o.Secret = &text
	return o.encode()
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func millisOrNull(t time.Time, is bool) *int64 {
	if !is {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
