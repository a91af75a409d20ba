package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// pause is between two steps of a writer: what is looked for is what changes with time, not what a full disk queue does.
const pause = 5 * time.Millisecond

// writer changes the keys of a subject, which are its own, and sees that each change is known when it returns.
type writer struct {
	*scene
	subject string
	want    int
	random  *rand.Rand
	keys    []owned // oldest first
}

type owned struct {
	id, text string
	revoked  bool
}

func (w *writer) fill(ctx context.Context) error {
	for len(w.keys) < w.want {
		if err := w.create(ctx, w.subject); err != nil {
			return err
		}
	}
	return nil
}

// work goes on until ctx ends.
func (w *writer) work(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.step(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", w.subject, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (w *writer) step(ctx context.Context) error {
	if len(w.keys) > w.want {
		return w.delete(ctx)
	}
	k := &w.keys[w.random.IntN(len(w.keys))]
	switch n := w.random.IntN(100); {
	case n < 40 || k.revoked:
		return w.create(ctx, w.subject)
	case n < 55:
		return w.revoke(ctx, k)
	case n < 70:
		return w.rotate(ctx, k)
	case n < 80:
		return w.update(ctx, k)
	case n < 95:
		return w.exchange(ctx, k)
	case n < 99:
		return w.list(ctx)
	}
	return w.revokeSubject(ctx)
}

// verify presents a text, and says so if the answer is not the one that the last change asks for.
func (w *writer) verify(ctx context.Context, text string, want error) error {
	_, err := w.verifier.Load().Verify(ctx, text)
	if want == nil && err != nil || !errors.Is(err, want) {
		return fmt.Errorf("verify answered %v, want %v", err, want)
	}
	return nil
}

func (w *writer) create(ctx context.Context, subject string) error {
	begin := time.Now()
	key, secret, err := w.issuer.Create(ctx, apikey.CreateParams{
		Subject: subject, Name: "soak", Scopes: []string{"read", "write"}, Claims: w.claims(), ExpiresIn: 24 * time.Hour,
	})
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	w.samples.add(create, time.Since(begin))
	text := secret.Reveal()
	w.keys = append(w.keys, owned{id: key.ID(), text: text})
	w.show(text, w.random)
	return w.verify(ctx, text, nil)
}

// claims are of all sizes, most of them small, so that pages fill unevenly.
func (w *writer) claims() []byte {
	return strconv.AppendQuote(nil, string(bytes.Repeat([]byte("x"), w.random.IntN(1<<w.random.IntN(12)))))
}

// delete deletes the oldest key.
func (w *writer) delete(ctx context.Context) error {
	k := w.keys[0]
	if err := w.issuer.Delete(ctx, k.id); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	w.keys = w.keys[1:]
	return w.verify(ctx, k.text, apikey.ErrUnknown)
}

func (w *writer) revoke(ctx context.Context, k *owned) error {
	begin := time.Now()
	if _, err := w.issuer.Revoke(ctx, k.id, apikey.RevokeParams{Reason: "soak"}); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	w.samples.add(revoke, time.Since(begin))
	k.revoked = true
	return w.verify(ctx, k.text, apikey.ErrRevoked)
}

// rotate leaves the old secret a second, or nothing. Where four are alive still, it is nothing.
func (w *writer) rotate(ctx context.Context, k *owned) error {
	grace := time.Duration(w.random.IntN(2)) * time.Second
	_, secret, err := w.issuer.Rotate(ctx, k.id, apikey.RotateParams{Grace: grace})
	if invalid := (*apikey.ValidationError)(nil); errors.As(err, &invalid) && invalid.Field == "Grace" {
		grace = 0
		_, secret, err = w.issuer.Rotate(ctx, k.id, apikey.RotateParams{})
	}
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	old := k.text
	k.text = secret.Reveal()
	w.show(k.text, w.random)
	if err := w.verify(ctx, k.text, nil); err != nil || grace > 0 {
		return err
	}
	return w.verify(ctx, old, apikey.ErrUnknown)
}

func (w *writer) update(ctx context.Context, k *owned) error {
	claims := w.claims()
	if _, err := w.issuer.Update(ctx, k.id, apikey.UpdateParams{Claims: claims}); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	key, err := w.verifier.Load().Verify(ctx, k.text)
	if err != nil {
		return fmt.Errorf("verify after an update: %w", err)
	}
	if !bytes.Equal(key.Claims(), claims) {
		return errors.New("verify answered with the claims of before")
	}
	return nil
}

// exchange has a token made, which dies with its key.
func (w *writer) exchange(ctx context.Context, k *owned) error {
	token, err := w.service.Exchange(ctx, k.text, sts.ExchangeParams{})
	if err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	tokens, err := w.service.Verifier(audience)
	if err != nil {
		return err
	}
	if _, err := tokens.Verify(ctx, token.Reveal()); err != nil {
		return fmt.Errorf("verify a token: %w", err)
	}
	if w.random.IntN(4) > 0 {
		return nil
	}
	if err := w.revoke(ctx, k); err != nil {
		return err
	}
	if _, err := tokens.Verify(ctx, token.Reveal()); !errors.Is(err, apikey.ErrRevoked) {
		return fmt.Errorf("verify answered %v to a token of a revoked key", err)
	}
	return nil
}

// list goes through the subject's keys, which are as many as this writer knows.
func (w *writer) list(ctx context.Context) error {
	n := 0
	for key, err := range w.issuer.Keys(ctx, apikey.Query{Subject: w.subject, IncludeInvalid: true, Limit: 200}) {
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if key.Subject() != w.subject {
			return fmt.Errorf("list answered with a key of %s", key.Subject())
		}
		n++
	}
	if n != len(w.keys) {
		return fmt.Errorf("list answered with %d keys of %d", n, len(w.keys))
	}
	return nil
}

// revokeSubject gives a second subject some keys, revokes them together, and deletes them.
func (w *writer) revokeSubject(ctx context.Context) error {
	const some = 5
	before := len(w.keys)
	for range some {
		if err := w.create(ctx, w.subject+"_too"); err != nil {
			return err
		}
	}
	batch := w.keys[before:]
	defer func() { w.keys = w.keys[:before] }()
	if n, err := w.issuer.RevokeSubject(ctx, w.subject+"_too", apikey.RevokeParams{}); n != some || err != nil {
		return fmt.Errorf("revoke of %d keys of a subject: %d, %w", some, n, err)
	}
	for _, k := range batch {
		if err := w.verify(ctx, k.text, apikey.ErrRevoked); err != nil {
			return err
		}
		if err := w.issuer.Delete(ctx, k.id); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	return nil
}
