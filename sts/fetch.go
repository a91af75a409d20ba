package sts

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

func (o *VerifierOptions) complete(issuer string) error {
	if o.Algorithm == "" {
		o.Algorithm = EdDSA
	}
	if err := o.Algorithm.check(); err != nil {
		return err
	}
	if o.Refresh == 0 {
		o.Refresh = defaultRefresh
	}
	if o.Refresh < minRefresh || o.Refresh > maxRefresh {
		return invalid("Refresh", "not from %v to %v", minRefresh, maxRefresh)
	}
	if o.Leeway < 0 || o.Leeway > maxLeeway {
		return invalid("Leeway", "not from 0 to %v", maxLeeway)
	}
	for _, u := range []struct {
		field, path string
		value       *string
	}{{"JWKSURL", jwksPath, &o.JWKSURL}, {"RevocationsURL", revocationsPath, &o.RevocationsURL}} {
		if *u.value == "" {
			*u.value = issuer + u.path
		}
		if err := o.checkURL(u.field, *u.value); err != nil {
			return err
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

func (o *VerifierOptions) checkURL(field, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "":
		return invalid(field, "not an absolute http or https URL")
	case u.Scheme == "http" && !o.InsecureHTTP && !isLoopback(u.Hostname()):
		return invalid(field, "http, and not of this machine: use https, or set InsecureHTTP")
	}
	return nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (a Algorithm) takes(key any) bool {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return a == EdDSA
	case *ecdsa.PublicKey:
		return a == ES256 && key.Curve == elliptic.P256()
	}
	return false
}

// get fetches what is at a URL, and not more than max bytes of it.
func (r *remote) get(ctx context.Context, url string, max int) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	// A cache on the way asks the service each time: what it kept is from before the last death.
	request.Header.Set("Cache-Control", "no-cache")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answers %d", url, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(max)+1))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > max {
		return nil, nil, fmt.Errorf("%s is longer than %d bytes", url, max)
	}
	return body, response.Header, nil
}

// maxAge returns how long an answer may be kept (RFC 9111, section 5.2.2.1), within bounds.
func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if text, is := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); is {
			if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
				return min(time.Duration(seconds)*time.Second, maxKeysAge)
			}
		}
	}
	return defaultKeysAge
}

// refresher does one fetch at a time, whoever wants it, and not in the goroutine of who does: the result is
// everybody's.
type refresher struct {
	ctx     context.Context // ends all
	wait    time.Duration   // for one fetch
	fetch   func(context.Context) error
	running sync.WaitGroup

	mu     sync.Mutex
	now    *attempt  // nil: none is under way
	began  time.Time // the last that has ended
	failed bool      // that one
}

// fetchPause is what follows on a fetch that failed.
const fetchPause = 100 * time.Millisecond

type attempt struct {
	done chan struct{}
	err  error // when done
}

// do waits for a fetch, which it begins unless one is under way. After one that failed the next pauses.
func (f *refresher) do(ctx context.Context) error {
	f.mu.Lock()
	a := f.now
	if a == nil {
		if f.ctx.Err() != nil {
			f.mu.Unlock()
			return errClosed
		}
		a = &attempt{done: make(chan struct{})}
		pause := time.Duration(0)
		if f.failed {
			pause = fetchPause
		}
		f.now = a
		f.running.Go(func() { f.run(a, pause) })
	}
	f.mu.Unlock()
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *refresher) run(a *attempt, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-f.ctx.Done():
	}
	ctx, cancel := context.WithTimeoutCause(f.ctx, f.wait, errSlow)
	defer cancel()
	began := time.Now()
	a.err = f.fetch(ctx)
	f.mu.Lock()
	f.now, f.began, f.failed = nil, began, a.err != nil
	f.mu.Unlock()
	close(a.done)
}

var errSlow = errors.New("the service took too long to answer")

// within reports whether a fetch began so short a time ago, and has ended.
func (f *refresher) within(d time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now == nil && !f.began.IsZero() && since(f.began) < d
}

// close waits for the fetch under way. ctx has ended.
func (f *refresher) close() {
	f.mu.Lock() // who has it has seen that ctx has ended, or has begun
	f.mu.Unlock()
	f.running.Wait()
}
