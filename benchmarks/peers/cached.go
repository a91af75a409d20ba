package peers

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
)

// cached is SHA-256 and a cache before the table of digests, as a service has it whose table is
// in a database.
type cached struct {
	table digests
	cache *otter.Cache[digest, *grant]
	load  otter.Loader[digest, *grant]
}

func newCached() (Peer, error) {
	c := &cached{table: digests{grants: make(map[digest]*grant)}}
	var err error
	if c.cache, err = otter.New(&otter.Options[digest, *grant]{MaximumSize: 1 << 16}); err != nil {
		return nil, err
	}
	c.load = otter.LoaderFunc[digest, *grant](func(_ context.Context, sum digest) (*grant, error) {
		if g := c.table.get(sum); g != nil {
			return g, nil
		}
		return nil, otter.ErrNotFound
	})
	return c, nil
}

func (c *cached) Issue(text, owner string, expires time.Time) (string, error) {
	return c.table.Issue(text, owner, expires)
}

func (c *cached) Verify(presented string) (string, error) {
	sum := digestOf(presented)
	g, ok := c.cache.GetIfPresent(sum)
	if !ok {
		var err error
		if g, err = c.cache.Get(context.Background(), sum, c.load); err != nil {
			return "", err
		}
	}
	return g.holder()
}

// Revoke works in this process only: another one's cache would go on.
func (c *cached) Revoke(presented string) error {
	err := c.table.Revoke(presented)
	c.cache.Invalidate(digestOf(presented))
	return err
}
