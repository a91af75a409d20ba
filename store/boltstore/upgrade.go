package boltstore

// Format 1 has no log of changes. Open, unless ReadOnly, makes format 2 of it, in one transaction that
// is synced before the store is used: whatever stops it, the file is one or the other, and opens
// again. The log begins empty: what was changed before, nobody could ask for.

// upgrade makes format 2 of format 1. The store is nobody else's yet.
func (s *Store) upgrade() error {
	tx, err := s.begin(true)
	if err != nil {
		return err
	}
	_, err = guard(func() error {
		defer tx.Rollback() // which does nothing after a commit
		if _, err := tx.CreateBucket(bucketChanges); err != nil {
			return err
		}
		if err := tx.bucket(bucketMeta).put(keyFormat, formatValue()); err != nil {
			return err
		}
		return s.syncing(tx.Tx)
	})
	return err
}
