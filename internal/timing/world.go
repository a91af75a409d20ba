package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// enough keys of one kind are as many as inputs of a batch: what is done to a key for one of them has to be there when that is
// measured.
const enough = dudect.Batch

// world is a store, and a Verifier that demands MACs: so that a secret is refused by the compare that is to be timed, and
// not by an argon2 that takes a thousand times as long.
type world struct {
	ctx      context.Context
	each     int // keys of one kind
	dice     *bufio.Reader
	store    *memstore.Store
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	thief    thief

	warm    []string             // in the Verifier's cache
	cold    []string             // in the store
	unknown []string             // deleted
	edited  []string             // in the store, where their records are edited
	next    int                  // of edited, whose turn it is
	macs    map[apikey.ID][]byte // those of edited, as the Issuer made them
	err     error                // of the last call
	match   bool                 // of the last compare of a control
	status  int                  // of the last answer over HTTP
}

// newWorld makes keys and deals them out at random, so that nothing but what was done to them afterwards sets them apart.
func newWorld(ctx context.Context, each int) (*world, error) {
	w := &world{ctx: ctx, each: each, dice: bufio.NewReaderSize(rand.Reader, 1<<12), store: memstore.New(), macs: make(map[apikey.ID][]byte)}
	secret := make([]byte, 32)
	rand.Read(secret)
	keyring, err := apikey.NewKeyring(secret)
	if err != nil {
		return nil, err
	}
	cheap := hash.Params{Memory: 8, Time: 1, Threads: 1} // nothing here is judged by argon2
	if w.issuer, err = apikey.NewIssuer(w.store, &apikey.IssuerOptions{Keyring: keyring, Argon2: cheap}); err != nil {
		return nil, err
	}
	if w.verifier, err = apikey.NewVerifier(w.store, &apikey.VerifierOptions{Keyring: keyring, RequireMAC: true}); err != nil {
		return nil, err
	}
	all := make([]string, 4*each)
	for i := range all {
		if all[i], err = w.create(); err != nil {
			return nil, err
		}
	}
	for i := range all {
		j := i + w.below(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	w.warm, w.cold, w.unknown, w.edited = all[:each], all[each:2*each], all[2*each:3*each], all[3*each:]
	for i := range each {
		if err := w.warmUp(w.warm[i]); err != nil {
			return nil, err
		}
		id, err := apikey.KeyID(w.unknown[i])
		if err != nil {
			return nil, err
		}
		if err := w.issuer.Delete(ctx, id); err != nil {
			return nil, err
		}
	}
	seed, err := w.store.Value(ctx, "seed")
	if err != nil {
		return nil, err
	}
	w.thief, err = newThief(seed)
	return w, err
}

func (w *world) create() (string, error) {
	_, secret, err := w.issuer.Create(w.ctx, apikey.CreateParams{Subject: "user_1", Name: "key"})
	if err != nil {
		return "", fmt.Errorf("create a key: %w", err)
	}
	return secret.Reveal(), nil
}

func (w *world) warmUp(text string) error {
	if _, err := w.verifier.Verify(w.ctx, text); err != nil {
		return fmt.Errorf("verify a key: %w", err)
	}
	return nil
}

// verify is what most experiments time.
func (w *world) verify(text string) { _, w.err = w.verifier.Verify(w.ctx, text) }

// roll fills b.
func (w *world) roll(b []byte) {
	if _, err := io.ReadFull(w.dice, b); err != nil {
		panic(err) // crypto/rand can't fail
	}
}

func (w *world) word() uint64 {
	var b [8]byte
	w.roll(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (w *world) below(n int) int { return int(w.word() >> 1 % uint64(n)) }

func (w *world) any(keys []string) string { return keys[w.below(len(keys))] }

// forged is a key with the id of another, and a secret and a tag that were rolled.
func (w *world) forged(text string) string {
	p := take(text)
	w.roll(p.secret[:])
	p.tag = 1<<48 | w.word()>>16
	return p.text()
}

// edit changes a record as whoever can write the store does.
func (w *world) edit(text string, f func(*apikey.Record)) {
	r, err := w.store.Get(w.ctx, take(text).id)
	if err != nil {
		panic(err) // the keys are there, and the store is in memory
	}
	f(r)
	if err := w.store.Replace(w.ctx, r); err != nil {
		panic(err)
	}
}

// editMAC edits the record of one of the edited keys, each in turn, and returns its text. f gets the MAC that the Issuer made.
func (w *world) editMAC(f func(mac []byte)) string {
	text := w.edited[w.next%w.each]
	w.next++
	w.edit(text, func(r *apikey.Record) {
		c := &r.Credentials[0]
		if w.macs[r.ID] == nil {
			w.macs[r.ID] = c.MAC
		}
		c.MAC = slices.Clone(w.macs[r.ID])
		f(c.MAC)
	})
	return text
}
