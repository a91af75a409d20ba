package peers_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
)

// jwts can't be revoked: that is their bargain, and no fault of the peer.
var unrevocable = map[string]bool{"JWT HS256": true, "JWT EdDSA": true}

// Every peer does the whole job: it takes what it issued and names the owner, and refuses what is
// forged, what is another's, what is revoked and what is expired.
func TestEveryPeerDoesTheJob(t *testing.T) {
	for _, kind := range peers.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { job(t, kind) })
		})
	}
}

func job(t *testing.T, kind peers.Kind) {
	texts := libraryTexts(t, 3)
	peer, elsewhere := open(t, kind), open(t, kind)
	issue := func(p peers.Peer, text, owner string, life time.Duration) string {
		t.Helper()
		presented, err := p.Issue(text, owner, time.Now().Add(life))
		if err != nil {
			t.Fatal(err)
		}
		return presented
	}
	short := issue(peer, texts[0], "alice", time.Hour)
	long := issue(peer, texts[1], "bob", 48*time.Hour)
	foreign := issue(elsewhere, texts[2], "mallory", 48*time.Hour)

	accepts := func(text, owner, why string) {
		t.Helper()
		if got, err := peer.Verify(text); err != nil || got != owner {
			t.Errorf("%s: %q, %v, want %q", why, got, err, owner)
		}
	}
	refuses := func(text, why string) {
		t.Helper()
		if got, err := peer.Verify(text); err == nil || got != "" {
			t.Errorf("%s: accepted as %q (%v)", why, got, err)
		}
	}
	times, alter := 2, []int{len(long) / 4, len(long) / 2, len(long) - 20, len(long) - 10}
	if kind.Slow { // each call is a password hash, and none is cached
		times, alter = 1, []int{len(long) / 4, len(long) - 10}
	}
	for range times { // the second time it may be cached
		accepts(short, "alice", "good")
		accepts(long, "bob", "good")
		refuses(foreign, "issued elsewhere")
		refuses("", "empty")
		refuses(strings.Repeat("x", 300), "garbage")
		refuses(long[:len(long)-1], "cut short")
		for _, at := range alter {
			refuses(altered(long, at), fmt.Sprintf("altered at %d", at))
		}
	}

	time.Sleep(time.Hour - time.Second)
	accepts(short, "alice", "a second before its expiry")
	time.Sleep(2 * time.Second) // a session is good for the instant of its expiry, too
	refuses(short, "expired")
	accepts(long, "bob", "good, after the other's expiry")

	revoker, can := peer.(peers.Revoker)
	if can == unrevocable[kind.Name] {
		t.Fatalf("revokes: %v", can)
	}
	if can {
		if err := revoker.Revoke(long); err != nil {
			t.Fatal(err)
		}
		refuses(long, "revoked")
	}
}

// altered replaces one character by another of the same alphabet.
func altered(text string, at int) string {
	c := byte('A')
	if text[at] == c {
		c = 'B'
	}
	return text[:at] + string(c) + text[at+1:]
}

func open(t *testing.T, kind peers.Kind) peers.Peer {
	t.Helper()
	p, err := kind.New()
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := p.(io.Closer); ok {
		t.Cleanup(func() { c.Close() })
	}
	return p
}

// libraryTexts are texts of keys of this library.
func libraryTexts(t *testing.T, n int) (texts []string) {
	t.Helper()
	library := open(t, peers.Kinds()[0])
	for range n {
		text, err := library.Issue("", "someone", time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestSets(t *testing.T) {
	t.Parallel()
	sets, err := peers.NewSets(peers.Kinds(), 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		want := 5
		if s.Slow {
			want = 2
		}
		if len(s.Presented) != want || len(s.Owners) != want {
			t.Errorf("%s: %d texts, %d owners", s.Name, len(s.Presented), len(s.Owners))
		}
		if err := s.Present(3, 40); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		s.Owners[0], s.Owners[1] = s.Owners[1], s.Owners[0] // of all sets, so only here and back
		if err := s.Present(0, 40); err == nil {
			t.Errorf("%s: a wrong owner was taken for the right one", s.Name)
		}
		s.Owners[0], s.Owners[1] = s.Owners[1], s.Owners[0]
	}
}
