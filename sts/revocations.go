package sts

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// revocations makes the list of what died lately: the payload of a JWS of the type keyrevocations+jwt.
//
//	iss, iat, exp   as in tokens; after exp it says nothing any more
//	as_of           ms since 1970: what died before that is in it, if a token derived from it can be alive
//	by              who made it: a process of the service, whose as_of only grows
//	revoked         ids of keys (Key.ID without its prefix) that no token lives of
//	cut             id to {"number", "epoch"}: tokens with a lower key_number or key_epoch are dead
//
// What changed within the life of the longest token is asked of the store's log, so it is right whichever process
// made the change, and after a restart. A record is read once for each of its changes.
type revocations struct {
	store  apikey.Store
	log    apikey.ChangeLog
	keys   *signingKeys
	clock  *clock
	issuer string
	ttl    time.Duration
	name   string // of this process, made up

	made   atomic.Pointer[document]
	turn   chan struct{} // held by the one who makes it
	judged map[apikey.ID]judgement
	failed error     // how the last try ended, nil: well
	began  time.Time // that try
}

// document is a list as it is published.
type document struct {
	text string
	asOf time.Time
}

const (
	window = maxTTL + 2*slack // a leeway, and clocks that differ
	// makeWait is how long the making of one may take. What was judged until then is not lost.
	makeWait = 10 * time.Second
	// remakeAfter is how old a list may be when it is handed out: many verifiers ask at once.
	remakeAfter = 100 * time.Millisecond
	// maxList is the longest list in bytes: room for 300,000 keys that died, or 200,000 that were rotated, in a quarter of an hour.
	maxList = 16 << 20
)

// listClaims is the payload.
type listClaims struct {
	Issuer   string         `json:"iss"`
	IssuedAt int64          `json:"iat"`
	Expires  int64          `json:"exp"`
	AsOf     int64          `json:"as_of"`
	By       string         `json:"by"`
	Revoked  []string       `json:"revoked"`
	Cut      map[string]cut `json:"cut"`
}

// cut is what is left of a key whose tokens are not all dead.
type cut struct {
	Number uint16 `json:"number"` // the lowest that is alive
	Epoch  uint32 `json:"epoch"`
}

// judgement is what decides, of a record as it was read.
type judgement struct {
	sequence    uint64
	dead        bool      // gone, revoked or disabled
	expires     time.Time // zero: never
	epoch       uint32
	credentials []apikey.Credential // number and not-after
}

// current returns a list that holds what died until a tenth of a second before the call. It is made by one of those who
// ask, for all who came before it began: whoever else waits gets the next.
func (r *revocations) current(ctx context.Context) (*document, error) {
	came := r.clock.now()
	if d := r.made.Load(); d != nil && came.Sub(d.asOf) < remakeAfter {
		return d, nil
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, unavailable("list the dead", ctx.Err())
	}
	defer func() { <-r.turn }()
	if d := r.made.Load(); d != nil && came.Sub(d.asOf) < remakeAfter {
		return d, nil
	}
	if r.failed != nil && came.Sub(r.began) < remakeAfter {
		return nil, r.failed
	}
	// It is for others, too, so it goes on if this caller does not wait, and not for ever.
	making, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeWait)
	defer cancel()
	r.began = r.clock.now()
	d, err := r.make(making, r.began)
	if err != nil {
		r.failed = unavailable("list the dead", err)
		return nil, r.failed
	}
	r.failed = nil
	r.made.Store(d)
	return d, nil
}

func (r *revocations) make(ctx context.Context, asOf time.Time) (*document, error) {
	if err := r.judge(ctx); err != nil {
		return nil, err
	}
	list := listClaims{Issuer: r.issuer, IssuedAt: asOf.Unix(), Expires: asOf.Add(r.ttl).Unix(), AsOf: asOf.UnixMilli(), By: r.name,
		Revoked: []string{}, Cut: map[string]cut{}}
	for id, j := range r.judged {
		left, alive := j.left(asOf)
		switch {
		case !alive:
			list.Revoked = append(list.Revoked, id.String())
		case left.Number > 1 || left.Epoch > 0:
			list.Cut[id.String()] = left
		}
	}
	slices.Sort(list.Revoked)
	payload, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	signing, err := r.keys.signing(ctx, asOf)
	if err != nil {
		return nil, err
	}
	text, err := sign(signing.list, payload)
	if err != nil {
		return nil, err
	}
	if len(text) > maxList {
		return nil, errors.New("more keys have died lately than fit into a list of 16 MiB")
	}
	return &document{text, asOf}, nil
}

// judge reads the records that have changed since they were judged, and forgets those that
// have not for so long that it does not matter.
func (r *revocations) judge(ctx context.Context) error {
	changes, err := r.log.Changes(ctx, window)
	if err != nil {
		return err
	}
	logged := make(map[apikey.ID]struct{}, len(changes))
	for _, c := range changes {
		logged[c.ID] = struct{}{}
	}
	maps.DeleteFunc(r.judged, func(id apikey.ID, _ judgement) bool { _, is := logged[id]; return !is })
	for _, c := range changes {
		if j, known := r.judged[c.ID]; known && j.sequence == c.Sequence {
			continue
		}
		// What is read may already be newer than the change. Then there is another one, which comes next time.
		record, err := r.store.Get(ctx, c.ID)
		if err != nil && !errors.Is(err, apikey.ErrNotFound) {
			return err
		}
		j := judgementOf(record)
		j.sequence = c.Sequence
		r.judged[c.ID] = j
	}
	return nil
}

func judgementOf(r *apikey.Record) judgement {
	if r == nil || !r.RevokedAt.IsZero() || r.Disabled {
		return judgement{dead: true}
	}
	j := judgement{expires: r.ExpiresAt, epoch: r.Epoch}
	for _, c := range r.Credentials {
		j.credentials = append(j.credentials, apikey.Credential{Number: c.Number, NotAfter: c.NotAfter})
	}
	return j
}

// left returns what tokens must have to be alive.
func (j *judgement) left(now time.Time) (cut, bool) {
	if j.dead || ended(j.expires, now) {
		return cut{}, false
	}
	number, alive := lowestAlive(j.credentials, now)
	return cut{number, j.epoch}, alive
}

// lowestAlive returns the lowest number that is alive. Those above are, too: no grace of an older
// secret is longer than that of a newer one.
func lowestAlive(credentials []apikey.Credential, now time.Time) (lowest uint16, alive bool) {
	for _, c := range credentials {
		if !ended(c.NotAfter, now) && (!alive || c.Number < lowest) {
			lowest, alive = c.Number, true
		}
	}
	return lowest, alive
}

// ended: an end is the first instant at which it is over; zero: none.
func ended(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }
