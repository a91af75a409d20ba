package leak

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// GitHub is the endpoint that GitHub's secret scanning calls when it finds keys in public: in repositories, issues,
// gists, packages of npm. Who issues keys enrols by mail to secret-scanning@github.com, with a regular expression (the
// rules of this package have it) and the URL at which this handler is served:
//
//	github, err := leak.NewGitHub(issuer, verifier, &leak.GitHubOptions{OnLeak: tellTheOwner})
//	…
//	mux.Handle("POST /leaks/github", github)
//
// A call is a list of what was found, signed by GitHub. Each key in it that the Verifier's Recognize knows, so of
// which a secret was found that was issued and not rotated away, is revoked before the answer is 200. Ids are public,
// and anybody can publish one with junk and a good checksum: that revokes nothing, and costs no argon2 and no read of
// the store. An expired or disabled key is revoked, too, since it can be brought back, with a secret that the world
// knows; not so for a secret that was rotated away before, which is dead whatever becomes of the key.
//
// The answer tells GitHub of each find, by its SHA-256, whether it was a false positive. It is none if it was ever a
// secret of a key here: revoked, rotated away and deleted ones are as true as live ones. So a call that comes again
// gets the same answer and changes nothing.
//
//	200  all of it is dealt with
//	400  cut off on its way, or more than 10 seconds on it; or signed, and not a JSON array
//	403  not signed by GitHub: all such calls get the same bytes, whatever is wrong with them
//	405  not a POST
//	413  longer than GitHubOptions.MaxBody, or more than 100,000 entries
//	503  GitHub's keys could not be fetched, or the one that is named is not among them, and they were fetched
//	     within the last two minutes; or too many bodies are on their way; or the store failed: what could be
//	     revoked is, nothing is said of the rest, and the same call may come again, in two minutes
//
// A call is at work for 25 seconds at most when its body is there, whether or not GitHub still listens, which gives
// up after 30. The 10 seconds for the body are set on the connection, in place of what is left of the server's
// ReadTimeout; if a ResponseWriter around the server's hides that, ReadTimeout has to do. TLS, and how often somebody
// may call, are the server's. The path, the query and the Content-Type are not looked at, as nobody signs them.
//
// A body has to be there before its signature can be checked, and which keys GitHub has is public. So strangers can
// have 16 times MaxBody held, about twice that in memory, and who holds all of it keeps GitHub out, with a 503,
// for as long as that goes on. Let whatever is in front of the handler take calls from GitHub's addresses only:
// https://api.github.com/meta lists them as "hooks".
//
// What is found says nothing of itself in an answer but its hash and its type, and nothing in a log or an error. The
// format:
// https://docs.github.com/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program
//
// Safe for concurrent use. It has no goroutine outside of calls, and nothing to close.
type GitHub struct {
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	options  GitHubOptions
	keys     gitHubKeys
	held     atomic.Int64 // bytes of bodies that are being read
	untold   gitHubUntold
}

// NewGitHub returns a handler that revokes through i what v recognizes: both are on one Store, and i is for all
// subjects. One Issuer does for all prefixes of its store. It does no I/O: GitHub's keys are fetched when they are
// needed. A store that no key was ever created in can't tell its own from others', and the answer is 503. A wrong
// option is a [*apikey.ValidationError].
func NewGitHub(i *apikey.Issuer, v *apikey.Verifier, opts *GitHubOptions) (*GitHub, error) {
	var o GitHubOptions
	if opts != nil {
		o = *opts
	}
	switch {
	case i == nil:
		return nil, &apikey.ValidationError{Field: "issuer", Reason: "required"}
	case v == nil:
		return nil, &apikey.ValidationError{Field: "verifier", Reason: "required"}
	case !i.Manages(apikey.NewKey(&apikey.Record{})): // somebody's, and everybody's are found
		return nil, &apikey.ValidationError{Field: "issuer", Reason: "for the keys of one subject only"}
	}
	pinned, err := o.complete(i)
	if err != nil {
		return nil, err
	}
	return &GitHub{
		issuer: i, verifier: v, options: o,
		keys:   newGitHubKeys(o, pinned),
		untold: gitHubUntold{ids: map[string]bool{}},
	}, nil
}

const (
	// gitHubPatience is for how long a call is at work when its body is there: GitHub waits for 30 seconds in all.
	gitHubPatience = 25 * time.Second
	// gitHubRetryAfter is what is asked of GitHub after a failure here: by then its keys can be fetched again.
	gitHubRetryAfter = gitHubFetchPause
)

// gitHubRefusal is an answer that is not 200.
type gitHubRefusal struct {
	status int
	text   string // fixed: nothing of what was sent
	cause  error  // of a failure, for the log; nil: there is no more to say
}

func (r *gitHubRefusal) Error() string { return r.text }

// The refusals that are always the same. What is wrong with a signature is not told.
var (
	gitHubNotPost  = &gitHubRefusal{status: http.StatusMethodNotAllowed, text: "only POST"}
	gitHubUnsigned = &gitHubRefusal{status: http.StatusForbidden, text: "not signed by GitHub"}
	gitHubTooLong  = &gitHubRefusal{status: http.StatusRequestEntityTooLarge, text: "too long"}
	gitHubTooMany  = &gitHubRefusal{status: http.StatusRequestEntityTooLarge, text: "too many entries"}
	gitHubNoArray  = &gitHubRefusal{status: http.StatusBadRequest, text: "not a JSON array"}
	gitHubCutOff   = &gitHubRefusal{status: http.StatusBadRequest, text: "cut off"}
	gitHubNoKeys   = &gitHubRefusal{status: http.StatusServiceUnavailable, text: "no such key yet: " + gitHubLater}
	gitHubFull     = &gitHubRefusal{status: http.StatusServiceUnavailable, text: "too much at once: " + gitHubLater}
)

const gitHubLater = "try again later"

// ServeHTTP answers a call by GitHub, or by whoever pretends to be.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A revocation is not given up because the one who asked for it is gone.
	ctx := context.WithoutCancel(r.Context())
	feedback, err := g.handle(ctx, w, r)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	var refusal *gitHubRefusal
	if errors.As(err, &refusal) {
		g.refused(ctx, refusal)
		switch refusal.status {
		case http.StatusMethodNotAllowed:
			h.Set("Allow", http.MethodPost)
		case http.StatusServiceUnavailable:
			h.Set("Retry-After", strconv.Itoa(int(gitHubRetryAfter/time.Second)))
		}
		http.Error(w, refusal.text, refusal.status)
		return
	}
	body, err := json.Marshal(feedback)
	if err != nil { // of strings, it can't fail
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "application/json")
	w.Write(body)
}

func (g *GitHub) refused(ctx context.Context, r *gitHubRefusal) {
	if r.cause != nil {
		g.options.Logger.ErrorContext(ctx, "leak: a call by GitHub failed", "err", r.cause)
		return
	}
	g.options.Logger.InfoContext(ctx, "leak: a call in GitHub's name was refused", "status", r.status, "reason", r.text)
}

// handle does what costs little first. Nobody but GitHub gets as far as the parser: a stranger's call costs a body of
// MaxBody bytes and one ECDSA verification, and a fetch of GitHub's keys not more than once in two minutes for all
// strangers.
func (g *GitHub) handle(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]gitHubFeedback, error) {
	if r.Method != http.MethodPost {
		return nil, gitHubNotPost
	}
	kid, signature, ok := gitHubSignature(r.Header)
	if !ok {
		return nil, gitHubUnsigned
	}
	if r.ContentLength > g.options.MaxBody {
		return nil, gitHubTooLong
	}
	key, err := g.keys.find(ctx, kid)
	if err != nil {
		return nil, gitHubNoKeys
	}
	if key == nil {
		return nil, gitHubUnsigned
	}
	body, err := g.signedBody(w, r, key, signature)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, gitHubPatience)
	defer cancel()
	reports, skipped, err := parseGitHub(body)
	if err != nil {
		return nil, err
	}
	return g.settle(ctx, reports, skipped)
}
