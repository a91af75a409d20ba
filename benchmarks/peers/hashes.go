package peers

import (
	"sync"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// public is how much of a text says which key it is: prefix, underscore and 22 digits. The rest is
// hashed, as bcrypt takes no more than 72 bytes.
const public = 25

// hashed is a password hash for each request.
type hashed struct {
	mu      sync.RWMutex
	grants  map[string]*hashedGrant // by the public part
	hash    func(secret string) (string, error)
	matches func(hash, secret string) (bool, error)
}

type hashedGrant struct {
	grant
	hash string
}

func newArgon2id() (Peer, error) {
	d := hash.Default()
	params := &argon2id.Params{Memory: d.Memory, Iterations: d.Time, Parallelism: d.Threads, SaltLength: 16, KeyLength: 32}
	return &hashed{
		grants:  make(map[string]*hashedGrant),
		hash:    func(secret string) (string, error) { return argon2id.CreateHash(secret, params) },
		matches: func(hash, secret string) (bool, error) { return argon2id.ComparePasswordAndHash(secret, hash) },
	}, nil
}

func newBcrypt() (Peer, error) {
	return &hashed{
		grants: make(map[string]*hashedGrant),
		hash: func(secret string) (string, error) {
			b, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.DefaultCost)
			return string(b), err
		},
		matches: func(hash, secret string) (bool, error) {
			return bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret)) == nil, nil
		},
	}, nil
}

func (h *hashed) Issue(text, owner string, expires time.Time) (string, error) {
	sum, err := h.hash(text[public:])
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.grants[text[:public]] = &hashedGrant{grant{owner, expires}, sum}
	return text, nil
}

func (h *hashed) Verify(presented string) (string, error) {
	if len(presented) <= public {
		return "", errUnknown
	}
	h.mu.RLock()
	g := h.grants[presented[:public]]
	h.mu.RUnlock()
	if g == nil {
		return "", errUnknown
	}
	owner, err := g.holder() // before the hash: what is over costs nothing
	if err != nil {
		return "", err
	}
	if ok, err := h.matches(g.hash, presented[public:]); err != nil || !ok {
		return "", errUnknown
	}
	return owner, nil
}

func (h *hashed) Revoke(presented string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.grants, presented[:public])
	return nil
}
