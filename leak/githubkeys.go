package leak

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// gitHubKeysFresh is for how long a list is used without asking whether it has changed: a key that GitHub drops
	// is trusted that much longer.
	gitHubKeysFresh = time.Hour
	// gitHubKeysLife is for how long the last list is used while it can't be fetched again. With a key that was stolen
	// from GitHub one can have keys revoked whose whole text one has, and mails sent; without keys no leak is heard of.
	// So it is long.
	gitHubKeysLife = 7 * 24 * time.Hour
	// gitHubFetchPause is between a list and the next, whatever comes: GitHub allows an address 60 requests an hour,
	// and strangers, who can make identifiers up, are to use no more than half of them.
	gitHubFetchPause = 2 * time.Minute
	// gitHubFailedPause is between a fetch that failed and the next: that is not up to strangers.
	gitHubFailedPause = time.Minute
	// gitHubFetchWait is what a fetch may take, and how long a call waits for that of another.
	gitHubFetchWait = 5 * time.Second
	// maxGitHubKeys bounds a list, in bytes. A key has 300.
	maxGitHubKeys = 256 << 10
)

// gitHubKeys are the public keys that GitHub may sign with. The list is fetched by the call that needs it; calls that
// come meanwhile wait for the same fetch.
type gitHubKeys struct {
	client *http.Client
	url    string
	pinned map[string]*ecdsa.PublicKey
	logger *slog.Logger

	mu     sync.Mutex
	listed map[string]*ecdsa.PublicKey
	etag   string
	got    time.Time     // when listed was what GitHub said
	tried  time.Time     // when the last fetch ended
	failed error         // how it did; nil: well
	now    chan struct{} // closed at the end of the fetch under way; nil: there is none
}

func newGitHubKeys(o GitHubOptions, pinned map[string]*ecdsa.PublicKey) gitHubKeys {
	client := &http.Client{
		Transport: o.Transport,
		// A redirect would be followed to wherever whoever answers says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return gitHubKeys{client: client, url: o.KeysURL, pinned: pinned, logger: o.Logger}
}

// errGitHubAskedBefore says that an identifier is not in a list which may be older than the call.
var errGitHubAskedBefore = errors.New("GitHub can't be asked for its keys again yet")

// find returns the key of an identifier; nil: GitHub has no such key. An error says that it can't be told.
//
// For an identifier that is not in the list, which can be made up, the list is fetched again, unless that was done
// within the last two minutes. Then it may be a key that GitHub has published since, which its calls must not be
// refused for: whether they would come again after a 403 is not known.
func (k *gitHubKeys) find(ctx context.Context, kid string) (*ecdsa.PublicKey, error) {
	key, fresh := k.known(kid)
	if key != nil && fresh {
		return key, nil
	}
	err := k.refresh(ctx)
	if key, _ = k.known(kid); key != nil {
		return key, nil
	}
	return nil, err
}

// known looks a key up. Those that are given are for want of a list, or they would outlive their place in it.
func (k *gitHubKeys) known(kid string) (key *ecdsa.PublicKey, fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := time.Since(k.got)
	if k.got.IsZero() || age >= gitHubKeysLife {
		return k.pinned[kid], false
	}
	return k.listed[kid], age < gitHubKeysFresh
}

// refresh fetches the list, or waits for whoever does. Only who has fetched it gets no error: of what others have
// fetched, or fetched too short a time ago, it is not known whether it is older than the call.
func (k *gitHubKeys) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gitHubFetchWait)
	defer cancel()
	k.mu.Lock()
	if now := k.now; now != nil {
		k.mu.Unlock()
		select {
		case <-now:
		case <-ctx.Done():
		}
		return errGitHubAskedBefore
	}
	pause := gitHubFetchPause
	if k.failed != nil {
		pause = gitHubFailedPause
	}
	if !k.tried.IsZero() && time.Since(k.tried) < pause {
		defer k.mu.Unlock()
		return errGitHubAskedBefore
	}
	k.now = make(chan struct{})
	etag := k.etag
	k.mu.Unlock()

	list, etag, err := map[string]*ecdsa.PublicKey(nil), etag, errors.New("the fetch panicked")
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.tried, k.failed = time.Now(), err
		if err == nil {
			k.got = k.tried
			if list != nil {
				k.listed, k.etag = list, etag
			}
		}
		close(k.now)
		k.now = nil
	}()
	if list, etag, err = k.fetch(ctx, etag); err != nil {
		k.logger.WarnContext(ctx, "leak: could not fetch GitHub's public keys", "err", err)
	}
	return err
}

// fetch returns no list if that of the etag is still the one.
func (k *gitHubKeys) fetch(ctx context.Context, etag string) (list map[string]*ecdsa.PublicKey, newETag string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	response, err := k.client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) { // whose text has all of the URL, which may hold a secret
		err = failed.Err
	}
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && etag != "":
		return nil, etag, nil
	case response.StatusCode != http.StatusOK:
		return nil, "", fmt.Errorf("the answer is %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxGitHubKeys+1))
	if err != nil {
		return nil, "", err
	}
	if len(body) > maxGitHubKeys {
		return nil, "", fmt.Errorf("the list is longer than %d bytes", maxGitHubKeys)
	}
	list, err = parseGitHubKeys(body)
	return list, response.Header.Get("ETag"), err
}

// parseGitHubKeys reads a list. A key of another kind is left out, since GitHub may have some one day; a list of none
// is none.
//
// A key that is not current counts like one that is: what was signed before GitHub changed keys arrives after it, and a
// leak is not to be missed for that. A key that must not be believed any more is one that is not listed.
func parseGitHubKeys(body []byte) (map[string]*ecdsa.PublicKey, error) {
	var list struct {
		Keys []struct {
			ID  string `json:"key_identifier"`
			PEM string `json:"key"`
		} `json:"public_keys"`
	}
	if json.Unmarshal(body, &list) != nil { // whose error may quote what was sent
		return nil, errors.New("the list is not in the format that is known")
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, listed := range list.Keys {
		key, ok := parseGitHubKey(listed.PEM)
		if !ok || !validGitHubKid(listed.ID) {
			continue
		}
		if other := keys[listed.ID]; other != nil && !other.Equal(key) {
			return nil, errors.New("the list has two keys under one identifier")
		}
		keys[listed.ID] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("the list has no key of P-256")
	}
	return keys, nil
}
