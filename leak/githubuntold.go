package leak

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
)

// gitHubUntold are the ids of keys whose revocation was begun, and that OnLeak has not been told of: a write that was
// reported as failed may have been stored all the same, and then a later call finds nothing left to revoke. Ids get in
// here by a call that GitHub has signed, of keys that are alive, so there are no more of them than keys.
type gitHubUntold struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (u *gitHubUntold) add(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ids[id] = true
}

func (u *gitHubUntold) forget(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.ids, id)
}

func (u *gitHubUntold) has(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ids[id]
}

// look finds out whether a revocation that was begun here has been stored, so that its owner is told. A key that
// another has revoked, or deleted, is none of ours; one that is alive may yet be found revoked.
func (g *GitHub) look(ctx context.Context, c *gitHubCase) error {
	key, err := g.issuer.Get(ctx, c.id)
	switch {
	case errors.Is(err, apikey.ErrNotFound):
		g.untold.forget(c.id)
		return nil
	case err != nil:
		return err
	case !key.Revoked():
		return nil
	case key.RevokedBy() != g.options.By || key.RevocationReason() != gitHubReason:
		g.untold.forget(c.id)
		return nil
	}
	c.revoked = key
	return nil
}
