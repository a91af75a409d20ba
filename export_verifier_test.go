package apikey

import (
	"context"
	"encoding/binary"
	"unsafe"
)

// Forge is what a thief of the seed can do: the text of a key of the same id and number with
// another secret and a true tag.
func Forge(seed []byte, text string, secret [24]byte) string {
	t, ok := parseToken(text)
	if !ok {
		panic("not a key")
	}
	t.secret = secret
	t.tag = newTagKey(seed).tag(t, t.number())
	return t.text()
}

// ForgeNumber is Forge of the same secret under another number.
func ForgeNumber(seed []byte, text string, number uint16) string {
	t, ok := parseToken(text)
	if !ok {
		panic("not a key")
	}
	t.tag = newTagKey(seed).tag(t, number)
	return t.text()
}

// MatchAgain is Verify from the point on at which it has missed what is remembered.
func (v *Verifier) MatchAgain(ctx context.Context, text string) (bool, error) {
	var t token
	if !t.parse(text) {
		return false, ErrMalformed
	}
	p := &presented{t, text, v.cache.secrets.sum(secretOf(text))}
	r, err := v.store.Get(ctx, p.token.id)
	if err != nil {
		return false, err
	}
	c := r.credential(p.token.number())
	return v.hashing.matches(ctx, p, r, c, v.cache.phcs.sum(bytesOf(c.Hash)))
}

// SipHash computes the digest by which a Verifier knows secrets, in its authors' order of bytes.
func SipHash(key [16]byte, message []byte) (sum [16]byte) {
	k := digestKey{binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])}
	d := k.sum(message)
	binary.LittleEndian.PutUint64(sum[:], d.low)
	binary.LittleEndian.PutUint64(sum[8:], d.high)
	return sum
}

// SlotLayout returns the size of a slot, and of its beginning that a hit reads.
func SlotLayout() (size, hot uintptr) {
	var s slot
	return unsafe.Sizeof(s), unsafe.Offsetof(s.listed) + unsafe.Sizeof(s.listed)
}
