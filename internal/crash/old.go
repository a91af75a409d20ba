package main

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
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
		key, value := "format", "apikey boltstore 1"
		sum := crc32.Checksum([]byte(key+value), crc32.MakeTable(crc32.Castagnoli)) // as every value has
		return tx.Bucket([]byte("meta")).Put([]byte(key), binary.BigEndian.AppendUint32([]byte(value), sum))
	})
	for _, k := range l.keys {
		k.is.logged = 0
	}
	return errors.Join(err, db.Close())
}
