package sts

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// metadata is RFC 8414, section 2. key_revocations_uri is ours.
type metadata struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	ResponseTypes         []string `json:"response_types_supported"` // none: there is no authorization endpoint
	GrantTypes            []string `json:"grant_types_supported"`
	TokenAuth             []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionEndpoint string   `json:"introspection_endpoint,omitempty"`
	RevocationEndpoint    string   `json:"revocation_endpoint,omitempty"`
	RevocationAuth        []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationsURI        string   `json:"key_revocations_uri,omitempty"`
}

func (h *handler) describe() []byte {
	issuer := h.service.issuer
	m := metadata{
		Issuer: issuer, TokenEndpoint: issuer + tokenPath, JWKSURI: issuer + jwksPath, ResponseTypes: []string{},
		GrantTypes: []string{clientCredentials, tokenExchange},
		TokenAuth:  []string{"client_secret_basic", "client_secret_post", "none"}, // none: of a token exchange
	}
	if h.service.revoked != nil {
		m.RevocationsURI = issuer + revocationsPath
	}
	if h.options.Authorize != nil {
		m.IntrospectionEndpoint = issuer + introspectPath
	}
	if h.options.Issuer != nil {
		m.RevocationEndpoint, m.RevocationAuth = issuer+revokePath, []string{"none", "client_secret_basic", "client_secret_post"}
	}
	body, _ := json.Marshal(m) // strings
	return body
}

func (h *handler) serveMetadata(w http.ResponseWriter, r *http.Request) error {
	publish(w, r, "application/json", h.metadata, maxAgeOf(time.Hour))
	return nil
}

// jwks publishes the signing keys. They may be kept so long that the next one is known before it signs.
func (h *handler) jwks(w http.ResponseWriter, r *http.Request) error {
	s, keep, err := h.service.keys.published(r.Context())
	if err != nil {
		return err
	}
	publish(w, r, "application/jwk-set+json", s.jwks, maxAgeOf(keep))
	return nil
}

func (h *handler) revocations(w http.ResponseWriter, r *http.Request) error {
	d, err := h.service.revoked.current(r.Context())
	if err != nil {
		return err
	}
	// A cache may keep it, and asks each time: what it kept is from before the last death.
	publish(w, r, "application/jwt", []byte(d.text), "no-cache")
	return nil
}

func maxAgeOf(d time.Duration) string { return "max-age=" + strconv.Itoa(int(d/time.Second)) }

// publish answers with what is everybody's, and says how it may be kept.
func publish(w http.ResponseWriter, r *http.Request, kind string, body []byte, keep string) {
	sum := sha256.Sum256(body)
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Cache-Control", "public, "+keep)
	header.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`)
	whole := r.Clone(r.Context())
	whole.Header.Del("Range") // nobody needs a part
	http.ServeContent(w, whole, "", time.Time{}, bytes.NewReader(body))
}
