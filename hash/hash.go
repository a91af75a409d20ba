// Package hash keeps secrets under argon2id and bounds what that costs.
//
// [New] hashes a secret, [Digest.String] is what to store, and [Parse] and
// [Digest.Matches] check a secret against what was stored:
//
//	d, err := hash.New(secret, hash.Default())
//	stored := d.String() // $argon2id$v=19$m=19456,t=2,p=1$...
//
//	d, err = hash.Parse(stored)
//	ok := d.Matches(secret)
//
// Each New and Matches takes [Params.Memory] KiB of memory and some
// hundredths of a second of a core. A server that runs as many of them as it
// has requests can be brought down by requests, so it runs them in a [Gate].
//
// The cost of a hash is chosen by who writes it and capped by who reads it:
// neither [Params.Resolve] nor [Parse] lets a cost pass that is above 64 MiB,
// 10 passes or 4 lanes.
//
// Argon2id is RFC 9106; the stored form is the [PHC string format].
//
// [PHC string format]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
package hash

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/argon2"
)

const (
	saltSize = 16 // bytes; what RFC 9106 section 3.1 recommends
	sumSize  = 32 // bytes

	// maxSecret is in bytes. Argon2 takes secrets up to 4 GiB and reads all
	// of one, so without a bound the caller's input decides what a hash costs.
	maxSecret = 512
)

// Digest is the argon2id hash of a secret: the parameters, the salt and the
// 32-byte sum. Digests come from [New] and [Parse], so their parameters are
// within the bounds. They compare with ==; the zero Digest matches no secret.
//
// A Digest is a value and safe for concurrent use.
type Digest struct {
	params Params
	salt   string // raw bytes; a string can't change and compares with ==
	sum    [sumSize]byte
}

// New hashes secret under p, resolved as [Params.Resolve] says, and a fresh
// random salt of 16 bytes. The secret is 1 to 512 bytes; all of them count.
//
// New runs argon2 at once, in the caller's goroutine: call it inside
// [Gate.Do]. Its errors are about secret's length or about p, and hold
// nothing of either.
func New(secret []byte, p Params) (Digest, error) {
	if len(secret) == 0 {
		return Digest{}, errors.New("hash: the secret is empty")
	}
	if len(secret) > maxSecret {
		return Digest{}, errors.New("hash: the secret is longer than 512 bytes")
	}
	p, err := p.Resolve()
	if err != nil {
		return Digest{}, err
	}
	var salt [saltSize]byte
	rand.Read(salt[:]) // never fails: it ends the program instead
	d := Digest{params: p, salt: string(salt[:])}
	copy(d.sum[:], d.derive(secret))
	return d, nil
}

// Params returns what d was hashed under, the zero value for a zero Digest.
func (d Digest) Params() Params { return d.params }

// Matches reports whether d is the hash of secret. The sums are compared in
// constant time. A secret that [New] refuses, empty or above 512 bytes,
// matches nothing, and nothing matches a zero Digest; argon2 runs for neither.
//
// Matches runs argon2 at once, in the caller's goroutine: call it inside
// [Gate.Do].
func (d Digest) Matches(secret []byte) bool {
	if d == (Digest{}) || len(secret) == 0 || len(secret) > maxSecret {
		return false
	}
	return subtle.ConstantTimeCompare(d.derive(secret), d.sum[:]) == 1
}

// derive runs argon2id, which panics on parameters that no Digest but the
// zero one can have.
func (d Digest) derive(secret []byte) []byte {
	return argon2.IDKey(secret, []byte(d.salt), d.params.Time, d.params.Memory, d.params.Threads, sumSize)
}
