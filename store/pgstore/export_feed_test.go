package pgstore

import (
	"context"
	"fmt"
	"time"
)

const (
	KeptFor   = keptFor
	Doubt     = doubt
	MaxPruned = maxPruned
	LookTime  = lookTime
)

// Age makes all that s knows of the log older, as if it had been there for so much longer.
func Age(s *Store, by time.Duration) {
	s.marks.mu.Lock()
	defer s.marks.mu.Unlock()
	for i := range s.marks.all {
		s.marks.all[i].at = s.marks.all[i].at.Add(-by)
	}
}

// Mark notes where the log ends.
func Mark(ctx context.Context, s *Store) error { return s.mark(ctx) }

// Marks returns how many there are.
func Marks(s *Store) int {
	s.marks.mu.Lock()
	defer s.marks.mu.Unlock()
	return len(s.marks.all)
}

// Prune does what s does once in a while, and PruneSome one statement of it.
func Prune(ctx context.Context, s *Store) { s.prune(ctx) }

func PruneSome(ctx context.Context, s *Store) (int64, error) { return s.pruneSome(ctx) }

// Address returns where a store is, as stacks say it.
func Address(s *Store) string { return fmt.Sprintf("%p", s) }
