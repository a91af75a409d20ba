package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
)

// tenth is what there was at the end of a tenth of the time.
type tenth struct {
	heap       int64 // bytes in use after a collection
	file       int64 // bytes: it grows in steps, to twice its size
	used       int64 // bytes of it up to the last page that was ever written
	keys       int64 // bytes of its pages that are in use, less those of the log
	log        int64 // bytes of pages that hold the log of changes
	free       int64 // pages on the free list, or about to be
	files      int64 // open ones, where the system tells
	goroutines int64
	calls      [kinds]int
	p99        [kinds]time.Duration
}

func (t tenth) String() string {
	const mib = 1 << 20
	return fmt.Sprintf("heap %.1f MiB, file %.1f MiB, of it %.1f keys, %.1f log, %d free pages; %d goroutines; %d Verify, %d Create",
		float64(t.heap)/mib, float64(t.file)/mib, float64(t.keys)/mib, float64(t.log)/mib, t.free, t.goroutines,
		t.calls[live]+t.calls[again]+t.calls[cold]+t.calls[forgery], t.calls[create])
}

func (s *scene) measure() (t tenth, err error) {
	for k := range kinds {
		t.calls[k], t.p99[k] = s.samples.take(k)
	}
	t.goroutines = int64(runtime.NumGoroutine())
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		t.files = int64(len(open))
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.heap = int64(m.HeapAlloc)
	info, err := os.Stat(s.path)
	if err != nil {
		return t, err
	}
	t.file = info.Size()
	return t, s.inspect(&t)
}

// inspect looks into a backup, as the file itself is held. So backups are part of the soak.
func (s *scene) inspect(t *tenth) error {
	path := s.path + ".backup"
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	_, err = s.store.Backup(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return err
	}
	defer db.Close()
	t.free = int64(db.Stats().FreePageN + db.Stats().PendingPageN)
	return db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			return fmt.Errorf("bbolt's check of the backup: %w", err)
		}
		log := tx.Bucket([]byte("changes")).Stats()
		t.log = int64(log.LeafAlloc + log.BranchAlloc)
		t.used = tx.Size()
		t.keys = t.used - t.log - t.free*int64(db.Info().PageSize)
		return nil
	})
}
