//go:build unix

package examples_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// A second process that is stopped across a revocation, and goes on when its list is too old to be trusted, asks before
// it answers: the first request that it gets is refused.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	x := programs{build(t, "server"), build(t, "resource")}
	s := x.startServer(t)
	r := x.startResource(t, s.URL, "-refresh", quick.String())
	for range 5 {
		key := create(t, s, "deploy")
		token := exchange(t, s.URL, key, nil)
		call(t, "GET", r.URL+"/whoami", token, "", http.StatusOK)
		r.signal(t, syscall.SIGSTOP)
		call(t, "POST", s.URL+"/v1/api_keys/"+key.ID+"/revoke", s.Token, "", http.StatusOK)
		<-time.After(quick) // nothing tells that time has passed for a process that does not run
		r.signal(t, syscall.SIGCONT)
		call(t, "GET", r.URL+"/whoami", token, "", http.StatusUnauthorized)
	}
}
