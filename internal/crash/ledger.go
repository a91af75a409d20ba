package main

import (
	"fmt"
	"slices"
)

// ledger is what children have said of one file.
type ledger struct {
	opened   bool            // Open has returned, so there is a file from then on
	keys     map[string]*key // by id
	creating map[string]bool // names of keys whose Create has begun, and may have been
	acks     int
}

// key is what was acknowledged of one, and what was begun.
type key struct {
	name    string
	is      state
	pending string   // the operation that was begun; "": none
	texts   []string // the n-th has number n+1; "": nobody was told
}

// state is what there is of a key, in its record and in the log of changes.
type state struct {
	gone    bool
	version uint64
	number  int // of the secret that is valid
	revoked bool
	logged  int // changes of it that are in the log
}

func newLedger() *ledger {
	return &ledger{keys: make(map[string]*key), creating: make(map[string]bool)}
}

func (s state) after(op string) state {
	s.version++
	s.logged++
	switch op {
	case "rotate":
		s.number++
	case "revoke":
		s.revoked = true
	case "delete":
		s = state{gone: true, logged: s.logged}
	}
	return s
}

// note takes down what a child said.
func (l *ledger) note(said line) error {
	k := l.keys[said.id]
	if said.op == "create" {
		if said.what == "try" {
			l.creating[said.name] = true
			return nil
		}
		if k != nil || !l.creating[said.name] {
			return fmt.Errorf("the child has created %s, which it had not begun", said.id)
		}
		delete(l.creating, said.name)
		l.keys[said.id] = &key{name: said.name, is: state{version: 1, number: 1}, texts: []string{said.key}}
		l.acks++
		return nil
	}
	switch {
	case said.what == "opening":
	case said.what == "opened":
		l.opened = true
	case k == nil:
		return fmt.Errorf("the child speaks of %s, which nobody has created", said.id)
	case said.what == "try" && k.pending == "":
		k.pending = said.op
	case said.what == "did" && k.pending == said.op:
		k.is, k.pending = k.is.after(said.op), ""
		if said.op == "rotate" {
			k.texts = append(k.texts, said.key)
		}
		l.acks++
	default:
		return fmt.Errorf("the child says %s %s of %s, after %q", said.what, said.op, said.id, k.pending)
	}
	return nil
}

// allowed are the states in which a crash may have left the key.
func (k *key) allowed() []state {
	if k.pending == "" {
		return []state{k.is}
	}
	return []state{k.is, k.is.after(k.pending)}
}

// compare returns an error if the file lacks what was acknowledged, or has half of something.
func (l *ledger) compare(c *contents) error {
	for id, k := range l.keys {
		if is := c.state(id); !slices.Contains(k.allowed(), is) {
			return fmt.Errorf("%w: key %s was acknowledged as %+v, and then began %q; the file has %+v", errLost, id, k.is, k.pending, is)
		}
		if r := c.records[id]; r != nil && r.Name != k.name {
			return fmt.Errorf("%w: key %s has the name %q, not %q", errLost, id, r.Name, k.name)
		}
	}
	for id, r := range c.records {
		if is := c.state(id); l.keys[id] == nil && (!l.creating[r.Name] || is != state{version: 1, number: 1}) {
			return fmt.Errorf("%w: key %s, %q, is %+v, which nobody has begun", errLost, id, r.Name, is)
		}
	}
	for id := range c.logged {
		if l.keys[id] == nil {
			return fmt.Errorf("%w: the log has a change of %s, which nobody has begun", errLost, id)
		}
	}
	return nil
}

// adopt takes what a crash has left for what is: it was read, so it must stay.
func (l *ledger) adopt(c *contents) {
	for id, r := range c.records {
		if l.keys[id] == nil {
			l.keys[id] = &key{name: r.Name, texts: []string{""}}
		}
	}
	for id, k := range l.keys {
		k.is, k.pending = c.state(id), ""
		for len(k.texts) < k.is.number {
			k.texts = append(k.texts, "")
		}
	}
	clear(l.creating)
}
