package modeltest_test

import (
	"testing"
	"testing/synctest"
)

// What is warm is forgotten.
func TestChangeOfAWarmKey(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *scene, _, change func()) {
		s.expectAll("before")
		change()
	})
}

// Who comes after a change must not be served by a read that began before it.
func TestNobodyJoinsAnEarlierRead(t *testing.T) {
	t.Parallel()
	for _, first := range looks {
		for _, second := range looks {
			t.Run(string(first+", "+second), func(t *testing.T) {
				eachChange(t, func(s *scene, _, change func()) {
					old := s.state
					one, release := s.beginHeld(first)
					change()
					two := s.begin(second)
					release()
					s.expect("begun after the change", second, <-two)
					if out := <-one; !explains(old, first, out) && !explains(s.state, first, out) {
						s.t.Errorf("begun before the change: %s answered %v", first, out)
					}
				})
			})
		}
	}
}

// A Verify that finds that a change came while it read reads once more. What it has read then
// may be old again when it comes to be remembered.
func TestVerifyFillsAfterAChange(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *scene, edit, change func()) {
		out, release := s.beginHeld(verify)
		edit()
		again, releaseAgain := s.store.hold(s.t)
		release()
		synctest.Wait()
		again()
		change()
		releaseAgain()
		<-out
	})
}

// The same for a Lookup, which reads once, and fills only the place of a key that was verified.
func TestLookupFillsAfterAChange(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *scene, edit, change func()) {
		s.look(verify)
		edit() // so that it has to be read
		out, release := s.beginHeld(lookup)
		change()
		release()
		<-out
	})
}

// What is told while argon2 has not ended counts when it has. The one who waits is not
// promised that, since it began before; it is so all the same, as argon2 may take seconds.
func TestChangeWhileHashing(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *scene, _, change func()) {
		busy := make(chan struct{})
		go s.gate.Do(s.t.Context(), [16]byte{}, func() { <-busy })
		synctest.Wait()
		one := s.begin(verify)
		if s.gate.Stats().Queued != 1 {
			s.t.Error("argon2 is not waited for, so that this test tests nothing")
		}
		change()
		two := s.begin(verify)
		close(busy)
		s.expect("begun after the change", verify, <-two)
		s.expect("begun before the change", verify, <-one)
	})
}
