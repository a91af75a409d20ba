package leak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/seed-d3a9fb6b/apikey"
)

// gitHubWorkers deal with keys of a call at the same time, so that a store whose writers share commits does so. 1,000
// keys in bbolt took 0.5 s with 16, 0.3 s with 64, and less with more; but in a pool of connections, more would keep
// others waiting.
const gitHubWorkers = 64

// gitHubCase is a key, as its id in the reports says: one for which junk was made up, maybe.
type gitHubCase struct {
	id    string
	texts []string // different ones
	of    []int    // the reports

	genuine map[string]bool // the texts that were issued here
	revoked *apikey.Key     // by this call; nil: it was not
	err     error           // it is not known whether all is done
}

// errGitHubUnjudged is what stands of a case until it was judged, should a store call end its goroutine.
var errGitHubUnjudged = errors.New("not dealt with")

// settle revokes the keys that were reported, tells of them, and says which reports were true. Nothing is said if
// something failed, and all the same all is done that can be.
func (g *GitHub) settle(ctx context.Context, reports []gitHubReport, skipped int) ([]gitHubFeedback, error) {
	cases := gitHubCases(reports)
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(gitHubWorkers, len(cases)) {
		working.Go(func() {
			for n := next.Add(1); n <= int64(len(cases)); n = next.Add(1) {
				c := cases[n-1]
				g.guard(ctx, &c.err, func() { c.err = g.judge(ctx, c) })
			}
		})
	}
	working.Wait()

	answer := make([]gitHubFeedback, len(reports))
	for n := range reports {
		answer[n] = reports[n].feedback(false)
	}
	revoked, known := 0, 0
	var failed []*gitHubCase
	for _, c := range cases {
		for _, n := range c.of {
			if c.genuine[reports[n].Token] {
				answer[n] = reports[n].feedback(true)
				known++
			}
		}
		if c.revoked != nil {
			revoked++
			g.tell(ctx, c, reports)
		}
		if c.err != nil {
			failed = append(failed, c)
		}
	}
	g.options.Logger.InfoContext(ctx, "leak: GitHub found keys in public", "finds", len(reports), "genuine", known, "revoked", revoked, "skipped", skipped)
	if len(failed) > 0 {
		return nil, &gitHubRefusal{http.StatusServiceUnavailable, gitHubLater, gitHubFailure(failed)}
	}
	return answer, nil
}

// gitHubCases puts together what goes by one id, in the order of the reports. What has not the form of a key is in
// none.
func gitHubCases(reports []gitHubReport) (cases []*gitHubCase) {
	byID := map[string]*gitHubCase{}
	seen := map[string]bool{}
	for n, r := range reports {
		id, err := apikey.KeyID(r.Token)
		if err != nil {
			continue
		}
		c := byID[id]
		if c == nil {
			c = &gitHubCase{id: id, genuine: map[string]bool{}, err: errGitHubUnjudged}
			byID[id] = c
			cases = append(cases, c)
		}
		c.of = append(c.of, n)
		if !seen[r.Token] {
			seen[r.Token] = true
			c.texts = append(c.texts, r.Token)
		}
	}
	return cases
}

// judge asks of each text whether it was issued here, and revokes the key if one of them is alive.
func (g *GitHub) judge(ctx context.Context, c *gitHubCase) error {
	var unknown error
	live := ""
	for _, text := range c.texts {
		_, err := g.verifier.Recognize(ctx, text)
		var rejected *apikey.RejectedError
		switch {
		case err == nil || errors.As(err, &rejected): // past the tag
			c.genuine[text] = true
			if gitHubAlive(err) {
				live = text
			}
		case !errors.Is(err, apikey.ErrRejected):
			unknown = err
		}
	}
	if live == "" {
		if g.untold.has(c.id) {
			return errors.Join(unknown, g.look(ctx, c))
		}
		return unknown
	}
	g.untold.add(c.id)
	key, err := g.issuer.Revoke(ctx, c.id, g.options.revocation())
	switch {
	case err == nil:
		c.revoked = key
		return unknown
	case errors.Is(err, apikey.ErrNotFound):
		g.untold.forget(c.id)
		// It was deleted meanwhile; or the Issuer is on another store, and then this must not look as if it were done.
		_, again := g.verifier.Recognize(ctx, live)
		if errors.Is(again, apikey.ErrRejected) && !gitHubAlive(again) {
			return unknown
		}
		return err
	}
	g.look(ctx, c) // whatever it finds, the store has failed
	return err
}

// gitHubAlive tells from what Recognize says whether a secret works, or could work again: an expired or disabled key
// can be brought back.
func gitHubAlive(err error) bool {
	return err == nil || errors.Is(err, apikey.ErrExpired) || errors.Is(err, apikey.ErrDenied)
}

// tell calls OnLeak with the places where secrets of the key were found; where junk under its id was is no concern of
// its owner.
func (g *GitHub) tell(ctx context.Context, c *gitHubCase, reports []gitHubReport) {
	defer g.untold.forget(c.id)
	if g.options.OnLeak == nil {
		return
	}
	leak := GitHubLeak{Key: c.revoked}
	for _, n := range c.of {
		if r := reports[n]; c.genuine[r.Token] {
			leak.Places = append(leak.Places, GitHubPlace{r.URL, r.Source, r.Type})
		}
	}
	var err error // which has been logged, and takes nothing back
	g.guard(ctx, &err, func() { g.options.OnLeak(ctx, leak) })
}

// guard keeps a panic from the keys that are still to be dealt with, and from the process, whose end it would be in a
// goroutine of ours. What it says may hold a secret.
func (g *GitHub) guard(ctx context.Context, err *error, f func()) {
	defer func() {
		if p := recover(); p != nil {
			g.options.Logger.ErrorContext(ctx, "leak: a panic", "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			*err = fmt.Errorf("panic: %T", p)
		}
	}()
	f()
}

// gitHubFailure names some keys, so that somebody can see to them.
func gitHubFailure(failed []*gitHubCase) error {
	const named = 20
	var ids []string
	for _, c := range failed[:min(named, len(failed))] {
		ids = append(ids, c.id)
	}
	return fmt.Errorf("%d keys may be alive, %q among them: %w", len(failed), ids, failed[0].err)
}
