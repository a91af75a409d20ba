package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// The log of changes has an entry for each Replace and each Delete. Its key is the sequence, 8 bytes,
// big endian, one higher each time. Its value is a stamp of the store's clock in milliseconds, 8
// bytes, big endian, which never goes down from one entry to the next, what the wall clock said, as much, and
// the record's id.
//
// Since the store was opened, its clock has gone by the monotonic one alone: whatever happens to the wall clock
// meanwhile, the age of what was logged since is right. How old what was logged before is depends on what the wall clock
// said then and says now, and one of the two may be wrong: the younger of two answers counts, until the store has been open for
// so long that it does not matter.
//
// Entries that are too old are removed by the writes that come later, a few by each, so that none
// has much to do. The newest is never removed: the next sequence, and the clock, go on from it.

// commitTime is for how much longer than asked an entry is returned, and for how much longer it is kept.
// The stamp is taken before the commit, and until that is over the record is read as it was: so the
// change is younger than its stamp.
const commitTime = time.Minute

// maxForgotten is how many entries that are too old a write removes. With one, a log that
// has grown would stay as it is for as long as writes go on.
const maxForgotten = 2

var errNoLog = errors.New("boltstore: the file has no log of changes, since an older version of this program wrote it: open it once without ReadOnly")

// entry is one of the log.
type entry struct {
	sequence    uint64
	stamp, wall int64
	id          apikey.ID
}

// instant is when something was: by the store's clock, by the wall clock, and since the store was opened.
type instant struct {
	stamp, wall int64
	up          time.Duration
}

// after reports whether e was logged no longer than d before at, as far as can be told.
func (e *entry) after(at instant, d time.Duration) bool {
	ms := (d + time.Millisecond - 1).Milliseconds()
	return at.stamp-e.stamp <= ms || at.up <= d && at.wall-e.wall <= ms // or of a future that was a mistake
}

// doubt is how old by both clocks what was logged before the store was opened must be to be forgotten before it can be told:
// more than a clock in another time zone is wrong by. A program that is often started would never forget anything else.
const doubt = 24 * time.Hour

// forgettable reports whether e is old enough at an instant.
func (e *entry) forgettable(at instant) bool {
	const kept = apikey.ChangesKept + commitTime
	if at.up > kept {
		return at.stamp-e.stamp > kept.Milliseconds()
	}
	return at.stamp-e.stamp > doubt.Milliseconds() && at.wall-e.wall > doubt.Milliseconds()
}

// decodeEntry copies all that it keeps.
func decodeEntry(at pair) (e entry, err error) {
	value, ok := unseal(at.key, at.sealed)
	switch {
	case !ok:
		return e, errSeal
	case len(at.key) != 8 || len(value) != 16+len(e.id):
		return e, fmt.Errorf("%w: an entry of the log of changes has another length", ErrCorrupt)
	}
	e.sequence = binary.BigEndian.Uint64(at.key)
	e.stamp, e.wall = int64(binary.BigEndian.Uint64(value)), int64(binary.BigEndian.Uint64(value[8:]))
	copy(e.id[:], value[16:])
	return e, nil
}

func (e *entry) key() []byte { return binary.BigEndian.AppendUint64(nil, e.sequence) }

func (e *entry) value() []byte {
	times := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(e.stamp)), uint64(e.wall))
	return append(times, e.id[:]...)
}

// newestEntry returns the last of the log; without one, one of sequence 0.
func newestEntry(tx transaction) (e entry, err error) {
	for at, err := range tx.bucket(bucketChanges).descending(pastAll) {
		if err != nil {
			return e, err
		}
		return decodeEntry(at)
	}
	return e, nil
}

// logged returns the changes of a write and those that log it.
func (s *Store) logged(tx transaction, id apikey.ID, changes []change) ([]change, error) {
	tx.Bucket(bucketChanges).FillPercent = 0.9 // as that of the records in transact
	newest, err := newestEntry(tx)
	if err != nil {
		return nil, err
	}
	now := s.clock.now(newest.stamp)
	next := entry{newest.sequence + 1, now.stamp, now.wall, id}
	changes = append(changes, change{bucketChanges, next.key(), next.value()})
	forgotten := 0
	for at, err := range tx.bucket(bucketChanges).ascending() {
		if err != nil {
			return nil, err
		}
		oldest, err := decodeEntry(at)
		if err != nil {
			return nil, err
		}
		if !oldest.forgettable(now) {
			break
		}
		changes = append(changes, change{bucketChanges, oldest.key(), nil})
		if forgotten++; forgotten == maxForgotten {
			break
		}
	}
	return changes, nil
}

// Changes returns the records that were replaced or deleted no longer than within ago, and those of a
// minute before. It takes as long as there were changes in that time, 0.24 s for a million. In
// a file of an older version that is open ReadOnly there is no log, and Changes is an error. See
// [apikey.ChangeLog].
func (s *Store) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	if err := s.admit(ctx, false); err != nil {
		return nil, err
	}
	if within < 0 || within > apikey.ChangesKept {
		return nil, fmt.Errorf("boltstore: changes within %v, which is not from 0 to %v", within, apikey.ChangesKept)
	}
	ended := ctx.Done() // asking ctx itself inside the transaction would be foreign code
	latest := make(map[apikey.ID]uint64)
	err := s.read(ctx, func(tx transaction) error {
		if s.readOnly && !hasLog(tx) {
			return errNoLog
		}
		var now instant
		begun := false
		for at, err := range tx.bucket(bucketChanges).descending(pastAll) {
			if err != nil {
				return err
			}
			select {
			case <-ended:
				return errEnded
			default:
			}
			e, err := decodeEntry(at)
			if err != nil {
				return err
			}
			if !begun {
				begun = true
				now = s.clock.now(e.stamp)
			}
			if !e.after(now, within+commitTime) {
				return nil // and neither were those before it
			}
			latest[e.id] = max(latest[e.id], e.sequence)
		}
		return nil
	})
	if err == errEnded {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	all := make([]apikey.Logged, 0, len(latest))
	for id, sequence := range latest {
		all = append(all, apikey.Logged{ID: id, Sequence: sequence})
	}
	return all, nil
}

// hasLog reports whether there is a log, which format 1 has not.
func hasLog(tx transaction) bool { return tx.Bucket(bucketChanges) != nil }
