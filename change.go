package apikey

import (
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
		for _, f := range set {
			f(r)
		}
		return len(set) > 0, nil
	})
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

// RevokeParams say why, and by whom.
type RevokeParams struct {
	Reason string // at most 1024 characters
	By     string // at most 255 characters
}

func (p RevokeParams) validate() error {
	if err := checkText("Reason", p.Reason, maxReason); err != nil {
		return err
	}
	return checkText("By", p.By, maxRevokedBy)
}

// Revoke ends a key for good. When it returns, without an error or with one, no Verify on the
// same Store value that starts later accepts the key if the revocation may have been stored; without
// an error it is stored durably. Revoking again changes nothing: the first reason stays.
func (i *Issuer) Revoke(ctx context.Context, id string, p RevokeParams) (*Key, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	return i.change(ctx, "revoked", id, func(r *Record) (bool, error) { return i.revoke(r, p), nil })
}

func (i *Issuer) revoke(r *Record, p RevokeParams) bool {
	if !r.RevokedAt.IsZero() {
		return false
	}
	r.RevokedAt, r.RevokedReason, r.RevokedBy = i.clock.now(), p.Reason, p.By
	r.UniqueKey = ""
	return true
}

// RevokeSubject revokes all keys of a subject that were created before the call, and returns
// how many it revoked, also beside an error. It goes over the keys until a pass finds none to
// revoke. Keys that were revoked already are as dead on return as those it revoked. Keys that another
// process has deleted, or moved to another subject, are not found: for them a Verifier here
// follows the store's feed.
func (i *Issuer) RevokeSubject(ctx context.Context, subject string, p RevokeParams) (int, error) {
	if subject == "" {
		return 0, invalid("subject", "required")
	}
	if err := checkText("subject", subject, maxSubject); err != nil {
		return 0, err
	}
	if err := p.validate(); err != nil {
		return 0, err
	}
	if _, err := i.inScope(subject); err != nil {
		return 0, err
	}
	revoked := 0
	called := i.clock.now()
	// The first pass takes all it meets; later ones are for keys that were moved to the subject
	// meanwhile, and must not run after keys that are being created.
	for pass := 0; ; pass++ {
		found := 0
		var before ID
		for {
			page, next, err := i.store.List(ctx, Filter{Subject: subject}, before, maxLimit)
			if err != nil {
				return revoked, unavailable("revoke the keys of a subject", err)
			}
			for _, r := range page {
				if pass > 0 && (!r.RevokedAt.IsZero() || r.CreatedAt.After(called)) {
					continue
				}
				did, err := i.revokeIfOf(ctx, subject, keyID(r.Prefix, r.ID), p)
				if err != nil {
					return revoked, err
				}
				if did {
					found++
					revoked++
				}
			}
			if next.IsZero() {
				break
			}
			before = next
		}
		if found == 0 {
			return revoked, nil
		}
	}
}

// revokeIfOf revokes a key unless it is another subject's or gone by now.
func (i *Issuer) revokeIfOf(ctx context.Context, subject, id string, p RevokeParams) (did bool, err error) {
	_, err = i.ForSubject(subject).change(ctx, "revoked", id, func(r *Record) (bool, error) {
		did = i.revoke(r, p)
		return did, nil
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return did && err == nil, err
}

// Delete removes a key and all that is known of it. Its id is never used again. An unknown id,
// and so a second Delete, is [ErrNotFound].
func (i *Issuer) Delete(ctx context.Context, id string) error {
	// It is revoked first: a revoked key is final, so it can't move to another subject between
	// the look at its owner and the deletion, which has no condition.
	doing := "delete key " + id
	if _, err := i.change(ctx, "revoked", id, func(r *Record) (bool, error) {
		return i.subject != nil && i.revoke(r, RevokeParams{Reason: "deleted"}), nil
	}); err != nil {
		return err
	}
	_, rid, err := parseKeyID(id)
	if err != nil {
		return err
	}
	switch err := i.store.Delete(ctx, rid); {
	case errors.Is(err, ErrNotFound):
		return notFound(id)
	case err != nil:
		return unavailable(doing, err)
	}
	i.options.Logger.InfoContext(ctx, "apikey: deleted", "id", id)
	return nil
}

// change reads a record, has it edited, and replaces it, again and again until nobody else
// was faster or ctx ends. edit reports whether there is something to write.
func (i *Issuer) change(ctx context.Context, event, id string, edit func(*Record) (bool, error)) (*Key, error) {
	prefix, rid, err := parseKeyID(id)
	if err != nil {
		return nil, err
	}
	for {
		r, err := i.store.Get(ctx, rid)
		if errors.Is(err, ErrNotFound) || err == nil && !i.sees(r, prefix) {
			return nil, i.unwritten(ctx, rid, notFound(id))
		}
		if err != nil {
			return nil, unavailable("read key "+id, err)
		}
		write, err := edit(r)
		if err != nil || !write {
			if err := i.unwritten(ctx, rid, err); err != nil {
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
			return nil, i.unwritten(ctx, rid, ErrNameTaken)
		default:
			return nil, unavailable("write key "+id, err)
		}
	}
}

// unwritten ends a change that wrote nothing, with the error that the caller gets anyway, if
// any. What was just read may be news that another process made and whose notification is
// still under way, while a Verifier here has the key warm: so the store is made to tell of it,
// by a Replace that never writes, before the caller is told. The caller's context must not
// keep it from that.
func (i *Issuer) unwritten(ctx context.Context, id ID, result error) error {
	if !i.watched {
		return result
	}
	err := i.store.Replace(context.WithoutCancel(ctx), &Record{ID: id})
	if err == nil || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) || result != nil {
		return result
	}
	return unavailable("announce key "+id.String(), err)
}

func notFound(id string) error { return fmt.Errorf("%w: %s", ErrNotFound, id) }
