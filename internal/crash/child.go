package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// job is what a child is to do. It is handed over in the environment.
type job struct {
	Path       string
	Seed       uint64
	Workers    int
	Operations int    // of each worker; 0: until it is killed
	Broken     string // the name of a store that loses something; "": boltstore itself
}

const jobVariable = "APIKEY_CRASH_JOB"

func (j job) environment() string {
	text, _ := json.Marshal(j) // of strings and numbers
	return jobVariable + "=" + string(text)
}

// asChild does a job if this process was started for one, and reports whether it was. Tests put a store between
// that breaks the rules.
func asChild(broken map[string]func(*boltstore.Store) apikey.Store) bool {
	text, child := os.LookupEnv(jobVariable)
	if !child {
		return false
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.do(context.Background(), os.Stdout, broken[j.Broken])
	}
	if err != nil {
		fmt.Printf("failed %q\n", err)
		os.Exit(1)
	}
	return true
}

func (j job) do(ctx context.Context, out io.Writer, broken func(*boltstore.Store) apikey.Store) error {
	io.WriteString(out, line{what: "opening"}.String())
	s, err := boltstore.Open(j.Path, &boltstore.Options{Timeout: 30 * time.Second})
	if err != nil {
		return err
	}
	io.WriteString(out, line{what: "opened"}.String())
	var store apikey.Store = s
	if broken != nil {
		store = broken(s)
	}
	// The least that argon2 knows: nobody's keys are in here.
	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: hash.Params{Memory: 8, Time: 1, Threads: 1}, UniqueNames: true})
	if err != nil {
		return err
	}
	workers := make([]*worker, j.Workers)
	for i := range workers {
		workers[i] = &worker{issuer: issuer, out: out, dice: rand.New(rand.NewPCG(j.Seed, uint64(i))), name: fmt.Sprintf("%x-%d", j.Seed, i)}
	}
	n := 0
	for key, err := range issuer.Keys(ctx, apikey.Query{}) { // what earlier ones have left
		if err != nil {
			return err
		}
		w := workers[n%len(workers)]
		w.keys = append(w.keys, key.ID())
		n++
	}
	errs := make([]error, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() {
			for n := 0; (j.Operations == 0 || n < j.Operations) && errs[i] == nil; n++ {
				errs[i] = w.step(ctx, n)
			}
			if errs[i] != nil { // the others go on until the process is killed
				fmt.Fprintf(out, "failed %q\n", errs[i])
			}
		})
	}
	all.Wait()
	return errors.Join(append(errs, s.Close())...)
}

// worker has keys of its own, so that at most one call is under way for each.
type worker struct {
	issuer *apikey.Issuer
	out    io.Writer
	dice   *rand.Rand
	name   string
	keys   []string // neither revoked nor deleted
}

func (w *worker) step(ctx context.Context, n int) error {
	op := []string{"create", "create", "create", "create", "create", "rotate", "rotate", "revoke", "revoke", "delete"}[w.dice.IntN(10)]
	l := line{what: "try", op: op, name: fmt.Sprintf("%s-%d", w.name, n)}
	at := 0
	if len(w.keys) == 0 {
		l.op = "create"
	} else {
		at = w.dice.IntN(len(w.keys))
		l.id = w.keys[at]
	}
	io.WriteString(w.out, l.String())
	var err error
	switch l.op {
	case "create":
		var key *apikey.Key
		var secret apikey.Secret
		if key, secret, err = w.issuer.Create(ctx, apikey.CreateParams{Subject: fmt.Sprint("user_", w.dice.IntN(4)), Name: l.name}); err == nil {
			l.id, l.key = key.ID(), secret.Reveal()
			w.keys = append(w.keys, l.id)
		}
	case "rotate":
		var secret apikey.Secret
		if _, secret, err = w.issuer.Rotate(ctx, l.id, apikey.RotateParams{}); err == nil {
			l.key = secret.Reveal()
		}
	case "revoke":
		_, err = w.issuer.Revoke(ctx, l.id, apikey.RevokeParams{Reason: "crash"})
	case "delete":
		err = w.issuer.Delete(ctx, l.id)
	}
	if err != nil {
		return err
	}
	if l.op == "revoke" || l.op == "delete" {
		w.keys[at] = w.keys[len(w.keys)-1]
		w.keys = w.keys[:len(w.keys)-1]
	}
	l.what = "did"
	_, err = io.WriteString(w.out, l.String())
	return err
}
