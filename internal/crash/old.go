package main

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// downgrade makes format 1 of format 2, which Open then has to upgrade: it takes away the log of changes, and
// writes the older number.
func (l *ledger) downgrade(path string) error {
	db, err := bbolt.Open(path, 0, &bbolt.Options{Timeout: 30 * time.Second, FreelistType: bbolt.FreelistArrayType})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket([]byte("changes")); err != nil {
			return err
		}
		return putSealed(tx.Bucket([]byte("meta")), []byte("format"), []byte("apikey boltstore 1"))
	})
	for _, k := range l.keys {
		k.is.logged = 0
	}
	return errors.Join(err, db.Close())
}

// putSealed puts a value with the checksum of key and value behind it, as every one has.
func putSealed(b *bbolt.Bucket, key, value []byte) error {
	sum := crc32.Checksum(slices.Concat(key, value), crc32.MakeTable(crc32.Castagnoli))
	return b.Put(key, binary.BigEndian.AppendUint32(slices.Clip(value), sum))
}
