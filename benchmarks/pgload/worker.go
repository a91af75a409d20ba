package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// kind is one of what is done.
type kind int

const (
	verify kind = iota
	create
	rotate
	revoke
	kinds
)

func (k kind) String() string { return [...]string{"verify", "create", "rotate", "revoke"}[k] }

// worker is what is in one process.
type worker struct {
	job
	pool     *pgxpool.Pool
	store    *pgstore.Store
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	dead     []atomic.Bool // of Texts, those that are known to have been revoked or rotated away
}

func newWorker(ctx context.Context, j job) (*worker, error) {
	config, err := pgxpool.ParseConfig(j.Options.DSN)
	if err != nil {
		return nil, errors.New("the DSN is none that pgx understands")
	}
	config.MaxConns = int32(j.Options.Connections)
	w := &worker{job: j, dead: make([]atomic.Bool, len(j.Texts))}
	if w.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	if w.store, err = pgstore.New(ctx, w.pool, &pgstore.Options{Schema: j.Schema}); err != nil {
		return nil, err
	}
	var ring *apikey.Keyring
	if w.issuer, ring, err = j.issuer(w.store, j.Options.Goroutines); err != nil {
		return nil, err
	}
	w.verifier, err = apikey.NewVerifier(w.store, &apikey.VerifierOptions{Keyring: ring})
	return w, err
}

func (w *worker) close() error {
	err := errors.Join(w.verifier.Close(), w.store.Close())
	w.pool.Close()
	return err
}

// work runs all goroutines until the time is over, or ctx ends.
func (w *worker) work(ctx context.Context) (o outcome) {
	parts := make([]outcome, w.Options.Goroutines)
	begun := time.Now()
	var group sync.WaitGroup
	for g := range parts {
		group.Go(func() { w.loop(ctx, g, begun, &parts[g]) })
	}
	group.Wait()
	o.Took = time.Since(begun)
	for _, p := range parts {
		for k := range p.Latencies {
			o.Latencies[k] = append(o.Latencies[k], p.Latencies[k]...)
		}
		o.Refused += p.Refused
		o.Failures += p.Failures
		o.Errors = append(o.Errors, p.Errors...)
	}
	return o
}

// loop makes one call after the other. Of the keys that there were at the beginning, it alone changes those whose numbers are its own modulo
// the number of all goroutines, and so it knows what must be accepted.
func (w *worker) loop(ctx context.Context, g int, begun time.Time, o *outcome) {
	all := w.Options.Processes * w.Options.Goroutines
	me := w.Process*w.Options.Goroutines + g
	var own []string
	for n := me; n < len(w.Texts); n += all {
		own = append(own, w.Texts[n])
	}
	r := rand.New(rand.NewPCG(uint64(me), 1))
	for n := me; time.Since(begun) < w.Options.Took; n += all {
		k, at := w.draw(r), r.IntN(max(1, len(own)))
		if len(own) == 0 {
			k = create
		}
		anyones, knownDead := -1, false      // the number of a text, if it is not one's own
		if k == verify && r.IntN(all) != 0 { // one's own, too: it must be accepted
			of := len(w.Texts) // the hot ones are not neighbours in the table
			if r.IntN(10) != 0 {
				of = w.Options.Hot
			}
			anyones = r.IntN(of) * 7919 % len(w.Texts)
			knownDead = w.dead[anyones].Load()
		}
		before := time.Now()
		var err error
		var secret apikey.Secret
		switch k {
		case verify:
			text := own[at]
			if anyones >= 0 {
				text = w.Texts[anyones]
			}
			_, err = w.verifier.Verify(ctx, text)
		case create:
			if _, secret, err = w.issuer.Create(ctx, w.Options.params(len(w.Texts)+n)); err == nil {
				own = append(own, secret.Reveal())
			}
		case rotate:
			if _, secret, err = w.issuer.Rotate(ctx, id(own[at]), apikey.RotateParams{}); err == nil {
				own[at] = secret.Reveal()
			}
		case revoke:
			_, err = w.issuer.Revoke(ctx, id(own[at]), apikey.RevokeParams{Reason: "load"})
		}
		o.Latencies[k] = append(o.Latencies[k], time.Since(before))
		if anyones >= 0 {
			err = w.answered(ctx, anyones, knownDead, err, o)
		}
		if ctx.Err() != nil {
			return // what failed since says nothing
		}
		if err != nil {
			o.fail(k.String(), err)
			continue
		}
		if k == revoke { // and from here on no call accepts it
			if _, err := w.verifier.Verify(ctx, own[at]); err == nil {
				o.fail("a revoked key", errors.New("accepted"))
			} else if !errors.Is(err, apikey.ErrRevoked) && ctx.Err() == nil {
				o.fail("a revoked key", err)
			}
			own[at] = own[len(own)-1]
			own = own[:len(own)-1]
		}
	}
}

// draw returns a kind by its part of the mix.
func (w *worker) draw(r *rand.Rand) kind {
	all := 0
	for _, parts := range w.Options.Mix {
		all += parts
	}
	at := r.IntN(all)
	for k, parts := range w.Options.Mix {
		if at -= parts; at < 0 {
			return kind(k)
		}
	}
	panic("unreachable")
}

func id(text string) string {
	id, err := apikey.KeyID(text)
	if err != nil {
		panic(err) // an Issuer made it
	}
	return id
}

func (o *outcome) fail(doing string, err error) {
	o.Failures++
	if len(o.Errors) < 3 {
		o.Errors = append(o.Errors, doing+": "+err.Error())
	}
}
