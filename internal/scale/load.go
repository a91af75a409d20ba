package scale

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// Load writes the keys into a new file at path, which must not exist.
//
// It is not Store.Create ten million times: the indexes are in an order of their own, so each
// create changes two pages far from all others, and writing them takes most of the time.
// boltstore makes the file and its buckets; then bbolt is handed the keys and values that
// Create would have, each bucket in its order. TestSameAsCreated compares the two, byte for
// byte. What differs is which page holds what: pages are as full as they are on average after
// creates in any order, but all alike, and none is free.
func (k *Keys) Load(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("scale: %s is there already", path)
	}
	s, err := boltstore.Open(path, nil)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0, &bbolt.Options{
		Timeout: time.Second, FreelistType: bbolt.FreelistArrayType, NoStatistics: true,
		NoSync: true, NoGrowSync: true, // until all is written
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, part := range []struct {
		bucket string
		fill   float64 // what pages are split at
		n      int
		puts   func(at int, put func(key, value []byte) error) error
	}{
		{"records", 0.9, k.Len(), k.putRecord}, // as boltstore does
		{"subjects", indexFill, k.Subjects(), k.putOwner},
		{"subjects", indexFill, k.BigLen(), k.putBigOwner},
		{"unique", indexFill, k.Subjects(), k.putNames},
		{"unique", indexFill, k.BigLen(), k.putBigName},
	} {
		const perCommit = 20_000
		for from := 0; from < part.n; from += perCommit {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := db.Update(func(tx *bbolt.Tx) error {
				b := tx.Bucket([]byte(part.bucket))
				b.FillPercent = part.fill
				put := func(key, value []byte) error { return b.Put(key, seal(key, value)) }
				for at := from; at < min(part.n, from+perCommit); at++ {
					if err := part.puts(at, put); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("scale: load %s: %w", part.bucket, err)
			}
		}
	}
	return db.Sync()
}

// indexFill is near ln 2, to which pages are full on average after inserts in any order.
const indexFill = 0.7

func (k *Keys) putRecord(i int, put func(key, value []byte) error) error {
	r := k.Record(i)
	r.Version = 1
	body, err := r.MarshalBinary()
	if err != nil {
		return err
	}
	return put(r.ID[:], body)
}

// of returns the keys of the usual subject number s, the oldest first.
func (k *Keys) of(s int) (keys []int) {
	for slot := s * PerSubject; slot < min(k.usual(), (s+1)*PerSubject); slot++ {
		keys = append(keys, k.at(slot))
	}
	slices.Sort(keys)
	return keys
}

func (k *Keys) putOwner(s int, put func(key, value []byte) error) error {
	for _, i := range k.of(s) {
		if err := put(ownerKey(k.Subject(s), k.ID(i)), nil); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keys) putBigOwner(i int, put func(key, value []byte) error) error {
	return put(ownerKey(k.Big(), k.ID(i*k.stride)), nil)
}

func (k *Keys) putNames(s int, put func(key, value []byte) error) error {
	for _, i := range k.of(s) {
		if err := k.putName(i, put); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keys) putBigName(i int, put func(key, value []byte) error) error {
	return k.putName(i*k.stride, put)
}

func (k *Keys) putName(i int, put func(key, value []byte) error) error {
	id := k.ID(i)
	return put([]byte(k.Record(i).UniqueKey), id[:])
}

// ownerKey and seal are boltstore's, which it does not export.
func ownerKey(subject string, id apikey.ID) []byte {
	key := append(binary.BigEndian.AppendUint16(nil, uint16(len(subject))), subject...)
	return append(key, id[:]...)
}

func seal(key, value []byte) []byte {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	return binary.BigEndian.AppendUint32(slices.Clip(value), sum)
}
