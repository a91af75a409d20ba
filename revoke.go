package apikey

import (
	"context"
	"errors"
)

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
// revoke; one that can't be revoked does not keep it from the others. Keys that were revoked already are as dead on return as those it revoked. Keys that another
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
	called := i.clock.now()
	total := 0
	// The first pass takes all it meets; later ones are for keys that were moved to the subject
	// meanwhile, and must not run after keys that are being created.
	for pass := 0; ; pass++ {
		revoked, err := i.revokePass(ctx, subject, p, func(r *Record) bool {
			return pass == 0 || r.RevokedAt.IsZero() && !r.CreatedAt.After(called)
		})
		total += revoked
		if err != nil && ctx.Err() != nil || revoked == 0 {
			return total, err
		}
	}
}

// revokePass goes over all keys of a subject once. One key that can't be revoked must not
// keep the others alive: it goes on, and returns the first error.
func (i *Issuer) revokePass(ctx context.Context, subject string, p RevokeParams, wants func(*Record) bool) (revoked int, failed error) {
	of := i.ForSubject(subject) // a key that has moved away by now is left alone
	for before := (ID{}); ; {
		page, next, err := i.store.List(ctx, Filter{Subject: subject}, before, maxLimit)
		if err != nil {
			return revoked, unavailable("list the keys of a subject", err)
		}
		for _, r := range page {
			if !wants(r) {
				continue
			}
			did := false
			_, err := of.changeRecord(ctx, "revoked", r.Prefix, r.ID, func(r *Record) (bool, error) {
				did = i.revoke(r, p)
				return did, nil
			})
			switch {
			case err == nil && did:
				revoked++
			case err != nil && !errors.Is(err, ErrNotFound) && failed == nil:
				failed = err
			}
			if ctx.Err() != nil && failed != nil {
				return revoked, failed
			}
		}
		if next.IsZero() {
			return revoked, failed
		}
		before = next
	}
}

// Delete removes a key and all that is known of it. Its id is never used again. An unknown id,
// and so a second Delete, is [ErrNotFound].
func (i *Issuer) Delete(ctx context.Context, id string) error {
	prefix, rid, err := parseKeyID(id)
	if err != nil {
		return err
	}
	// A deletion has no condition. So an Issuer of one subject revokes the key first: that is
	// final, and then the key can't move to another subject between the look and the deletion.
	if _, err := i.changeRecord(ctx, "revoked", prefix, rid, func(r *Record) (bool, error) {
		return i.subject != nil && i.revoke(r, RevokeParams{Reason: "deleted"}), nil
	}); err != nil {
		return err
	}
	switch err := i.store.Delete(ctx, rid); {
	case errors.Is(err, ErrNotFound):
		return notFound(id)
	case err != nil:
		return unavailable("delete key "+id, err)
	}
	i.options.Logger.InfoContext(ctx, "apikey: deleted", "id", id)
	return nil
}
