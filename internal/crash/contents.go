package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
)

// What a crash must not do.
var (
	errLost    = errors.New("lost")
	errDamaged = errors.New("bbolt finds the file damaged")
)

// contents are what a file holds, read with bbolt alone.
type contents struct {
	records map[string]*apikey.Record // by the id of the key
	logged  map[string]int            // entries in the log of changes
}

// keyID spells an id as an Issuer does.
func keyID(id []byte) string { return "ak_" + hex.EncodeToString(id) }

func (c *contents) state(id string) state {
	r := c.records[id]
	if r == nil {
		return state{gone: true, logged: c.logged[id]}
	}
	is := state{version: r.Version, revoked: !r.RevokedAt.IsZero(), logged: c.logged[id]}
	if len(r.Credentials) == 1 { // more would have a grace, which nobody asked for
		is.number = int(r.Credentials[0].Number)
	}
	return is
}

// readContents has bbolt check the file, and reads it without changing it. Records and indexes must agree.
func readContents(path string) (*contents, error) {
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: 30 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("%w: it does not open: %w", errDamaged, err)
	}
	var c *contents
	err = db.View(func(tx *bbolt.Tx) error {
		var damage []error
		for err := range tx.Check() {
			damage = append(damage, err)
		}
		if len(damage) > 0 {
			return fmt.Errorf("%w: %w", errDamaged, errors.Join(damage...))
		}
		c, err = contentsOf(tx)
		return err
	})
	return c, errors.Join(err, db.Close())
}

// contentsOf reads what Open has checked the seals of, 4 bytes at the end of each value.
func contentsOf(tx *bbolt.Tx) (*contents, error) {
	c := &contents{make(map[string]*apikey.Record), make(map[string]int)}
	records, subjects, unique := tx.Bucket([]byte("records")), tx.Bucket([]byte("subjects")), tx.Bucket([]byte("unique"))
	if records == nil || subjects == nil || unique == nil {
		return nil, fmt.Errorf("%w: a bucket is missing", errLost)
	}
	named := 0
	err := records.ForEach(func(id, value []byte) error {
		r := new(apikey.Record)
		if err := r.UnmarshalBinary(value[:len(value)-4]); err != nil {
			return err
		}
		subject := append(binary.BigEndian.AppendUint16(nil, uint16(len(r.Subject))), r.Subject...)
		agree := bytes.Equal(id, r.ID[:]) && subjects.Get(append(subject, id...)) != nil
		if r.UniqueKey != "" { // a revoked one has none
			named++
			holder := unique.Get([]byte(r.UniqueKey))
			agree = agree && len(holder) > 4 && bytes.Equal(holder[:len(holder)-4], id)
		}
		if !agree {
			return fmt.Errorf("%w: record %x and the indexes disagree", errLost, id)
		}
		c.records[keyID(id)] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n, s, u := len(c.records), subjects.Stats().KeyN, unique.Stats().KeyN; s != n || u != named {
		return nil, fmt.Errorf("%w: there are %d records, %d with a name of their own, and %d and %d in the indexes", errLost, n, named, s, u)
	}
	log := tx.Bucket([]byte("changes"))
	if log == nil { // in format 1
		return c, nil
	}
	last := uint64(0)
	return c, log.ForEach(func(sequence, value []byte) error {
		if last++; binary.BigEndian.Uint64(sequence) != last {
			return fmt.Errorf("%w: entry %d of the log of changes has the number %x", errLost, last, sequence)
		}
		c.logged[keyID(value[16:len(value)-4])]++
		return nil
	})
}
