package hash

import "container/list"

// queue holds the waiters of a gate in one line for each id, and serves the
// lines in turn. So a thousand waiters of one id delay a waiter of another by
// one turn and not by a thousand. Every method takes constant time, whatever
// the queue holds, and is called with the gate's lock held.
type queue struct {
	lines map[[16]byte]*line
	turns list.List // of *line, none empty; the first is served next
	len   int       // of waiters in all lines
}

type line struct {
	id      [16]byte
	waiters list.List     // of *waiter, the oldest first
	turn    *list.Element // this line in queue.turns
}

type waiter struct {
	line    *line
	place   *list.Element // this waiter in its line; nil once it has left
	granted chan struct{} // closed when the waiter is given a permit
}

func newQueue() queue {
	return queue{lines: make(map[[16]byte]*line)}
}

// push adds a waiter at the end of id's line, and a new line after all others.
func (q *queue) push(id [16]byte) *waiter {
	l := q.lines[id]
	if l == nil {
		l = &line{id: id}
		l.turn = q.turns.PushBack(l)
		q.lines[id] = l
	}
	w := &waiter{line: l, granted: make(chan struct{})}
	w.place = l.waiters.PushBack(w)
	q.len++
	return w
}

// pop removes the waiter whose turn it is, nil if there is none. What is left
// of its line waits until every other line had a turn.
func (q *queue) pop() *waiter {
	next := q.turns.Front()
	if next == nil {
		return nil
	}
	w := next.Value.(*line).waiters.Front().Value.(*waiter)
	q.turns.MoveToBack(next)
	q.remove(w)
	return w
}

// remove takes w, which is in the queue, out of it.
func (q *queue) remove(w *waiter) {
	l := w.line
	l.waiters.Remove(w.place)
	w.place = nil
	q.len--
	if l.waiters.Len() == 0 {
		q.turns.Remove(l.turn)
		delete(q.lines, l.id)
	}
}
