package sts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Without the service a verifier goes on with the list it has until that expires, then refuses, and goes
// on again by itself. Calls wait for what does not answer once, when it was to have come.
func TestOutage(t *testing.T) {
	t.Parallel()
	for what, broken := range map[string]func(*http.Request) (*http.Response, error){
		"refused":   cutOff,
		"500":       nil,
		"swallowed": swallow,
		"junk": func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.WriteString("<html>down for maintenance</html>")
			return w.Result(), nil
		},
		"a trickle": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: trickle{r.Context()}}, nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil, sts.ServiceOptions{TTL: 15 * time.Minute})
				elsewhere, wire := f.remote(t, sts.VerifierOptions{})
				if err := elsewhere.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(4*time.Minute + 30*time.Second) // they get too old in the outage
				key, text := f.Create(t, apikey.CreateParams{})
				token := f.exchange(t, text, sts.ExchangeParams{})
				wantAlive(t, "before", elsewhere, token)
				time.Sleep(6 * time.Second)
				if broken == nil { // what is good but for its status
					broken = func(r *http.Request) (*http.Response, error) {
						a := answer(f.handler, r)
						a.StatusCode = http.StatusInternalServerError
						return a, nil
					}
				}
				wire.set(broken)
				start := time.Now()
				slowest, waited := time.Duration(0), time.Duration(0)
				for time.Since(start) < 54*time.Second { // the list is 2.5 s old at most
					before := time.Now()
					wantAlive(t, "during", elsewhere, token)
					slowest, waited = max(slowest, time.Since(before)), waited+time.Since(before)
					time.Sleep(300 * time.Millisecond)
				}
				if slowest > 2500*time.Millisecond || waited > 4*time.Second {
					t.Errorf("a call took %v, all of them %v", slowest, waited)
				}
				if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Until(start.Add(time.Minute)))
				wantDead(t, "when the list has expired", elsewhere, token, apikey.ErrUnavailable)
				time.Sleep(time.Minute)
				wantDead(t, "a minute later", elsewhere, token, apikey.ErrUnavailable)
				wire.set(nil)
				time.Sleep(5 * time.Second)
				wantDead(t, "afterwards", elsewhere, token, apikey.ErrRevoked)
				_, text = f.Create(t, apikey.CreateParams{})
				wantAlive(t, "another", elsewhere, f.exchange(t, text, sts.ExchangeParams{}))
			})
		})
	}
}

// trickle is a body that comes slowly and has no end.
type trickle struct{ ctx context.Context }

func (e trickle) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	time.Sleep(200 * time.Millisecond)
	for i := range p[:1] {
		p[i] = 'A'
	}
	return 1, nil
}

func (trickle) Close() error { return nil }

// What a cache, or somebody on the way, has kept from before a death is not taken for news, and is of no use
// for longer than it was made for.
func TestOldLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{TTL: 15 * time.Minute})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		key, text := f.Create(t, apikey.CreateParams{})
		doomed := f.exchange(t, text, sts.ExchangeParams{})
		_, text = f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		before := f.get("/oauth/revocations").Body.String()
		wantAlive(t, "before", elsewhere, doomed)
		if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		wantDead(t, "revoked", elsewhere, doomed, apikey.ErrRevoked)
		wire.set(instead(f.handler, "/oauth/revocations", before))
		start := time.Now()
		for time.Since(start) < 57*time.Second {
			wantDead(t, "with the old list", elsewhere, doomed, apikey.ErrRevoked)
			wantAlive(t, "the other", elsewhere, token)
			time.Sleep(time.Second)
		}
		time.Sleep(4 * time.Second)
		wantDead(t, "when that has expired", elsewhere, token, apikey.ErrUnavailable)

		// A verifier that has just started can't know that it is old, until it expires.
		wire.set(nil)
		fresh, wire := f.remote(t, sts.VerifierOptions{})
		wire.set(instead(f.handler, "/oauth/revocations", before))
		wantDead(t, "started with the old list", fresh, doomed, apikey.ErrUnavailable)
	})
}

// A list that is not the service's, or not a list, is none.
func TestWrongLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, other := newFixture(t, nil, sts.ServiceOptions{}), newFixture(t, nil, sts.ServiceOptions{})
		third := newFixtureOf(t, "https://other.example.com", nil, sts.ServiceOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		good := f.get("/oauth/revocations").Body.String()
		parts := strings.Split(good, ".")
		for what, list := range map[string]string{
			"signed by another":             other.get("/oauth/revocations").Body.String(),
			"of another issuer":             third.get("/oauth/revocations").Body.String(),
			"a token":                       token,
			"nothing":                       "",
			"the header of one":             parts[0],
			"without a signature":           parts[0] + "." + parts[1] + ".",
			"with another payload":          parts[0] + "." + strings.Replace(parts[1], "W10", "W11", 1) + "x." + parts[2],
			"a line break more":             good + "\n",
			"the payload alone":             fmt.Sprint(payload(t, good)),
			"longer than it may be (16 MB)": good + strings.Repeat("A", 16<<20),
		} {
			elsewhere, wire := f.remote(t, sts.VerifierOptions{})
			wire.set(instead(f.handler, "/oauth/revocations", list))
			wantDead(t, what, elsewhere, token, apikey.ErrUnavailable)
			elsewhere.Close()
		}
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		wire.set(instead(f.handler, "/oauth/revocations", good))
		wantAlive(t, "control", elsewhere, token)
		elsewhere.Close()
	})
}

// A process that did not run, across a death and for longer than it trusts its list, asks before it answers. What it
// was asking when it stopped may have failed for that alone, which is no reason to go on with what it has.
func TestSleeper(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		fails bool          // what was under way
		out   bool          // the service, when the process stopped
		stop  time.Duration // for how long
	}{
		"and gets its answer":             {false, false, 4600 * time.Millisecond},
		"and what it asked fails":         {true, false, 4600 * time.Millisecond},
		"and what it asked long ago":      {true, false, 30 * time.Second},
		"while the service was away, too": {true, true, 7 * time.Second},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil, sts.ServiceOptions{})
				elsewhere, wire := f.remote(t, sts.VerifierOptions{})
				key, text := f.Create(t, apikey.CreateParams{})
				token := f.exchange(t, text, sts.ExchangeParams{})
				wantAlive(t, "before", elsewhere, token)
				if c.out {
					wire.set(cutOff)
					time.Sleep(5200 * time.Millisecond)
					wantAlive(t, "in the outage", elsewhere, token)
				}
				// The poll that is under way when the process stops gets no answer until it goes on.
				goesOn := make(chan struct{})
				wire.set(func(r *http.Request) (*http.Response, error) {
					select {
					case <-goesOn:
					default:
						<-goesOn
						if c.fails {
							return nil, errCut
						}
					}
					return answer(f.handler, r), nil
				})
				time.Sleep(c.stop - 600*time.Millisecond)
				if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(600 * time.Millisecond)
				refused := make(chan error)
				go func() {
					_, err := elsewhere.Verify(t.Context(), token)
					refused <- err
				}()
				synctest.Wait()
				select {
				case err := <-refused:
					t.Errorf("it answered without asking: %v", err)
					return
				default:
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := elsewhere.Verify(ctx, token); !errors.Is(err, apikey.ErrUnavailable) || !errors.Is(err, context.Canceled) {
					t.Errorf("whoever can't wait: %v", err)
				}
				close(goesOn)
				if err := <-refused; !errors.Is(err, apikey.ErrRevoked) {
					t.Errorf("%v", err)
				}
				wantDead(t, "afterwards", elsewhere, token, apikey.ErrRevoked)
			})
		})
	}
}

// A service that answers slowly holds nobody up, and its answers are as old as the questions.
func TestSlowService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{TTL: 15 * time.Minute})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		other := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, other)
		wire.set(func(r *http.Request) (*http.Response, error) {
			a := answer(f.handler, r)
			time.Sleep(1900 * time.Millisecond)
			return a, nil
		})
		time.Sleep(10 * time.Second)
		for i := range 20 {
			key, text := f.Create(t, apikey.CreateParams{Name: fmt.Sprint(i)})
			token := f.exchange(t, text, sts.ExchangeParams{})
			for range i {
				start := time.Now()
				wantAlive(t, "the other", elsewhere, other)
				if took := time.Since(start); took > 0 {
					t.Fatalf("a call took %v", took)
				}
				time.Sleep(170 * time.Millisecond)
			}
			if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
				t.Fatal(err)
			}
			if took, err := refusedAfter(t, elsewhere, token); !errors.Is(err, apikey.ErrRevoked) || took > 5*time.Second {
				t.Errorf("%v after %v", err, took)
			}
		}
	})
}

// Closing ends what goes on, for calls under way, too; afterwards every call is refused.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		wire.set(swallow)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { wantDead(t, "under way", elsewhere, token, apikey.ErrUnavailable) })
		}
		synctest.Wait()
		for range 2 {
			if err := elsewhere.Close(); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		wantDead(t, "closed", elsewhere, token, apikey.ErrUnavailable)
		wantDead(t, "closed", elsewhere, "junk", apikey.ErrUnavailable)
		unused, _ := f.remote(t, sts.VerifierOptions{})
		unused.Close()
		wantDead(t, "closed before its first call", unused, token, apikey.ErrUnavailable)
	})
}
