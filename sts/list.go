package sts

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// list is a list as a verifier holds it. It is immutable.
type list struct {
	asOf    time.Time
	by      string
	expires time.Time
	life    time.Duration // from iat to exp
	revoked map[apikey.ID]struct{}
	cut     map[apikey.ID]cut
}

// parseList reads what was signed. What this program does not know may be another way to die, so it is
// refused.
func parseList(o object, issuer string) (*list, bool) {
	iss, isText := o.text("iss")
	issued, is1 := o.number("iat", maxSeconds)
	expires, is2 := o.number("exp", maxSeconds)
	asOf, is3 := o.number("as_of", maxSeconds*1000)
	by, named := o.text("by")
	if !isText || !named || !is1 || !is2 || !is3 || iss != issuer || len(o) != 7 {
		return nil, false
	}
	l := &list{asOf: time.UnixMilli(asOf), by: by, expires: time.Unix(expires, 0), life: time.Duration(expires-issued) * time.Second}
	var revoked []apikey.ID
	var ids []string
	if strict(o.value("revoked"), &ids) != nil || ids == nil {
		return nil, false
	}
	for _, text := range ids {
		id, ok := parseID(text)
		if !ok {
			return nil, false
		}
		revoked = append(revoked, id)
	}
	var cuts map[string]cut
	if strict(o.value("cut"), &cuts) != nil || cuts == nil {
		return nil, false
	}
	l.revoked, l.cut = make(map[apikey.ID]struct{}, len(revoked)), make(map[apikey.ID]cut, len(cuts))
	for _, id := range revoked {
		l.revoked[id] = struct{}{}
	}
	for text, c := range cuts {
		id, ok := parseID(text)
		if !ok {
			return nil, false
		}
		l.cut[id] = c
	}
	return l, true
}

func strict(value json.RawMessage, to any) error {
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// parseID reads a key's id without its prefix.
func parseID(text string) (apikey.ID, bool) {
	prefix, id, err := apikey.ParseKeyID("x_" + text)
	return id, err == nil && prefix == "x"
}

// judge refuses a token whose key has died.
func (l *list) judge(c *claims) error {
	if _, is := l.revoked[c.key]; is {
		return apikey.ErrRevoked
	}
	switch left, is := l.cut[c.key]; {
	case !is:
		return nil
	case c.Number < left.Number:
		return apikey.ErrUnknown
	case c.Epoch < left.Epoch:
		return apikey.ErrRevoked
	}
	return nil
}
