package apikey

import "context"

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
	p, ok := v.present(text)
	if !ok {
		return false, ErrMalformed
	}
	if err := v.issuedHere(ctx, p); err != nil {
		return false, err
	}
	r, err := v.store.Get(ctx, p.token.id)
	if err != nil {
		return false, err
	}
	c := r.credential(p.token.number())
	return v.hashing.matches(ctx, p, r, c, v.cache.phcs.sum(bytesOf(c.Hash)))
}
