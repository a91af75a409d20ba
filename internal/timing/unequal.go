package main

import (
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
)

// unequal are the experiments whose classes may differ, since what they tell is no secret or only told to who
// could ask for it. They have no gate: docs/timing.md says what each is worth to whom.
func (w *world) unequal() ([]dudect.Experiment, error) {
	dead, err := w.makeDead()
	if err != nil {
		return nil, err
	}
	of := func(keys ...[]string) func(class int) string {
		return func(class int) string { return w.any(keys[class]) }
	}
	return []dudect.Experiment{
		// Who knows ids.
		{Name: "checksum: wrong in its first / last digit", Call: w.verify, Prepare: func(class int) string { return w.wrongChecksum([2]int{checksumAt, textLength - 1}[class]) }},
		{Name: "forged: checksum wrong / right", Call: w.verify, Prepare: func(class int) string {
			if class == 0 {
				return w.wrongChecksum(textLength - 1)
			}
			return w.forged(w.any(w.warm))
		}},
		{Name: "forged: a tag that was rolled / the tag of a warm key", Call: w.verify, Prepare: func(class int) string {
			p := take(w.forged(w.any(w.unknown)))
			if other := take(w.any(w.warm)); class == 1 {
				p.tag = other.tag
			}
			return p.text()
		}},

		// Who has a key, live or dead, or parts of one.
		{Name: "wrong secret beside the key's own tag: key cold / warm", Call: w.verify, Prepare: func(class int) string {
			return withDigit(w.any([][]string{w.cold, w.warm}[class]), secretAt, byte(w.below(256)))
		}},
		{Name: "good key: warm / changed since it was read", Once: true, Call: w.verify, Prepare: func(class int) string {
			if class == 0 {
				return w.any(w.warm)
			}
			return w.editMAC(func([]byte) {})
		}},
		{Name: "dead key: deleted / revoked", Call: w.verify, Prepare: of(w.unknown, dead.revoked)},
		{Name: "dead key: revoked / expired", Call: w.verify, Prepare: of(dead.revoked, dead.expired)},
		{Name: "dead key: revoked / rotated away", Call: w.verify, Prepare: of(dead.revoked, dead.rotated)},

		// Who has the seed.
		{Name: "another secret under a true tag: id unknown / in the store", Call: w.verify, Prepare: func(class int) string {
			p := take(w.any([][]string{w.unknown, w.cold}[class]))
			w.roll(p.secret[:])
			w.thief.sign(&p, 1)
			return p.text()
		}},
	}, nil
}

func (w *world) wrongChecksum(at int) string {
	b := []byte(w.forged(w.any(w.warm)))
	for old := b[at]; b[at] == old; {
		b[at] = digits[w.below(len(digits))]
	}
	return string(b)
}

type dead struct{ revoked, expired, rotated []string }

// makeDead makes keys that were good once, of each kind in turn.
func (w *world) makeDead() (d dead, err error) {
	for range w.each {
		for _, kind := range []struct {
			keys *[]string
			kill func(text, id string) error
		}{
			{&d.revoked, func(_, id string) error {
				_, err := w.issuer.Revoke(w.ctx, id, apikey.RevokeParams{})
				return err
			}},
			{&d.expired, func(text, _ string) error {
				w.edit(text, func(r *apikey.Record) { r.ExpiresAt = r.CreatedAt.Add(time.Millisecond) })
				return nil
			}},
			{&d.rotated, func(_, id string) error {
				_, _, err := w.issuer.Rotate(w.ctx, id, apikey.RotateParams{})
				return err
			}},
		} {
			text, err := w.create()
			if err != nil {
				return d, err
			}
			id, err := apikey.KeyID(text)
			if err == nil {
				err = kind.kill(text, id)
			}
			if err != nil {
				return d, fmt.Errorf("kill a key: %w", err)
			}
			*kind.keys = append(*kind.keys, text)
		}
	}
	return d, nil
}
