package apikey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// keyringKeySize is the size in bytes of each key.
const keyringKeySize = 32

// maxKeyringKeys is generous: a rotation needs two.
const maxKeyringKeys = 16

// Keyring holds keys that are never in the store: from the environment, a file, a KMS.
// With one, a verification that finds nothing cached costs microseconds (an HMAC) where it
// would cost an argon2, and values can be sealed before they are put into the store.
//
// Losing the keyring, or a foreign one, costs argon2 and never validity. A thief who has
// both the store and the keyring can test guesses at the speed of HMAC instead of argon2:
// against 192 random bits that is no help either.
//
// To roll a new key out, give it to every process as retired first, then as current.
// A Keyring is immutable and safe for concurrent use. It prints no key.
type Keyring struct{ keys []*keyringKey }

type keyringKey struct {
	id     uint32
	secret *[keyringKeySize]byte // behind a pointer: fmt prints what it can reach
	mac    *macKey
	sealed sync.Map // label to cipher.AEAD
}

// NewKeyring makes a keyring of a current key, which signs and seals, and retired ones, which
// only check and open. Each is 32 random bytes; no two may be the same. Wrong ones are a
// [*ValidationError].
func NewKeyring(current []byte, retired ...[]byte) (*Keyring, error) {
	all := append([][]byte{current}, retired...)
	if len(all) > maxKeyringKeys {
		return nil, invalid("keyring", "more than %d keys", maxKeyringKeys)
	}
	k := &Keyring{}
	for i, secret := range all {
		if len(secret) != keyringKeySize {
			return nil, invalid("keyring", "key %d has %d bytes, not %d", i+1, len(secret), keyringKeySize)
		}
		// The id is public: it stands in records. It is derived one way, and only its use as a
		// name needs it to differ.
		id := binary.BigEndian.Uint32(subkey(secret, "keyring/id"))
		if k.key(id) != nil {
			return nil, invalid("keyring", "key %d is there twice", i+1)
		}
		own := [keyringKeySize]byte(secret)
		k.keys = append(k.keys, &keyringKey{id: id, secret: &own, mac: newMACKey(subkey(secret, "keyring/mac"))})
	}
	return k, nil
}

// ParseKeyring reads keys in standard base64 with padding, separated by commas, the current
// one first. Errors are a [*ValidationError] and repeat no part of s.
func ParseKeyring(s string) (*Keyring, error) {
	const size = (keyringKeySize + 2) / 3 * 4
	if len(s) > maxKeyringKeys*(size+1) {
		return nil, invalid("keyring", "longer than %d keys", maxKeyringKeys)
	}
	var keys [][]byte
	for part := range strings.SplitSeq(s, ",") {
		// The decoder skips line breaks: encoding again holds it to one spelling.
		key, err := base64.StdEncoding.Strict().DecodeString(part)
		if err != nil || base64.StdEncoding.EncodeToString(key) != part {
			return nil, invalid("keyring", "key %d is not standard base64 of %d bytes", len(keys)+1, keyringKeySize)
		}
		keys = append(keys, key)
	}
	return NewKeyring(keys[0], keys[1:]...)
}

// A sealed value is a version byte, the id of its key, a random nonce, and the ciphertext.
const (
	sealVersion = 1
	sealHeader  = 1 + 4
)

// Seal encrypts and authenticates data under the current key (AES-256-GCM with a random
// nonce; a subkey for each label). ad is authenticated and not stored: Open must be given
// the same. The label says what the value is for, and is part of what Open must know.
func (k *Keyring) Seal(label string, data, ad []byte) []byte {
	key := k.keys[0]
	header := binary.BigEndian.AppendUint32([]byte{sealVersion}, key.id)
	return key.aead(label).Seal(header, nil, data, sealedAD(header, ad))
}

// Open returns what was sealed under the same label and ad by the current key or by a
// retired one. Anything else is [ErrSealed].
func (k *Keyring) Open(label string, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < sealHeader || sealed[0] != sealVersion {
		return nil, fmt.Errorf("%w: %s", ErrSealed, label)
	}
	key := k.key(binary.BigEndian.Uint32(sealed[1:]))
	if key == nil {
		return nil, fmt.Errorf("%w: %s: sealed with a key that it does not hold", ErrSealed, label)
	}
	data, err := key.aead(label).Open(nil, nil, sealed[sealHeader:], sealedAD(sealed[:sealHeader], ad))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrSealed, label)
	}
	return data, nil
}

func sealedAD(header, ad []byte) []byte { return append(append([]byte(nil), header...), ad...) }

func (k *keyringKey) aead(label string) cipher.AEAD {
	if a, ok := k.sealed.Load(label); ok {
		return a.(cipher.AEAD)
	}
	block, err := aes.NewCipher(subkey(k.secret[:], "keyring/seal/"+label))
	if err != nil {
		panic("apikey: aes: " + err.Error()) // 32 bytes are a valid key size
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("apikey: gcm: " + err.Error()) // AES has GCM's block size
	}
	k.sealed.Store(label, aead)
	return aead
}

// key returns the key with this id, or nil. A nil Keyring has none.
func (k *Keyring) key(id uint32) *keyringKey {
	if k == nil {
		return nil
	}
	for _, key := range k.keys {
		if key.id == id {
			return key
		}
	}
	return nil
}

// sign gives a generated credential its MAC under the current key.
func (k *Keyring) sign(c *Credential, t *token) {
	sum := k.keys[0].mac.sum(t)
	c.MAC, c.MACKey = append([]byte(nil), sum[:sha256.Size]...), k.keys[0].id
}

const redactedKeyring = "[keyring]"

// String returns "[keyring]".
func (Keyring) String() string { return redactedKeyring }

// GoString returns "[keyring]".
func (Keyring) GoString() string { return redactedKeyring }

// Format writes "[keyring]" whatever the verb.
func (Keyring) Format(f fmt.State, _ rune) { io.WriteString(f, redactedKeyring) }

// LogValue returns "[keyring]".
func (Keyring) LogValue() slog.Value { return slog.StringValue(redactedKeyring) }
