package peers

import (
	"context"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
)

// sessions is the session of a web application: what it pays at each request anyway. It does what
// scs's LoadAndSave does before the handler, and reads one string.
type sessions struct {
	manager *scs.SessionManager
}

const ownerValue = "owner"

func newSessions() (Peer, error) {
	// scs.New makes the same, but for a goroutine that can't be ended without a race.
	manager := &scs.SessionManager{Lifetime: lifetime, Codec: scs.GobCodec{}}
	manager.Store = memstore.NewWithCleanupInterval(0) // what is expired is refused all the same
	return &sessions{manager}, nil
}

func (s *sessions) Issue(_, owner string, expires time.Time) (string, error) {
	ctx, err := s.manager.Load(context.Background(), "")
	if err != nil {
		return "", err
	}
	s.manager.Put(ctx, ownerValue, owner)
	s.manager.SetDeadline(ctx, expires)
	token, _, err := s.manager.Commit(ctx)
	return token, err
}

func (s *sessions) Verify(presented string) (string, error) {
	ctx, err := s.manager.Load(context.Background(), presented)
	if err != nil {
		return "", err
	}
	owner := s.manager.GetString(ctx, ownerValue)
	if owner == "" {
		return "", errUnknown
	}
	return owner, nil
}

func (s *sessions) Revoke(presented string) error {
	ctx, err := s.manager.Load(context.Background(), presented)
	if err != nil {
		return err
	}
	return s.manager.Destroy(ctx)
}
