package sts

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keySet is a set of signing keys as it was read. It is immutable.
type keySet struct {
	keys   []*signingKey // in the order in which they sign; never none
	stored []storedKey   // with those that are over
	raw    []byte        // as it is stored
	jwks   []byte        // as it is published (RFC 7517, section 5)
	read   time.Time     // by the service's clock, before it was read
}

// signer returns the key that signs at an instant. Before the first one's time, as it is on a machine
// whose clock is behind that of the one that made it, that is the first.
func (s *keySet) signer(now time.Time) *signingKey {
	for _, key := range slices.Backward(s.keys) {
		if !now.Before(key.from) {
			return key
		}
	}
	return s.keys[0]
}

// find returns the key of that kid, or nil.
func (s *keySet) find(kid string) *signingKey {
	for _, key := range s.keys {
		if key.kid == kid {
			return key
		}
	}
	return nil
}

// storedSet is how a set is stored. What is not sealed of a key is part of what its seal is of.
type storedSet struct {
	Version int         `json:"version"`
	Keys    []storedKey `json:"keys"`
}

type storedKey struct {
	ID     string    `json:"kid"`
	Alg    Algorithm `json:"alg"`
	From   int64     `json:"from"` // ms since 1970
	Sealed []byte    `json:"sealed"`
}

const storedVersion = 1

// parse reads a stored set, without the keys that are over: those may be sealed under a key that the keyring
// has not any more.
func (k *signingKeys) parse(raw []byte, read time.Time) (*keySet, error) {
	var stored storedSet
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(&stored) != nil || stored.Version != storedVersion || len(stored.Keys) == 0 {
		return nil, fmt.Errorf("the value %q is not a set of signing keys that this program understands", k.name)
	}
	keys := stored.Keys
	for i, key := range keys {
		if key.Alg != k.algorithm || i > 0 && key.From < keys[i-1].From {
			return nil, errSigningKey
		}
	}
	for len(keys) > 1 && over(time.UnixMilli(keys[1].From), read) {
		keys = keys[1:]
	}
	set := &keySet{raw: raw, read: read, stored: stored.Keys}
	for i, stored := range keys {
		key, err := k.openSigningKey(stored.ID, time.UnixMilli(stored.From).UTC(), stored.Sealed)
		if err != nil {
			return nil, fmt.Errorf("open signing key %d of the value %q: %w", i+1, k.name, err)
		}
		set.keys = append(set.keys, key)
	}
	return set, set.publish()
}

// over reports whether nothing that a key signed is alive, whose successor signs from an instant on.
func over(successor, now time.Time) bool { return now.After(successor.Add(maxTTL + slack)) }

// with returns the set with one key more. What is over is dropped from the store, but for the last two: the clock of
// this machine may be ahead, and others sign with them.
func (s *keySet) with(key *signingKey, k *signingKeys, read time.Time) (*keySet, error) {
	n := &keySet{read: read, keys: []*signingKey{key}}
	added := storedKey{key.kid, k.algorithm, key.from.UnixMilli(), key.sealed}
	if s != nil {
		n.keys = append(slices.Clone(s.keys), key)
		slices.SortStableFunc(n.keys, func(a, b *signingKey) int { return a.from.Compare(b.from) })
		n.stored = s.stored
		for len(n.stored) > 2 && over(time.UnixMilli(n.stored[1].From), read) {
			n.stored = n.stored[1:]
		}
	}
	n.stored = append(slices.Clone(n.stored), added)
	slices.SortStableFunc(n.stored, func(a, b storedKey) int { return cmp.Compare(a.From, b.From) })
	var err error
	if n.raw, err = json.Marshal(storedSet{storedVersion, n.stored}); err != nil {
		return nil, err
	}
	return n, n.publish()
}

func (s *keySet) publish() (err error) {
	var set jose.JSONWebKeySet
	for _, key := range s.keys {
		set.Keys = append(set.Keys, key.public)
	}
	s.jwks, err = json.Marshal(set)
	return err
}
