// Package peers holds ways to learn from a text that a client presents who its owner is: this
// library, and what programs do instead of it. All do the same job: take the text, refuse what
// was not issued or is expired, and name the owner.
//
// They are written as well as their libraries allow, without what a program would leave out.
package peers

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// Peer knows who presents a text. Verify is safe for concurrent use; Issue is too.
type Peer interface {
	// Issue makes a credential for owner that is good until expires, and returns what to
	// present. text is that of one of this library's keys: a peer that takes any text takes
	// this one, so that as many as possible check the same.
	Issue(text, owner string, expires time.Time) (presented string, err error)

	// Verify returns the owner, or an error.
	Verify(presented string) (owner string, err error)
}

// Revoker is a Peer that can end a credential before it expires.
type Revoker interface {
	Revoke(presented string) error
}

var (
	errUnknown = errors.New("peers: unknown credential")
	errExpired = errors.New("peers: expired credential")
)

// Kind is a peer in the abstract.
type Kind struct {
	Name   string // short, for charts and for the names of benchmarks
	What   string // of what it does at a request
	Module string // whose code does it; "": the standard library
	Slow   bool   // a password hash at each request, and for each key that is made
	New    func() (Peer, error)
}

// Library is the name of the kind that is this library.
const Library = "apikey"

// Kinds returns all peers, this library first.
func Kinds() []Kind {
	return []Kind{
		{Library, "a warm Verify", "github.com/seed-d3a9fb6b/apikey", false, newLibrary},
		{"SHA-256, map", "SHA-256 of the text, looked up in a map behind a read-write lock", "", false, newDigests},
		{"SHA-256, map, no lock", "the same in a map that is copied for each write, so that readers take no lock", "", false, newCopied},
		{"HMAC, map", "HMAC-SHA-256 of the text, from a pool, looked up in a map behind a read-write lock", "", false, newMACs},
		{"SHA-256, otter", "SHA-256 of the text, looked up in a cache before a map", "github.com/maypok86/otter/v2", false, newCached},
		{"scs session", "load a session from its memory store and read one string of it", "github.com/alexedwards/scs/v2", false, newSessions},
		{"JWT HS256", "check a signed token of the owner and an expiry", "github.com/golang-jwt/jwt/v5", false, newHS256},
		{"JWT EdDSA", "check a signed token of the owner and an expiry", "github.com/go-jose/go-jose/v4", false, newEdDSA},
		{"bcrypt", "find the hash by the key's id, and bcrypt at its default cost", "golang.org/x/crypto", true, newBcrypt},
		{"argon2id", "find the hash by the key's id, and argon2id at the cost that is this library's default", "github.com/alexedwards/argon2id", true, newArgon2id},
	}
}

// Set is a peer with credentials.
type Set struct {
	Kind
	Peer
	Presented []string // one for each owner
	Owners    []string

	order []uint32
}

// lifetime is how long credentials are good for: longer than any run.
const lifetime = 24 * time.Hour

// NewSets returns a set of each kind, with n owners each, the same for all. A kind that is
// slow gets at most slow of them, unless that is 0: making them costs a password hash each.
func NewSets(kinds []Kind, n, slow int) ([]*Set, error) {
	library, err := newLibrary()
	if err != nil {
		return nil, err
	}
	texts, owners := make([]string, n), make([]string, n)
	expires := time.Now().Add(lifetime)
	if err := each(n, func(i int) (err error) {
		owners[i] = fmt.Sprintf("user_%027d", i)
		texts[i], err = library.Issue("", owners[i], expires)
		return err
	}); err != nil {
		return nil, err
	}

	var sets []*Set
	for _, kind := range kinds {
		s := &Set{Kind: kind, Peer: library, Owners: owners, Presented: texts}
		if kind.Name != Library {
			if s.Peer, err = kind.New(); err != nil {
				return nil, fmt.Errorf("%s: %w", kind.Name, err)
			}
			if kind.Slow && slow > 0 {
				s.Owners = owners[:min(slow, n)]
			}
			s.Presented = make([]string, len(s.Owners))
			if err := each(len(s.Owners), func(i int) (err error) {
				s.Presented[i], err = s.Issue(texts[i], owners[i], expires)
				return err
			}); err != nil {
				return nil, fmt.Errorf("%s: issue: %w", kind.Name, err)
			}
		}
		s.order = order(len(s.Owners))
		// Also brings this library's cache, and otter, to where they are after the first requests.
		if !kind.Slow {
			if err := s.Present(0, len(s.order)); err != nil {
				return nil, fmt.Errorf("%s: %w", kind.Name, err)
			}
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// Present verifies n credentials, from the from-th of the set's order on, and sees that each owner
// is the right one.
func (s *Set) Present(from, n int) error {
	for j := from % len(s.order); n > 0; n-- {
		at := s.order[j]
		if j++; j == len(s.order) {
			j = 0
		}
		owner, err := s.Verify(s.Presented[at])
		if err != nil {
			return err
		}
		if owner != s.Owners[at] {
			return fmt.Errorf("owner %q for %q", owner, s.Owners[at])
		}
	}
	return nil
}

// each calls f for 0 to n-1, in as many goroutines as there are cores.
func each(n int, f func(i int) error) error {
	workers := runtime.GOMAXPROCS(0)
	failed := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n && failed[w] == nil; i += workers {
				failed[w] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// Close ends what the peers of the sets have begun.
func Close(sets []*Set) error {
	var errs []error
	for _, s := range sets {
		if c, ok := s.Peer.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
