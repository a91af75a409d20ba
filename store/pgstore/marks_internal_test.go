package pgstore

import (
	"testing"
	"time"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	end := func(n int64) position { return position{sequence: n, tag: n, known: true} }
	old := func() *marks {
		m := new(marks)
		for n := range int64(50) {
			m.all = append(m.all, mark{at: now.Add(time.Duration(n-60) * time.Minute), position: end(n)})
		}
		return m
	}
	// Two reads at once: that which began first is the slower one.
	m := old()
	m.add(end(60), now)
	m.add(end(59), now.Add(-time.Second))
	if len(m.all) != 51 || m.all[50].sequence != 60 {
		t.Errorf("%d marks, the last at %d; else how old the log is, is forgotten", len(m.all), m.all[len(m.all)-1].sequence)
	}
	// The database was taken back.
	m = old()
	m.add(end(10), now)
	if len(m.all) != 1 || m.first().sequence != 10 {
		t.Errorf("%d marks of a log that was taken back; else what has their numbers now is taken for old", len(m.all))
	}
	// One a second is enough, and none is kept for longer than it is of use, but for one.
	m = old()
	for range 10 {
		m.add(end(60), time.Now())
	}
	if len(m.all) != 51 {
		t.Errorf("%d marks, want one a second", len(m.all))
	}
	for i := range m.all {
		m.all[i].at = m.all[i].at.Add(-keptFor)
	}
	m.add(end(61), time.Now())
	if len(m.all) > 12 {
		t.Errorf("%d marks, nearly all of no use", len(m.all))
	}
	if newest, ok := m.before(keptFor - time.Hour); !ok || newest.sequence != 60 {
		t.Errorf("the newest old mark is at %d, %v", newest.sequence, ok)
	}
	if _, ok := m.before(10 * keptFor); ok {
		t.Error("a mark that is older than all")
	}
}
