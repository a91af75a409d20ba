package apikey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// UpdateParams say what to change: nil leaves alone; "", null, an empty list and 0 clear.
// The bounds are those of [CreateParams].
type UpdateParams struct {
	Description *string
	Subject     *string // moves the key to another owner; can't be cleared
	Claims      json.RawMessage
	Scopes      []string
	ExpiresIn   *time.Duration // from now; revives a key that is expired
}

// Update changes a key. A revoked key can't be changed: [ErrRevokedKey]. When Update returns,
// no Verify on the same Store value that starts later sees the old state.
func (i *Issuer) Update(ctx context.Context, id string, p UpdateParams) (*Key, error) {
	set, err := i.updates(p)
	if err != nil {
		return nil, err
	}
	return i.change(ctx, "updated", id, func(r *Record) (bool, error) {
		if !r.RevokedAt.IsZero() {
			return false, ErrRevokedKey
		}
		old := *r // which the edits below replace, and do not write into
		for _, f := range set {
			f(r)
		}
		if takesAway(&old, r, i.clock.now()) {
			r.Epoch++
		}
		return len(set) > 0, nil
	})
}

// takesAway reports whether a token derived from the key as it was could assert what is no longer
// true of it. Claims have no order in which one is less than another, so any other ones count. A key that
// was expired comes back without what died with it.
func takesAway(old, new *Record, now time.Time) bool {
	return ended(old.ExpiresAt, now) && !old.ExpiresAt.Equal(new.ExpiresAt) || old.Subject != new.Subject || !bytes.Equal(old.Claims, new.Claims) ||
		slices.ContainsFunc(old.Scopes, func(scope string) bool { return !slices.Contains(new.Scopes, scope) })
}

// updates validates p.
func (i *Issuer) updates(p UpdateParams) (set []func(*Record), err error) {
	if d := p.Description; d != nil {
		text := *d
		if err := checkText("Description", text, maxDescription); err != nil {
			return nil, err
		}
		set = append(set, func(r *Record) { r.Description = text })
	}
	if s := p.Subject; s != nil {
		subject := *s
		if err := checkRequired("Subject", subject, maxSubject); err != nil {
			return nil, err
		}
		if _, err := i.inScope(subject); err != nil {
			return nil, err
		}
		set = append(set, func(r *Record) {
			r.Subject = subject
			if r.UniqueKey != "" || i.options.UniqueNames {
				r.UniqueKey = uniqueKey(r)
			}
		})
	}
	if p.Claims != nil {
		claims, err := compactClaims(p.Claims)
		if err != nil {
			return nil, err
		}
		set = append(set, func(r *Record) { r.Claims = claims })
	}
	if p.Scopes != nil {
		scopes := slices.Clone(p.Scopes)
		if err := checkScopes(scopes); err != nil {
			return nil, err
		}
		set = append(set, func(r *Record) { r.Scopes = scopes })
	}
	if in := p.ExpiresIn; in != nil {
		expires, err := expiry("ExpiresIn", i.clock.now(), *in)
		if err != nil {
			return nil, err
		}
		set = append(set, func(r *Record) { r.ExpiresAt = expires })
	}
	return set, nil
}

// maxCredentials bounds the secrets of a key that are alive at once.
const maxCredentials = 4

// RotateParams say what becomes of the older secrets.
type RotateParams struct {
	// Grace is how long the older secrets still live, from 1 second to 100 years; it never
	// lengthens what an earlier rotation left them. 0: they die at once.
	Grace time.Duration
}

// Rotate gives a key a new secret, under the same id. When it returns, no Verify on the same
// Store value that starts later accepts a secret without grace. At most 4 secrets of a key
// live at once: a Rotate that would make five changes nothing and is a [*ValidationError] on
// Grace. A revoked key is [ErrRevokedKey].
func (i *Issuer) Rotate(ctx context.Context, id string, p RotateParams) (*Key, Secret, error) {
	if _, err := expiry("Grace", i.clock.now(), p.Grace); err != nil {
		return nil, Secret{}, err
	}
	var fresh Credential
	var secret Secret
	key, err := i.change(ctx, "rotated", id, func(r *Record) (bool, error) {
		if !r.RevokedAt.IsZero() {
			return false, ErrRevokedKey
		}
		var newest uint16
		if len(r.Credentials) > 0 {
			newest = r.Credentials[0].Number
		}
		if newest == 1<<16-1 {
			return false, invalid("id", "the key was rotated %d times; create another", newest-1)
		}
		older := outlive(r.Credentials, i.clock.now(), p.Grace)
		if len(older) >= maxCredentials {
			return false, invalid("Grace", "%d secrets of the key are alive, and more than that can't be", len(older))
		}
		if fresh.Number != newest+1 { // a number is part of what is hashed
			var err error
			if fresh, secret, err = i.newCredential(ctx, r, newest+1, r.ID); err != nil {
				return false, unavailable("rotate key "+id, err)
			}
			// Waiting for the hash took time, and what died meanwhile must not seem alive.
			fresh.CreatedAt = i.clock.now()
			older = outlive(r.Credentials, fresh.CreatedAt, p.Grace)
		}
		r.Credentials = append([]Credential{fresh}, older...)
		return true, nil
	})
	if err != nil {
		return nil, Secret{}, err
	}
	return key, secret, nil
}

// outlive returns those that are still alive after now, for grace at most. The others are
// dropped: their numbers are never used again, which is enough to refuse them.
func outlive(credentials []Credential, now time.Time, grace time.Duration) (alive []Credential) {
	end := now.Add(grace).Truncate(time.Millisecond)
	for _, c := range credentials {
		if grace == 0 || ended(c.NotAfter, now) {
			continue
		}
		if c.NotAfter.IsZero() || c.NotAfter.After(end) {
			c.NotAfter = end
		}
		alive = append(alive, c)
	}
	return alive
}

// change reads the record of an id, has it edited, and replaces it.
func (i *Issuer) change(ctx context.Context, event, id string, edit func(*Record) (bool, error)) (*Key, error) {
	prefix, rid, err := parseKeyID(id)
	if err != nil {
		return nil, err
	}
	return i.changeRecord(ctx, event, prefix, rid, edit)
}

// changeRecord tries again and again until nobody else was faster or ctx ends. edit reports
// whether there is something to write.
func (i *Issuer) changeRecord(ctx context.Context, event, prefix string, rid ID, edit func(*Record) (bool, error)) (*Key, error) {
	id := keyID(prefix, rid)
	for {
		r, err := i.store.Get(ctx, rid)
		if errors.Is(err, ErrNotFound) || err == nil && !i.sees(r, prefix) {
			return nil, i.unwritten(ctx, id, rid, notFound(id))
		}
		if err == nil && r.Version == 0 { // nothing could ever replace it
			err = errWrongRecord
		}
		if err != nil {
			return nil, unavailable("read key "+id, err)
		}
		write, err := edit(r)
		if err != nil || !write {
			if err := i.unwritten(ctx, id, rid, err); err != nil {
				return nil, err
			}
			return NewKey(r), nil
		}
		if now := i.clock.now(); now.After(r.UpdatedAt) {
			r.UpdatedAt = now
		}
		switch err := i.store.Replace(ctx, r); {
		case err == nil:
			i.log(ctx, event, r)
			return NewKey(r), nil
		case errors.Is(err, ErrConflict):
		case errors.Is(err, ErrNameTaken):
			return nil, i.unwritten(ctx, id, rid, ErrNameTaken)
		default:
			return nil, unavailable("write key "+id, err)
		}
	}
}

// announceWait bounds what a call that writes nothing may take after its context has ended.
const announceWait = 5 * time.Second

// unwritten ends a change that wrote nothing, with the error that the caller gets, if any. What
// was just read may be news that another process made and whose notification is still under
// way, while a Verifier here has the key warm: so the store is made to tell of it, by a Replace
// that never writes, before the caller is told. The caller's context must not keep it from
// that. If it can't be told, the caller gets no clean answer.
func (i *Issuer) unwritten(ctx context.Context, id string, rid ID, result error) error {
	if !i.watched {
		return result
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceWait)
	defer cancel()
	err := i.store.Replace(ctx, &Record{ID: rid})
	if err == nil || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) || result != nil && isFailure(result) {
		return result
	}
	return unavailable("announce key "+id, err)
}

func notFound(id string) error { return fmt.Errorf("%w: %s", ErrNotFound, id) }
