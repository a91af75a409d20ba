package modeltest_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// stored returns a key as the store has it.
func (l *life) stored(k *mortal) view {
	key, err := l.truth.Get(l.t.Context(), k.id)
	switch {
	case errors.Is(err, apikey.ErrNotFound):
		return view{is: gone}
	case err != nil:
		l.t.Fatal(err)
	}
	return viewOf(key)
}

// reread reads all that another may have changed in a call.
func (l *life) reread(e ending) {
	for _, k := range l.keys {
		if e.held && k.subject == l.subject {
			k.state = l.stored(k)
		}
	}
}

// others is the change that disturb makes.
var others = input{kind: revoke, n: 99}

// change makes a change of a key. Halfway is what it may leave behind if it fails, beside what was there
// and what it makes of it.
func (l *life) change(k *mortal, in input, f func(ctx context.Context) error, halfway ...view) {
	l.twice(string(in.kind), k.subject, f, func(e ending) {
		next, want := k.state.after(in)
		allowed := []view{next}
		if e.failed {
			allowed = append(allowed, k.state)
			allowed = append(allowed, halfway...)
		}
		answers := []error{want}
		if e.held { // the other was first, or second
			second, _ := next.after(others)
			first, _ := k.state.after(others)
			first, want = first.after(in)
			allowed, answers = []view{first, second}, append(answers, want)
		}
		is := l.stored(k)
		if !e.failed && !slices.ContainsFunc(answers, func(want error) bool { return errors.Is(e.err, want) }) {
			l.errorf("%s of a key that is %v answered %v, want one of %v", in.kind, k.state, e.err, answers)
		}
		if !slices.Contains(allowed, is) {
			l.errorf("%s of a key that is %v answered %v, and it is %v, want one of %v", in.kind, k.state, e.err, is, allowed)
		}
		if k.state = is; e.failed {
			l.look(k) // and not only when it was tried again
		}
	})
}

// create makes a key. If that fails there is none, and its name is free.
func (l *life) create(subject, name string) *mortal {
	k := &mortal{subject: l.name + subject}
	l.twice("create", k.subject, func(ctx context.Context) error {
		key, secret, err := l.issuer.Create(ctx, apikey.CreateParams{Subject: k.subject, Name: name})
		if err == nil {
			k.id, k.texts = key.ID(), []string{secret.Reveal()}
		}
		return err
	}, func(e ending) {
		if e.err == nil {
			l.keys = append(l.keys, k)
			k.state = l.stored(k)
			if live, _ := (view{}).after(input{kind: create}); k.state != live && (!e.held || k.state.is != revoked) {
				l.errorf("a key that was created is %v", k.state)
			}
		} else if !e.failed {
			l.errorf("create answered %v", e.err)
		}
		n, err := l.truth.Count(l.t.Context(), apikey.Query{Subject: k.subject, IncludeInvalid: true})
		if want := len(l.of(k.subject, func(s view) bool { return s.is != gone })); err != nil || n != want {
			l.errorf("after create answered %v, there are %d keys, %v, want %d", e.err, n, err, want)
		}
	})
	return k
}

// of returns the ids of a subject's keys that are as wanted, newest first.
func (l *life) of(subject string, wanted func(view) bool) (ids []string) {
	for _, k := range slices.Backward(l.keys) {
		if k.subject == subject && wanted(k.state) {
			ids = append(ids, k.id)
		}
	}
	return ids
}

func (l *life) update(k *mortal, n int) {
	l.change(k, input{kind: update, n: n}, func(ctx context.Context) error {
		_, err := l.issuer.Update(ctx, k.id, apikey.UpdateParams{Claims: []byte(strconv.Itoa(n))})
		return err
	})
}

func (l *life) rotate(k *mortal, kind kind) {
	p := apikey.RotateParams{}
	if kind == grace {
		p.Grace = time.Hour
	}
	l.change(k, input{kind: kind}, func(ctx context.Context) error {
		_, secret, err := l.issuer.Rotate(ctx, k.id, p)
		for newest := newest(l.stored(k)); len(k.texts) < newest; {
			k.texts = append(k.texts, "") // of a Rotate that failed
		}
		if err == nil {
			k.texts[len(k.texts)-1] = secret.Reveal()
		}
		return err
	})
}

func (l *life) revoke(k *mortal, n int) {
	l.change(k, input{kind: revoke, n: n}, func(ctx context.Context) error {
		_, err := l.issuer.Revoke(ctx, k.id, apikey.RevokeParams{Reason: strconv.Itoa(n)})
		if l.setup.revoked != nil {
			err = l.setup.revoked(err)
		}
		return err
	})
}

func (l *life) revokeSubject(subject string, n int) {
	subject = l.name + subject
	count := 0
	l.twice("RevokeSubject", subject, func(ctx context.Context) (err error) {
		count, err = l.issuer.RevokeSubject(ctx, subject, apikey.RevokeParams{Reason: strconv.Itoa(n)})
		return err
	}, func(e ending) {
		done := 0
		for _, k := range l.keys {
			if k.subject != subject {
				continue
			}
			was, is := k.state, l.stored(k)
			ours, _ := was.after(input{kind: revoke, n: n})
			theirs, _ := was.after(others)
			if is != ours && !(e.failed && is == was) && !(e.held && is == theirs) {
				l.errorf("RevokeSubject answered %v, and a key that was %v is %v", e.err, was, is)
			}
			if k.state = is; is != was && is == ours {
				done++
			}
			if e.failed {
				l.look(k)
			}
		}
		// One that was revoked by a write which seemed to fail is found to be revoked, and not counted.
		if count > done || !e.hit && count != done {
			l.errorf("RevokeSubject answered (%d, %v), and revoked %d", count, e.err, done)
		}
	})
}

func (l *life) remove(k *mortal) {
	l.change(k, input{kind: remove}, func(ctx context.Context) error { return l.issuer.Delete(ctx, k.id) })
}

// removeOwn is the subject's own deletion, which revokes first.
func (l *life) removeOwn(k *mortal) {
	halfway, _ := k.state.after(input{kind: revoke})
	l.change(k, input{kind: remove}, func(ctx context.Context) error {
		return l.issuer.ForSubject(k.subject).Delete(ctx, k.id)
	}, halfway)
}

// restart ends the process, which writes when k was last used, and begins another.
func (l *life) restart(k *mortal) {
	e := l.call(closing, k.subject, func(context.Context) error { return l.verifier.Close() })
	l.reread(e)
	if e.err != nil && !e.failed {
		l.errorf("Close answered %v", e.err)
	}
	if e.err == nil && l.used[k]&k.state.alive != 0 {
		key, err := l.truth.Get(l.t.Context(), k.id)
		if err != nil {
			l.t.Fatal(err)
		}
		if _, used := key.LastUsedAt(); !used {
			l.errorf("Close answered no error, and when the key was used is not known")
		}
	}
	l.begin()
}
