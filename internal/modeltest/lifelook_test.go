package modeltest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// look asks for a key in all ways, and by every secret that it ever had: twice, once when it is warm.
func (l *life) look(k *mortal) {
	for n, text := range k.texts {
		if text == "" {
			continue
		}
		for range 2 {
			l.ask(k, verify, n+1, func(ctx context.Context) (*apikey.Key, error) { return l.verifier.Verify(ctx, text) })
		}
		if key, err := l.verifier.Verify(l.t.Context(), forge(text)); key != nil || err == nil {
			l.errorf("a forgery of secret %d was accepted", n+1)
		}
		if n == len(k.texts)-1 {
			l.ask(k, know, n+1, func(ctx context.Context) (*apikey.Key, error) { return l.verifier.Recognize(ctx, text) })
		}
	}
	l.ask(k, lookup, 0, func(ctx context.Context) (*apikey.Key, error) { return l.verifier.Lookup(ctx, k.id) })
}

func (l *life) ask(k *mortal, kind kind, n int, f func(ctx context.Context) (*apikey.Key, error)) {
	var key *apikey.Key
	l.twice(string(kind), k.subject, func(ctx context.Context) (err error) {
		key, err = f(ctx)
		return err
	}, func(e ending) {
		if kind == verify && e.err == nil {
			l.used[k] |= 1 << n
		}
		in, out := input{kind: kind, n: n}, answer(key, e.err)
		second, _ := k.state.after(others)
		if !e.failed && !k.state.explains(in, out) && !(e.held && second.explains(in, out)) {
			l.errorf("%s with secret %d of a key that is %v answered %v", kind, n, k.state, out)
		}
	})
}

// list has the subject's keys listed, walked over and counted.
func (l *life) list(subject string) {
	subject = l.name + subject
	every := apikey.Query{Subject: subject, IncludeInvalid: true}
	var got []string
	compare := func(e ending) {
		want := l.of(subject, func(s view) bool { return s.is != gone })
		if !e.failed && (e.err != nil || !slices.Equal(got, want)) {
			l.errorf("the keys listed are %v, %v, want %v", got, e.err, want)
		}
	}
	l.twice("List", subject, func(ctx context.Context) error {
		page, err := l.issuer.List(ctx, every)
		got = idsOf(page.Keys)
		return err
	}, compare)
	l.twice("Keys", subject, func(ctx context.Context) error {
		got = nil
		q := every
		q.Limit = 1
		for key, err := range l.issuer.Keys(ctx, q) {
			if err != nil {
				return err
			}
			got = append(got, key.ID())
		}
		return nil
	}, compare)
	n := 0
	l.twice("Count", subject, func(ctx context.Context) (err error) {
		n, err = l.issuer.Count(ctx, apikey.Query{Subject: subject})
		return err
	}, func(e ending) {
		want := len(l.of(subject, func(s view) bool { return s.is == live }))
		if !e.failed && (e.err != nil || n != want && !(e.held && n == 0)) {
			l.errorf("Count answered %d, %v, want %d", n, e.err, want)
		}
	})
}

func idsOf(keys []*apikey.Key) (ids []string) {
	for _, k := range keys {
		ids = append(ids, k.ID())
	}
	return ids
}

// leaked returns a part of a secret that was printed.
func (l *life) leaked() string {
	printed := l.printed.String()
	for _, k := range l.keys {
		for _, text := range k.texts {
			if text == "" {
				continue
			}
			secret := text[len("ak_")+22 : len("ak_")+22+33]
			for i := range len(secret) - 7 {
				if strings.Contains(printed, secret[i:i+8]) {
					return fmt.Sprintf("a part of a secret was printed: %q", secret[i:i+8])
				}
			}
		}
	}
	return ""
}
