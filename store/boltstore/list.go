package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-d3a9fb6b/apikey"
)

// maxExamined bounds the records that one List reads. It is above the longest page that an
// Issuer asks for, so that a page without a filter is one call.
const maxExamined = 512

// List returns a page of records, newest first. It reads at most 512 records, so a page may
// be short. With a subject it reads only that subject's. See [apikey.Store].
func (s *Store) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) (page []*apikey.Record, next apikey.ID, err error) {
	if err := s.admit(ctx, false); err != nil {
		return nil, apikey.ID{}, err
	}
	if limit < 1 {
		return nil, apikey.ID{}, errors.New("boltstore: list: the limit is below 1")
	}
	err = s.read(ctx, func(tx transaction) error {
		examined := 0
		var last apikey.ID
		for r, err := range newestFirst(tx, f.Subject, before) {
			if err != nil {
				return err
			}
			if len(page) == limit || examined == maxExamined {
				next = last // there is at least r
				return nil
			}
			if f.Match(r) {
				page = append(page, r)
			}
			last = r.ID
			examined++
		}
		return nil
	})
	if err != nil {
		return nil, apikey.ID{}, err
	}
	return page, next, nil
}

// Count returns how many records match. It reads all of them, or all of the subject's, in one
// transaction, since nothing else is a number that was true at some moment: 0.17 s for
// 100,000. It ends early when the context does. A write that makes the file outgrow its map
// waits for it, which happens each time the file doubles, and the reads that come wait, too.
// See [apikey.Store].
func (s *Store) Count(ctx context.Context, f apikey.Filter) (int, error) {
	ended := ctx.Done() // asking ctx itself inside the transaction would be foreign code
	n := 0
	err := s.read(ctx, func(tx transaction) error {
		for r, err := range newestFirst(tx, f.Subject, apikey.ID{}) {
			if err != nil {
				return err
			}
			select {
			case <-ended:
				return errEnded
			default:
			}
			if f.Match(r) {
				n++
			}
		}
		return nil
	})
	if err == errEnded {
		err = ctx.Err()
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

var errEnded = errors.New("the context ended")

// pastAll is above every id.
var pastAll = bytes.Repeat([]byte{0xff}, len(apikey.ID{})+1)

// newestFirst yields copies of the records below an id (zero: all), of one subject if one is
// given, from the newest to the oldest. After an error it ends.
func newestFirst(tx transaction, subject string, before apikey.ID) iter.Seq2[*apikey.Record, error] {
	return func(yield func(*apikey.Record, error) bool) {
		records := tx.bucket(bucketRecords)
		walked, prefix := records, []byte(nil)
		if subject != "" {
			walked, prefix = tx.bucket(bucketSubjects), subjectPrefix(subject)
		}
		bound := before[:]
		if before.IsZero() {
			bound = pastAll
		}
		for at, err := range walked.descending(bytes.Join([][]byte{prefix, bound}, nil)) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !bytes.HasPrefix(at.key, prefix) {
				return
			}
			id := at.key[len(prefix):]
			value, ok := unseal(at.key, at.sealed)
			if !ok {
				yield(nil, errSeal)
				return
			}
			if subject != "" {
				value, err = records.get(id)
			}
			var r *apikey.Record
			if err == nil {
				r, err = decode(id, value)
			}
			if err == nil && subject != "" && r.Subject != subject {
				err = fmt.Errorf("%w: record %x is listed under a subject it does not have", ErrCorrupt, id)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
