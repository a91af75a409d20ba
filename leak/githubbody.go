package leak

import (
	"crypto/ecdsa"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// gitHubBodyWait is for how long a body may be on its way: GitHub waits for 30 seconds in all.
	gitHubBodyWait = 10 * time.Second
	// gitHubBodies is how many bodies of MaxBody may be held of which it is not known yet who sent them.
	gitHubBodies = 16
)

// gitHubHeld reads one body, and counts what has arrived of all of them: not the calls, of which strangers could open
// as many as there may be and send nothing, nor what a call says of its length.
type gitHubHeld struct {
	body io.Reader
	n    int64
	all  *atomic.Int64
	most int64 // a body's
}

func (h *gitHubHeld) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	h.n += int64(n)
	if h.all.Add(int64(n))/gitHubBodies > h.most {
		return n, gitHubFull
	}
	return n, err
}

func (h *gitHubHeld) release() { h.all.Add(-h.n) }

// signedBody reads a body and checks who sent it.
func (g *GitHub) signedBody(w http.ResponseWriter, r *http.Request, key *ecdsa.PublicKey, sig []byte) ([]byte, error) {
	if r.Body == nil { // as in a request that no server made
		r.Body = http.NoBody
	}
	// Where that is not supported, the server's ReadTimeout has to do. At the end of the body net/http lifts it.
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(gitHubBodyWait))
	held := &gitHubHeld{
		body: http.MaxBytesReader(w, r.Body, g.options.MaxBody),
		all:  &g.held,
		most: g.options.MaxBody,
	}
	defer held.release()
	body, err := io.ReadAll(held) // which grows with what arrives, and copies it once
	var long *http.MaxBytesError
	switch {
	case errors.Is(err, gitHubFull):
		return nil, gitHubFull
	case errors.As(err, &long):
		return nil, gitHubTooLong
	case err != nil:
		return nil, gitHubCutOff
	}
	if !gitHubSigned(key, body, sig) {
		return nil, gitHubUnsigned
	}
	return body, nil
}
