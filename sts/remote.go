package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// NewVerifier returns a Verifier for the tokens that the service called issuer makes for audience, in a process that
// has no store. It does no I/O: the first Verify fetches, and waits for it; from then on a goroutine does, until
// Close. A wrong option is a [*apikey.ValidationError].
func NewVerifier(issuer, audience string, opts *VerifierOptions) (*Verifier, error) {
	var o VerifierOptions
	if opts != nil {
		o = *opts
	}
	if err := checkIssuer(issuer); err != nil {
		return nil, err
	}
	if err := checkAudience("audience", audience); err != nil {
		return nil, err
	}
	if err := o.complete(issuer); err != nil {
		return nil, err
	}
	r := newRemote(issuer, o)
	return &Verifier{
		issuer: issuer, audience: func(a string) bool { return a == audience },
		kind: kind{o.Algorithm, tokenType, maxToken}, leeway: o.Leeway, clock: r.clock, source: r,
	}, nil
}

// Ready reports whether tokens can be judged: it fetches the signing keys and the list, unless they are there. For the
// start of a program and for its checks of health: the first Verify waits for nothing then. [apikey.ErrUnavailable].
func (v *Verifier) Ready(ctx context.Context) error {
	if err := v.source.ready(); err != nil {
		return err
	}
	return v.source.fetched(ctx)
}

// remote is a service that is asked over HTTP.
type remote struct {
	issuer   string
	options  VerifierOptions
	clock    *clock
	listKind kind
	client   *http.Client
	owned    *http.Transport // by us; nil: by somebody else

	keys   atomic.Pointer[remoteKeys]
	list   atomic.Pointer[remoteList]
	outage atomic.Pointer[time.Time] // when it was last tried in vain to replace a list that was too old; nil: never

	lists, sets refresher
	latest      map[string]remoteList // by who made them; of fetchList, of which one runs at a time

	ctx     context.Context
	cancel  context.CancelFunc
	started sync.Once
	polling sync.WaitGroup
}

// remoteKeys are the signing keys as they were fetched.
type remoteKeys struct {
	byKid map[string]any
	got   time.Time
	age   time.Duration // that they may reach
}

// remoteList is the list as it was fetched.
type remoteList struct {
	*list
	got time.Time // before it was asked for
}

func newRemote(issuer string, o VerifierOptions) *remote {
	r := &remote{issuer: issuer, options: o, clock: newClock(), listKind: kind{o.Algorithm, revocationsType, maxList}, latest: map[string]remoteList{}}
	r.client = new(http.Client)
	if o.Client != nil {
		r.client.Transport = o.Client.Transport
	}
	if r.client.Transport == nil {
		r.owned = http.DefaultTransport.(*http.Transport).Clone()
		r.client.Transport = r.owned
	}
	// A redirect would be followed to wherever whoever answers says.
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.lists = refresher{ctx: r.ctx, wait: r.patience(), fetch: r.fetchList}
	r.sets = refresher{ctx: r.ctx, wait: r.patience(), fetch: r.fetchKeys}
	return r
}

// period is how often the list is fetched.
func (r *remote) period() time.Duration { return r.options.Refresh / 2 }

// patience is how long that may take.
func (r *remote) patience() time.Duration { return r.options.Refresh * 2 / 5 }

// trust is how old a list may be. The service's own may be a tenth of a second old when it is handed out.
func (r *remote) trust() time.Duration { return r.options.Refresh - r.options.Refresh/10 }

func (r *remote) ready() error {
	if r.ctx.Err() != nil {
		return errClosed
	}
	r.started.Do(func() { r.polling.Go(r.poll) })
	return nil
}

var errClosed = fmt.Errorf("%w: the Verifier is closed", apikey.ErrUnavailable)

func (r *remote) close() error {
	r.cancel()
	r.started.Do(func() {}) // or a Verify that is on its way would start it
	r.polling.Wait()
	r.lists.close()
	r.sets.close()
	if r.owned != nil {
		r.owned.CloseIdleConnections()
	}
	return nil
}

// poll keeps the list, and the keys, as new as they are to be. While the service does not answer it asks less and less
// often, up to the usual.
func (r *remote) poll() {
	failures := 0
	for {
		var err error
		began := time.Now()
		switch k := r.keys.Load(); {
		case k == nil:
			err = r.sets.do(r.ctx)
		case since(k.got) >= k.age || r.sets.failing():
			r.sets.start() // the list does not wait for it
		}
		err = errors.Join(err, r.lists.do(r.ctx))
		pause := r.period() - since(began)
		switch {
		case r.ctx.Err() != nil:
			return
		case err != nil:
			pause = min(r.patience()/4<<min(failures, 10), r.period())
			if failures++; failures == 1 {
				r.options.Logger.Warn("sts: could not ask the service for its signing keys, or for what has died", "issuer", r.issuer, "err", err)
			}
		case failures > 0:
			r.options.Logger.Info("sts: the service answers again", "issuer", r.issuer, "failures", failures)
			failures = 0
		}
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return
		}
	}
}

// find returns the public key of a kid. Those that are published are known before they sign; for one that
// is not known they are fetched again, but not often, as kids of tokens can be made up. Where that fails it can't be
// told whether there is such a key, and nobody waits for the next try; those that are known are good through an outage.
func (r *remote) find(ctx context.Context, kid string) (any, error) {
	known := r.keys.Load()
	if known != nil && known.byKid[kid] != nil {
		return known.byKid[kid], nil
	}
	recent, err := r.sets.last(r.period() / 5)
	switch {
	case known == nil || err == nil && !recent:
		err = r.sets.do(ctx)
	case !recent:
		r.sets.start()
	}
	if known = r.keys.Load(); known != nil && (err == nil || known.byKid[kid] != nil) {
		return known.byKid[kid], nil
	}
	return nil, unavailable("fetch the signing keys", err)
}

// judge asks the list.
func (r *remote) judge(ctx context.Context, c *claims) error {
	l, err := r.current(ctx)
	if err != nil {
		return err
	}
	return l.judge(c)
}

// current returns a list that is young enough or, if it was tried in vain to replace it, has not expired.
func (r *remote) current(ctx context.Context) (*remoteList, error) {
	for {
		l := r.list.Load()
		useful := l != nil && !r.expired(l)
		if useful && (since(l.got) < r.trust() || r.isOut()) {
			return l, nil
		}
		if err := r.lists.do(ctx); err != nil && (!useful || ctx.Err() != nil || r.ctx.Err() != nil) {
			return nil, unavailable("fetch the list of what has died", err)
		}
	}
}

// isOut reports whether the service did not answer just now. A process that stood still does not know, and asks.
func (r *remote) isOut() bool {
	at := r.outage.Load()
	return at != nil && since(*at) < r.options.Refresh
}

func (r *remote) expired(l *remoteList) bool {
	return since(l.got) >= l.life || !r.clock.now().Add(-r.options.Leeway).Before(l.expires)
}

func (r *remote) fetched(ctx context.Context) error {
	if r.keys.Load() == nil {
		if _, err := r.find(ctx, ""); err != nil {
			return err
		}
	}
	_, err := r.current(ctx)
	return err
}

// fetchList replaces the list. That this failed says something of the service only if the list
// was too old when it began, or one that is due next may still come in time, and if this process did not stand
// still meanwhile, which is what makes a try fail after a stop, too.
func (r *remote) fetchList(ctx context.Context) error {
	began := time.Now()
	last := r.list.Load()
	late := last != nil && since(last.got) >= r.trust()
	n, err := r.getList(ctx, began)
	switch {
	case err == nil:
		r.list.Store(n)
	case late && since(began) < 2*r.patience():
		now := time.Now()
		r.outage.Store(&now)
	}
	return err
}

func (r *remote) getList(ctx context.Context, began time.Time) (*remoteList, error) {
	body, _, err := r.get(ctx, r.options.RevocationsURL, maxList)
	if err != nil {
		return nil, err
	}
	o, err := r.listKind.open(ctx, string(body), r.find)
	if errors.Is(err, apikey.ErrRejected) {
		err = errors.New("the list is not signed by the service")
	}
	if err != nil {
		return nil, err
	}
	l, ok := parseList(o, r.issuer)
	switch {
	case !ok:
		return nil, errors.New("the list is not one that this program understands")
	case l.asOf.After(r.clock.now().Add(slack)): // with which no later one could be newer
		return nil, errors.New("the list is from the future: do the clocks differ?")
	}
	n := &remoteList{l, began}
	if r.expired(n) {
		return nil, errors.New("the list has expired: do the clocks differ?")
	}
	return n, r.advances(n)
}

// maxMakers is how many processes of a service are told apart.
const maxMakers = 64

// advances refuses what a cache, or somebody, has kept from before a death: a process of the service whose last list is known
// must have gone on since, by half of the time that has passed here. That of another may be behind, as its clock is.
func (r *remote) advances(n *remoteList) error {
	last, known := r.latest[n.by]
	if known && n.asOf.Sub(last.asOf) < n.got.Sub(last.got)/2 {
		return errors.New("the list is not newer than the one before")
	}
	if !known && len(r.latest) >= maxMakers {
		clear(r.latest)
	}
	r.latest[n.by] = remoteList{&list{asOf: n.asOf}, n.got}
	return nil
}

func (r *remote) fetchKeys(ctx context.Context) error {
	got := time.Now()
	body, header, err := r.get(ctx, r.options.JWKSURL, maxJWKS)
	if err != nil {
		return err
	}
	keys, err := parseJWKS(body, r.options.Algorithm)
	if err != nil {
		return err
	}
	r.keys.Store(&remoteKeys{keys, got, maxAge(header)})
	return nil
}
