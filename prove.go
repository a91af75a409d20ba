package apikey

import (
	"context"
	"crypto/subtle"
	"errors"
	"sync"
	"time"
)

// How a credential's MAC stands.
type macState int

const (
	macNone    macState = iota // it has none
	macForeign                 // under a key that the keyring does not hold, so nobody here can judge it
	macWrong                   // under a key that it holds, and wrong
	macRetired                 // right, under a retired key
	macCurrent                 // right, under the current key
)

func (k *Keyring) check(c *Credential, t *token) macState {
	if k == nil || c.MAC == nil || c.Kind != KindGenerated {
		return macNone
	}
	key := k.key(c.MACKey)
	if key == nil {
		return macForeign
	}
	sum := key.mac.sum(t)
	switch {
	case subtle.ConstantTimeCompare(sum[:], c.MAC) != 1:
		return macWrong
	case key == k.keys[0]:
		return macCurrent
	}
	return macRetired
}

// proof is what a secret was proven by.
type proof int

const (
	unproven proof = iota
	byMAC
	byMemory // of what argon2 found
	byArgon2
)

// prove tells whether the secret is the one that the credential holds the hash of: by what is
// remembered, else by the MAC, else by argon2.
//
// Under RequireMAC nothing but a MAC counts, and it is computed every time, so that a
// credential whose MAC was taken away is refused though its secret was once accepted. A MAC says
// nothing of the hash beside it, so what it proves is not remembered of that.
func (v *Verifier) prove(ctx context.Context, p *presented, r *Record, c *Credential, phc digest) (by proof, err error) {
	mac := macNone
	if !v.options.RequireMAC && v.cache.remembers(p, phc) {
		by = byMemory
	} else if mac = v.options.Keyring.check(c, &p.token); mac == macCurrent || mac == macRetired {
		by = byMAC
	}
	if by == unproven {
		if v.options.RequireMAC {
			return unproven, ErrUnknown
		}
		matched, err := v.hashing.matches(ctx, p, r, c, phc)
		if err != nil {
			return unproven, unavailable("verify key "+keyID(r.Prefix, r.ID), err)
		}
		if !matched {
			return unproven, ErrUnknown
		}
		by = byArgon2
	}
	v.signAgain(ctx, p, r, c, mac)
	return by, nil
}

// signAgain gives a credential that was just proven a MAC under the current key, if it has none,
// or one under a retired key, or one that is wrong under a key we hold. A MAC under a key
// we do not hold is another program's and stays. Under RequireMAC only what a MAC has proven
// comes this far: else whoever can write the store could plant a hash and have it signed here.
func (v *Verifier) signAgain(ctx context.Context, p *presented, r *Record, c *Credential, mac macState) {
	k := v.options.Keyring
	if k == nil || c.Kind != KindGenerated || mac == macCurrent || mac == macForeign ||
		mac == macNone && c.MAC != nil {
		return
	}
	if v.rewrites.begin(v.clock) {
		v.rewrite(ctx, r, c.Number, func(c *Credential) { k.sign(c, &p.token) })
	}
}

// rewrite changes a credential in the store without changing what it accepts. It is worth
// nothing but time, so a failure is logged and not returned, and whoever was faster is right.
func (v *Verifier) rewrite(ctx context.Context, r *Record, number uint16, edit func(*Credential)) bool {
	n := r.Clone()
	edit(n.credential(number))
	ctx, cancel := context.WithTimeout(ctx, rewriteWait)
	defer cancel()
	err := v.store.Replace(ctx, n)
	if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
		v.options.Logger.WarnContext(ctx, "apikey: could not renew a credential's hash or MAC",
			"id", keyID(r.Prefix, r.ID), "err", err)
	}
	return err == nil
}

// rewrites bounds how often a Verifier writes for its own sake: after a new keyring or new hash
// costs, every credential asks for it, and the store has other work.
type rewrites struct {
	mu   sync.Mutex
	next int64 // monotonic ns
}

const (
	rewriteEvery = 20 * time.Millisecond
	rewriteWait  = time.Second // a store whose writes hang keeps a Verify no longer
)

func (w *rewrites) begin(c *clock) bool {
	now := c.monotonic()
	w.mu.Lock()
	defer w.mu.Unlock()
	if now < w.next {
		return false
	}
	w.next = now + int64(rewriteEvery)
	return true
}
