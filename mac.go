package apikey

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// What is signed and hashed is one message: prefix, id, number and secret, each with its
// length before it, so that no two credentials share one and a hash copied into another
// record, or under another number, verifies nothing there.
const maxMessage = 1 + maxPrefix + 1 + 16 + 1 + 2 + 1 + 24

func (t *token) appendMessage(buf []byte) []byte {
	buf = append(append(buf, uint8(len(t.prefix))), t.prefix...)
	buf = append(append(buf, uint8(len(t.id))), t.id[:]...)
	buf = binary.BigEndian.AppendUint16(append(buf, 2), t.number())
	return append(append(buf, uint8(len(t.secret))), t.secret[:]...)
}

// macKey computes HMAC-SHA-256 over messages. The states are pooled: setting the key up
// anew would double the cost of refusing a forged key. Safe for concurrent use.
type macKey struct{ states sync.Pool }

type hmacState struct {
	hmac    hash.Hash
	message [maxMessage]byte
	sum     [sha256.Size]byte
}

func newMACKey(key []byte) *macKey {
	return &macKey{sync.Pool{New: func() any { return &hmacState{hmac: hmac.New(sha256.New, key)} }}}
}

func (k *macKey) sum(t *token) [sha256.Size]byte {
	s := k.states.Get().(*hmacState)
	s.hmac.Reset()
	s.hmac.Write(t.appendMessage(s.message[:0]))
	s.hmac.Sum(s.sum[:0])
	sum := s.sum
	// A pooled state must not keep a secret alive, neither in the message nor in the block that
	// SHA-256 holds back.
	clear(s.message[:])
	s.hmac.Reset()
	s.hmac.Write(s.message[:sha256.BlockSize-1])
	k.states.Put(s)
	return sum
}

// seedSize is the size of the random value from which the store's tag key is derived.
const seedSize = 32

// seedName is the name of that value in the store.
const seedName = "seed"

// tagKey signs tags, and only tags. A tag is what makes a forged key die before any store
// read and any argon2: 48 bits that only the holder of the seed can compute. It authenticates
// nobody: whoever reads the store can forge tags, and then meets the secret's hash.
type tagKey struct{ *macKey }

func newTagKey(seed []byte) tagKey { return tagKey{newMACKey(subkey(seed, "tag"))} }

// tag returns the tag of t, whose number is given.
func (k tagKey) tag(t token, number uint16) uint64 {
	t.tag = uint64(number) << 48
	return k.of(&t)
}

// of returns the tag of t for the number in it.
func (k tagKey) of(t *token) uint64 {
	sum := k.sum(t)
	return uint64(t.number())<<48 | binary.BigEndian.Uint64(sum[:])>>16
}

// holds compares whole words: there is no early exit to time. Numbers begin with 1: a text
// with number 0 was never issued, whoever signed it.
func (k tagKey) holds(t *token) bool { return t.number() != 0 && k.of(t) == t.tag }

// subkey derives an independent key for one purpose (HKDF-SHA-256, RFC 5869).
func subkey(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "apikey/v1/"+purpose, sha256.Size)
	if err != nil {
		panic("apikey: hkdf: " + err.Error()) // 32 bytes out of SHA-256 can't fail
	}
	return key
}
