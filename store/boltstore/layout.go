package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
)

// The buckets of a file, and what maps to what in them. Every value is sealed.
var (
	bucketMeta     = []byte("meta")     // "format": formatName and the format's number
	bucketRecords  = []byte("records")  // id: the record, as Record.MarshalBinary returned it
	bucketSubjects = []byte("subjects") // length of the subject (2 bytes, big endian), subject, id: nothing
	bucketUnique   = []byte("unique")   // Record.UniqueKey: id
	bucketValues   = []byte("values")   // name: value
	bucketChanges  = []byte("changes")  // sequence: stamp, wall clock, id; see changes.go. Not in format 1

	buckets    = append(slices.Clip(oldBuckets), bucketChanges)
	oldBuckets = [][]byte{bucketMeta, bucketRecords, bucketSubjects, bucketUnique, bucketValues} // of format 1
	keyFormat  = []byte("format")
)

const (
	formatName = "apikey boltstore "
	format     = 2
)

func formatValue() []byte { return []byte(formatName + strconv.Itoa(format)) }

// errNew is what checkFormat answers for a bbolt file in which nothing was ever stored.
var errNew = errors.New("holds no keys yet")

// checkFormat tells a file of this package, of any format so far, from a new one, another program's
// and a newer one's.
func checkFormat(tx transaction) error {
	// What is not of these formats is not looked at again, not even by the goroutine of sweep.go.
	found, others, log := 0, 0, false
	cursor := tx.Cursor()
	for name, _ := cursor.First(); name != nil; name, _ = cursor.Next() {
		switch {
		case slices.ContainsFunc(oldBuckets, func(b []byte) bool { return bytes.Equal(b, name) }):
			found++
		case bytes.Equal(name, bucketChanges):
			log = true
		default:
			others++
		}
	}
	if found+others == 0 && !log {
		return errNew
	}
	n := 0
	if tx.Bucket(bucketMeta) != nil {
		value, _ := tx.bucket(bucketMeta).get(keyFormat)
		if number, ok := strings.CutPrefix(string(value), formatName); ok {
			n, _ = strconv.Atoi(number)
		}
	}
	switch {
	case n > format:
		return fmt.Errorf("has format %d and needs a newer program: this one knows up to %d", n, format)
	case found < len(oldBuckets)-1: // one missing may be a damaged name
		return errors.New("is a bbolt file of another program")
	case found < len(oldBuckets) || n < 1 || n > 1 && !log:
		return fmt.Errorf("%w: a bucket or the format's number is missing", ErrCorrupt)
	case others > 0 || n == 1 && log: // which format 1 has not
		return errors.New("holds buckets of another program beside its own")
	}
	return nil
}

// initialize makes a new bbolt file one of this package.
func initialize(tx *bbolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFormat, seal(keyFormat, formatValue()))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the CRC-32C of key and value, 4 bytes, big endian, to value. bbolt has no
// checksums: one flipped bit in the seed would quietly make every key unknown, one in an index
// would hide a key from the revocation of its owner's keys. It also tells an empty value from none.
func seal(key, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	return binary.BigEndian.AppendUint32(slices.Clip(value), sum)
}

// unseal returns the value in sealed, which it is a part of.
func unseal(key, sealed []byte) (value []byte, ok bool) {
	n := len(sealed) - 4
	if n < 0 {
		return nil, false
	}
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, sealed[:n])
	return sealed[:n:n], sum == binary.BigEndian.Uint32(sealed[n:])
}

var errSeal = fmt.Errorf("%w: a checksum differs", ErrCorrupt)

// subjectPrefix begins the index keys of one subject. Its length comes first, so that no
// subject's keys are among those of another.
func subjectPrefix(subject string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(subject))), subject...)
}

func subjectKey(subject string, id apikey.ID) []byte {
	return append(subjectPrefix(subject), id[:]...)
}

// checkKeys refuses what bbolt could not hold as a key, before anything is written.
func checkKeys(r *apikey.Record) error {
	switch {
	case r.ID.IsZero():
		return errors.New("boltstore: the record has no id")
	case len(subjectKey(r.Subject, r.ID)) > bbolt.MaxKeySize:
		return fmt.Errorf("boltstore: the subject of record %s is too long", r.ID)
	case len(r.UniqueKey) > bbolt.MaxKeySize:
		return fmt.Errorf("boltstore: the unique key of record %s is too long", r.ID)
	}
	return nil
}

// fetch returns a copy of the record. ErrNotFound.
func fetch(tx transaction, id apikey.ID) (*apikey.Record, error) {
	body, err := tx.bucket(bucketRecords).get(id[:])
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, apikey.ErrNotFound
	}
	return decode(id[:], body)
}

// decode copies all that it keeps of body.
func decode(id, body []byte) (*apikey.Record, error) {
	r := new(apikey.Record)
	if err := r.UnmarshalBinary(body); err != nil {
		return nil, fmt.Errorf("%w: record %x: %w", ErrCorrupt, id, err)
	}
	if !bytes.Equal(r.ID[:], id) {
		return nil, fmt.Errorf("%w: record %x has the id %s", ErrCorrupt, id, r.ID)
	}
	return r, nil
}
