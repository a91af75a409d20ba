package caches

// queue holds entries from newest to oldest. Its owner's lock guards it.
type queue struct {
	newest, oldest *Entry
	hand           *Entry
	bytes          int64
	count          int
}

func (q *queue) push(e *Entry) {
	e.newer, e.older = nil, q.newest
	if q.newest != nil {
		q.newest.newer = e
	}
	q.newest = e
	if q.oldest == nil {
		q.oldest = e
	}
	q.bytes += e.Bytes
	q.count++
}

func (q *queue) unlink(e *Entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		q.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		q.oldest = e.newer
	}
	if q.hand == e {
		q.hand = e.newer
	}
	e.newer, e.older = nil, nil
	q.bytes -= e.Bytes
	q.count--
}

// victim is SIEVE's (Zhang et al., NSDI 2024): the hand walks towards the newest, spares whom
// it finds visited, and takes the first who is not.
func (q *queue) victim() *Entry {
	for {
		e := q.hand
		if e == nil {
			e = q.oldest
		}
		q.hand = e.newer
		if !e.visited.Swap(false) {
			return e
		}
	}
}
