package leak

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/seed-d3a9fb6b/apikey"
)

// GitHubOptions are the choices of [NewGitHub]. The zero value, and nil, are good ones.
type GitHubOptions struct {
	// OnLeak is told of each key that a call has revoked, so that its owner gets to know: at least once, and once as
	// a rule. It is called by one goroutine at a time in each call, when all keys of the call are dealt with and
	// before the answer, also where that is a failure, for other keys' sake. So put into a queue what takes time; ctx
	// ends 25 seconds after the body was read. What it panics with is logged by its type, and goes no further.
	//
	// It is not called for a key that was revoked already, so that a call that is sent again tells nobody twice. A
	// revocation that the store reported as failed may have been stored: then it is called as soon as this call, or
	// the next one about this key, finds it so. Two calls at the same moment may both tell of a key. Nobody is told if
	// the process dies in between, or if no later call comes to it: such keys are those with By, and without a mail.
	OnLeak func(ctx context.Context, leak GitHubLeak)
	// By is what a revoked key says in [apikey.Key.RevokedBy]; "": "github-secret-scanning".
	By string
	// MaxBody bounds a call, in bytes; 0: 8 MiB, which is 10,000 finds of 800 bytes. A longer call is refused as a
	// whole. 16 times as much may be held of calls whose signature is not checked yet.
	MaxBody int64
	// Keys are public keys of GitHub's, in PEM, by their key_identifier, for when the list was never fetched, or for a
	// week in vain: for a network that lets nothing out. They count only then, as GitHub may have dropped them.
	Keys map[string]string
	// KeysURL is where the list of GitHub's keys is; "": https://api.github.com/meta/public_keys/secret_scanning.
	KeysURL string
	// Transport fetches the list; redirects are not followed. nil: [http.DefaultTransport]. GitHub allows an address 60
	// requests an hour; one that adds a token to them has more.
	Transport http.RoundTripper
	// InsecureHTTP lets KeysURL be http and not of this machine. Whoever can change what is fetched can
	// then sign calls.
	InsecureHTTP bool
	// Logger is told, at Info, of calls and of those that were refused, at Warn of a list of keys that could not be
	// fetched, at Error of keys that could not be revoked, by their ids; nil: [slog.Default].
	Logger *slog.Logger
}

// GitHubLeak is a key that was found in public and revoked.
type GitHubLeak struct {
	Key    *apikey.Key   // as it is now, revoked
	Places []GitHubPlace // at least one, in the order of the call
}

// GitHubPlace is where a secret was found, as GitHub says: it is not checked, and of any length. What is in a URL is up
// to whoever published the secret, and it may hold the secret itself, in the name of a file: escape it, don't fetch it,
// and don't log it.
type GitHubPlace struct {
	URL    string // may be empty
	Source string // "commit", "gist_content", "npm", …, also with a capital
	Type   string // the name of the pattern that matched
}

const (
	gitHubReason      = "found in public by GitHub secret scanning" // nothing of the call: it would stay in the store
	defaultGitHubBy   = "github-secret-scanning"
	defaultGitHubBody = 8 << 20
	defaultGitHubURL  = "https://api.github.com/meta/public_keys/secret_scanning"
)

func (o *GitHubOptions) revocation() apikey.RevokeParams {
	return apikey.RevokeParams{Reason: gitHubReason, By: o.By}
}

// complete fills in the defaults and returns the Keys.
func (o *GitHubOptions) complete(i *apikey.Issuer) (pinned map[string]*ecdsa.PublicKey, err error) {
	if o.By == "" {
		o.By = defaultGitHubBy
	}
	if err := o.checkRevocation(i); err != nil {
		return nil, err
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultGitHubBody
	}
	if o.MaxBody < 0 {
		return nil, &apikey.ValidationError{Field: "MaxBody", Reason: "negative"}
	}
	if o.KeysURL == "" {
		o.KeysURL = defaultGitHubURL
	}
	if err := o.checkURL(); err != nil {
		return nil, err
	}
	pinned = map[string]*ecdsa.PublicKey{}
	for kid, text := range o.Keys {
		key, ok := parseGitHubKey(text)
		if !ok || !validGitHubKid(kid) {
			return nil, &apikey.ValidationError{Field: "Keys", Reason: "one is not a public key of P-256 in PEM, by its identifier"}
		}
		pinned[kid] = key
	}
	o.Keys = nil
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return pinned, nil
}

// checkRevocation asks Revoke itself what it takes, so that no leak finds out that it does not take By. It looks at the
// id last, and without one does no I/O.
func (o *GitHubOptions) checkRevocation(i *apikey.Issuer) error {
	_, err := i.Revoke(context.Background(), "", o.revocation())
	var wrong *apikey.ValidationError
	if errors.As(err, &wrong) && wrong.Field == "By" {
		return wrong
	}
	return nil
}

func (o *GitHubOptions) checkURL() error {
	u, err := url.Parse(o.KeysURL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return &apikey.ValidationError{Field: "KeysURL", Reason: "not an absolute http or https URL"}
	case u.Scheme == "http" && !o.InsecureHTTP && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return &apikey.ValidationError{Field: "KeysURL", Reason: "http, and not of this machine: use https, or set InsecureHTTP"}
	}
	return nil
}
