package modeltest_test

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// modelKey is a key as the model has it.
type modelKey struct {
	id, subject, claims string
	expires             time.Time // zero: never
	revoked, gone       bool
	secrets             []modelSecret // all that ever were, oldest first
}

type modelSecret struct {
	text string
	dead time.Time // from when on; zero: not
}

func over(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// verify is the model: what Verify must answer to a secret.
func (k *modelKey) verify(s modelSecret, now time.Time) error {
	switch {
	case k.gone:
		return apikey.ErrUnknown
	case k.revoked:
		return apikey.ErrRevoked
	case over(k.expires, now):
		return apikey.ErrExpired
	case over(s.dead, now):
		return apikey.ErrUnknown
	}
	return nil
}

// recognize is what Recognize must answer: as Verify, but that a secret that is dead is unknown before its key expires.
func (k *modelKey) recognize(s modelSecret, now time.Time) error {
	if !k.revoked && over(s.dead, now) {
		return apikey.ErrUnknown
	}
	return k.verify(s, now)
}

// final is how a change ends that is made for a subject, "" for all, of a key that is another's or too dead for it.
func (k *modelKey) final(as string) error {
	switch {
	case k.gone || as != "" && as != k.subject:
		return apikey.ErrNotFound
	case k.revoked:
		return apikey.ErrRevokedKey
	}
	return nil
}

// rotate ends the older secrets and adds one; false: that would be more than 4.
func (k *modelKey) rotate(text string, grace time.Duration, now time.Time) bool {
	if grace > 0 && k.alive(now) >= 4 {
		return false
	}
	for i := range k.secrets {
		s := &k.secrets[i]
		if end := now.Add(grace); s.dead.IsZero() || s.dead.After(end) {
			s.dead = end
		}
	}
	k.secrets = append(k.secrets, modelSecret{text: text})
	return true
}

func (k *modelKey) alive(now time.Time) (n int) {
	for _, s := range k.secrets {
		if !over(s.dead, now) {
			n++
		}
	}
	return n
}

// idsWhere returns the ids of the keys that are so, newest first: an id begins with the time, and two Issuers may make
// keys in one millisecond.
func idsWhere(keys []*modelKey, is func(*modelKey) bool) (ids []string) {
	for _, k := range keys {
		if is(k) {
			ids = append(ids, k.id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	return ids
}
