package modeltest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// eachFeed runs f for every change that another process can make, on a key that is warm here.
func eachFeed(t *testing.T, f func(s *scene, change func())) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stage(t, "polled")
				s.expectAll("before")
				f(s, func() { s.change(c.name, s.others) })
				s.expectAll("in the end")
			})
		})
	}
}

// reads counts the reads of a Verify.
func (s *scene) reads() uint64 {
	before := s.verifier.Stats().StoreReads
	s.look(verify)
	return s.verifier.Stats().StoreReads - before
}

// A feed that is silent is trusted up to MaxStaleness, to the nanosecond.
func TestSilenceIsTrustedUpToItsBound(t *testing.T) {
	t.Parallel()
	eachFeed(t, func(s *scene, change func()) {
		time.Sleep(bound)
		old := s.state
		change()
		if out := s.look(verify); !explains(old, verify, out) {
			s.t.Errorf("at the bound, what was read still counts: %v", out)
		}
		time.Sleep(time.Nanosecond)
		s.expectAll("past the bound")
		if n := s.reads(); n != 1 {
			s.t.Errorf("past the bound, a Verify reads %d times, want 1", n)
		}
	})
}

// A read that began while the feed was live is not joined once it is silent: nobody would
// have told of a change since.
func TestNobodyJoinsAReadFromBeforeTheSilence(t *testing.T) {
	t.Parallel()
	eachFeed(t, func(s *scene, change func()) {
		s.feed.poll(true) // so that it has to be read
		_, release := s.beginHeld(verify)
		change()
		time.Sleep(bound + 1)
		out := s.begin(verify)
		release()
		s.expect("begun in the silence", verify, <-out)
	})
}

// What is read in a silence is remembered. When the feed resumes, it tells of what was changed since.
func TestFeedResumes(t *testing.T) {
	t.Parallel()
	for _, pruned := range []bool{false, true} {
		eachFeed(t, func(s *scene, change func()) {
			time.Sleep(bound + 1)
			s.expectAll("in the silence")
			change()
			s.feed.poll(pruned)
			s.expectAll("after the feed resumed")
			if n := s.reads(); s.look(verify).err == nil && n != 0 {
				s.t.Errorf("with a live feed, a Verify of a warm key reads %d times", n)
			}
		})
	}
}

// A read that is under way when the feed resumes is as old as when it began.
func TestFeedResumesWhileARecordIsRead(t *testing.T) {
	t.Parallel()
	for _, pruned := range []bool{false, true} {
		for _, first := range looks {
			eachFeed(t, func(s *scene, change func()) {
				time.Sleep(bound + 1)
				one, release := s.beginHeld(first)
				change()
				s.feed.poll(pruned)
				two := s.begin(verify)
				release()
				<-one
				s.expect("begun after the feed resumed", verify, <-two)
			})
		}
	}
}

// News that was old when it came makes nothing fresh.
func TestOldNewsIsNotFresh(t *testing.T) {
	t.Parallel()
	eachFeed(t, func(s *scene, change func()) {
		time.Sleep(2 * bound)
		change()
		s.feed.tell(apikey.Change{Fresh: time.Now().Add(-bound - 1)})
	})
}

// Before the feed has told anything, nothing is remembered.
func TestFeedThatNeverBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, "polled")
		silent := newPolled(s.feed.shared)
		v, err := apikey.NewVerifier(silent, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		s.verifier = v
		s.expectAll("before")
		s.change("Revoke", s.others)
		s.expectAll("after")
	})
}

// A gap is about all records.
func TestGapDistrustsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, "polled")
		texts := []string{s.text}
		for range 3 {
			_, secret, err := s.issuer.Create(t.Context(), apikey.CreateParams{Subject: "user_2", Name: "gap"})
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, secret.Reveal())
		}
		for _, s.text = range texts {
			s.look(verify)
		}
		s.feed.poll(true)
		for _, s.text = range texts {
			if first, second := s.reads(), s.reads(); first != 1 || second != 0 {
				t.Errorf("after a gap, a Verify read %d times and the next %d times, want 1 and 0", first, second)
			}
		}
	})
}

// A store that is closed tells of nothing any more, so what was read from it counts for nothing.
func TestClosedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, "alone")
		s.expectAll("before")
		if err := s.store.Store.(*memstore.Store).Close(); err != nil {
			t.Fatal(err)
		}
		for _, kind := range looks {
			if out := s.look(kind); !errors.Is(out.err, apikey.ErrUnavailable) {
				t.Errorf("%s answered %v, want ErrUnavailable", kind, out)
			}
		}
	})
}
