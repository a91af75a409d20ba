package main

import "github.com/seed-d3a9fb6b/apikey/internal/dudect"

// equal are the experiments whose two classes must take the same time.
func (w *world) equal() []dudect.Experiment {
	return []dudect.Experiment{
		// Who knows ids, which are public, and nothing else.
		{Name: "forged: id warm / cold", Prepare: w.forgedOf(w.warm, w.cold), Call: w.verify},
		{Name: "forged: id warm / unknown", Prepare: w.forgedOf(w.warm, w.unknown), Call: w.verify},
		{Name: "forged: id cold / unknown", Prepare: w.forgedOf(w.cold, w.unknown), Call: w.verify},
		{Name: "tag: wrong in its first / last byte, id warm", Prepare: w.wrongTag(w.warm), Call: w.verify},
		{Name: "tag: wrong in its first / last byte, id unknown", Prepare: w.wrongTag(w.unknown), Call: w.verify},

		// Who also knows a key's tag: then it is found in the cache, and the digest of the secret is compared.
		{Name: "warm secret beside its own tag: wrong in its first / last digit", Prepare: w.wrongSecret, Call: w.verify},

		// Who has the seed, and so passes the tag; MACs and the records are then what refuses.
		{Name: "secret under a true tag: wrong in its first / last byte", Prepare: w.thiefsSecret, Call: w.verify},
		{Name: "MAC in the record: wrong in its first / last byte", Prepare: w.wrongMAC, Call: w.verify, Times: 3},
	}
}

// forgedOf names ids of these keys.
func (w *world) forgedOf(keys ...[]string) func(class int) string {
	return func(class int) string { return w.forged(w.any(keys[class])) }
}

// flip changes the first byte, or the last.
func (w *world) flip(b []byte, class int) { b[class*(len(b)-1)] ^= byte(1 + w.below(255)) }

func (w *world) wrongTag(keys []string) func(class int) string {
	return func(class int) string {
		p := take(w.any(keys))
		w.roll(p.secret[:])
		w.thief.sign(&p, 1)
		p.tag ^= uint64(1+w.below(255)) << [2]int{40, 0}[class]
		return p.text()
	}
}

func (w *world) wrongSecret(class int) string {
	return withDigit(w.any(w.warm), [2]int{secretAt, secretEnd - 1}[class], byte(w.below(256)))
}

func (w *world) thiefsSecret(class int) string {
	p := take(w.any(w.cold))
	w.flip(p.secret[:], class)
	w.thief.sign(&p, 1)
	return p.text()
}

// wrongMAC is the right text of a key whose MAC in the store is not right.
func (w *world) wrongMAC(class int) string {
	return w.editMAC(func(mac []byte) { w.flip(mac, class) })
}
