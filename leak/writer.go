package leak

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// A Writer cuts keys out of what is written to it, and writes the rest to another writer:
//
//	log.SetOutput(leak.NewWriter(os.Stderr, nil))
//
// What goes in goes out at once, in one Write for each Write, but for an end that may be the beginning of a key: at
// most 96 bytes, and none after a line feed, a space or a full stop. That waits for more, or for Flush or Close. So a
// key is found that was written in parts, even digit by digit.
//
// Safe for concurrent use; each Write is one after the other.
type Writer struct {
	redactor *Redactor

	mu     sync.Mutex
	w      io.Writer
	closed bool
	held   []byte // has come in, and may be the beginning of a key
	gone   int    // so many bytes at the beginning of held are out, or have been cut out
	owed   []byte // what has to go out first: the rest of what stands for a key
	out    []byte // kept for its memory
}

// NewWriter returns a Writer to w; r says what is cut out, nil: what looks like a key of any prefix.
func NewWriter(w io.Writer, r *Redactor) *Writer { return &Writer{redactor: r, w: w} }

// Write redacts p. After an error of the underlying writer n tells how much of p is done with: when p[n:] is written
// again, nothing is lost and nothing is there twice.
func (w *Writer) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, fmt.Errorf("leak: write: %w", errClosed)
	}
	return w.put(p, false)
}

// Flush writes what is held back. Of a key that is cut up by that, the rest is not found when it comes.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.put(nil, true)
	return err
}

// Close flushes, and refuses what is written later. It does not close the underlying writer. After an error it can be
// called again.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	_, err := w.put(nil, true)
	w.closed = err == nil
	return err
}

var errClosed = errors.New("the Writer is closed")

// put writes what is held and p, but for an end to hold; if the text is whole, there is none.
func (w *Writer) put(p []byte, whole bool) (n int, err error) {
	before, text := len(w.held), p
	if before > 0 {
		text = append(w.held, p...)
	}
	end := len(text)
	if !whole {
		end = w.redactor.held(text)
	}
	b := w.redact(text, end, whole)
	sent, err := w.send(b.out)
	if sent == len(b.out) {
		w.hold(text[end:], max(0, b.done-end))
		w.owed = nil
		return len(p), err
	}
	at, owed := b.at(sent)
	w.owed = append([]byte(nil), owed...)
	next := max(at, before)
	context := max(0, at-maxPrefix) // what was cut out may end in the prefix of the next key
	w.hold(text[context:next], at-context)
	return next - before, err
}

func (w *Writer) hold(end []byte, gone int) { w.held, w.gone = append(w.held[:0], end...), gone }

// send writes to the underlying writer, and doesn't trust its count.
func (w *Writer) send(out []byte) (n int, err error) {
	if len(out) == 0 {
		return 0, nil
	}
	n, err = w.w.Write(out)
	if n < 0 || n > len(out) {
		n, err = 0, errors.New("leak: write: the underlying writer returned a count that is not from 0 to the length of the text")
	}
	if n < len(out) && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// batch is what goes out in one Write, and what of the text it stands for.
type batch struct {
	out    []byte
	pieces []piece
	done   int // so much of the text needs nothing more
}

// piece ends at index end of what goes out, which is index at of the text.
type piece struct {
	end, at int
	cut     bool // it does not consist of the text's own bytes
}

func (b *batch) add(bytes []byte, at int, cut bool) {
	b.out = append(b.out, bytes...)
	b.pieces = append(b.pieces, piece{len(b.out), at, cut})
}

// at returns which index of the text has been reached with the first bytes that went out, and what else has to go out
// for that.
func (b *batch) at(sent int) (at int, owed []byte) {
	p := piece{len(b.out), b.done, false}
	for _, next := range b.pieces {
		if next.end > sent {
			p = next
			break
		}
	}
	if p.cut {
		return p.at, b.out[sent:p.end]
	}
	return p.at - (p.end - sent), nil
}

// redact makes of text[:end], and of the keys that reach into it, what goes out.
func (w *Writer) redact(text []byte, end int, whole bool) batch {
	b := batch{done: w.gone}
	c, ok := find(w.redactor, text, 0, whole)
	if !ok && len(w.owed) == 0 && b.done < end { // as nearly always: no copy
		return batch{out: text[b.done:end], done: end}
	}
	b.out = w.out[:0]
	if len(w.owed) > 0 {
		b.add(w.owed, b.done, true)
	}
	for ; ok; c, ok = find(w.redactor, text, c.end, whole) {
		if c.start > b.done {
			b.add(text[b.done:c.start], c.start, false)
		}
		b.add([]byte(c.public+mark), c.end, true)
		b.done = c.end
	}
	if end > b.done {
		b.add(text[b.done:end], end, false)
		b.done = end
	}
	if cap(b.out) <= bufferBytes { // one long text is no reason to keep its memory for good
		w.out = b.out
	}
	return b
}
