package modeltest_test

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/seed-d3a9fb6b/apikey"
)

// A change that finds that another process was first is as final as any, whatever it returns,
// though that process's change was not told here yet and the key is warm.
func TestAnotherProcessWasFirst(t *testing.T) {
	t.Parallel()
	for _, theirs := range changes {
		for _, ours := range append(changes[:len(changes):len(changes)], change{"Update of nothing", update, updateNothing}) {
			if theirs.kind == remove && ours.name == "RevokeSubject" {
				continue // it meets only the keys that there are
			}
			t.Run(theirs.name+"/"+ours.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := stage(t, "polled")
					s.expectAll("before")
					reads := s.verifier.Stats().StoreReads
					s.change(theirs.name, s.others)
					if out := s.look(verify); out.err != nil || s.verifier.Stats().StoreReads != reads {
						t.Error("the key is not warm, so that this test tests nothing")
					}
					n := s.state.claims + 1
					next, want := s.state.after(input{kind: ours.kind, n: n})
					if ours.name == "Update of nothing" && want == nil {
						next = s.state
					}
					err := ours.make(t.Context(), s.issuer, s.key.ID(), n)
					if !errors.Is(err, want) {
						t.Errorf("ours ended with %v, want %v", err, want)
					}
					s.state = next
					s.expectAll("after ours")
				})
			})
		}
	}
}

func updateNothing(ctx context.Context, i *apikey.Issuer, id string, _ int) error {
	_, err := i.Update(ctx, id, apikey.UpdateParams{})
	return err
}

// A caller who goes away can't keep a Revoke, once it has seen that the key is revoked, from
// having it known here.
func TestAnotherProcessWasFirstAndTheCallerLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, "polled")
		s.expectAll("before")
		s.change("Revoke", s.others)
		ctx, leave := context.WithCancel(t.Context())
		reached, release := s.store.hold(t)
		ended := make(chan error, 1)
		go func() {
			_, err := s.issuer.Revoke(ctx, s.key.ID(), apikey.RevokeParams{})
			ended <- err
		}()
		synctest.Wait()
		reached()
		leave()
		release()
		if err := <-ended; err != nil {
			t.Errorf("Revoke of a revoked key: %v", err)
		}
		s.expectAll("after ours")
	})
}

// doubtful is a Store whose writes are committed, and are errors all the same.
type doubtful struct{ apikey.Store }

var errDoubtful = errors.New("the connection broke")

func (d doubtful) Replace(ctx context.Context, r *apikey.Record) error {
	return cmp.Or(d.Store.Replace(ctx, r), errDoubtful)
}

func (d doubtful) Delete(ctx context.Context, id apikey.ID) error {
	return cmp.Or(d.Store.Delete(ctx, id), errDoubtful)
}

// A change that may have been made counts as made.
func TestDoubtfulChange(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stage(t, "polled")
				s.expectAll("before")
				s.store.Store = doubtful{s.store.Store}
				n := s.state.claims + 1
				err := c.make(t.Context(), s.issuer, s.key.ID(), n)
				if !errors.Is(err, apikey.ErrUnavailable) || !errors.Is(err, errDoubtful) {
					t.Errorf("%v, want ErrUnavailable and the cause", err)
				}
				s.state, _ = s.state.after(input{kind: c.kind, n: n})
				if c.name == "Delete for its subject" { // it got as far as the revocation
					s.state = view{is: revoked}
				}
				s.expectAll("after the error")
			})
		})
	}
}
