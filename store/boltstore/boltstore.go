// Package boltstore keeps API keys in one file, for a service that is one process.
//
//	store, err := boltstore.Open("/var/lib/myservice/keys.db", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	issuer, err := apikey.NewIssuer(store, nil)
//
// The file is a bbolt database (go.etcd.io/bbolt). A write returns nil once it is synced to
// disk; writers that come at the same time share a sync.
//
// # What to know
//
// One process at a time has the file, by a lock that the operating system drops when the
// process ends, however it ends. A second Open waits for [Options].Timeout and answers
// [ErrLocked]. Several may have it with Options.ReadOnly, as long as none writes.
//
// Keep it on a local disk. Network file systems, NFS among them, neither lock nor map files
// as bbolt needs it. To create a file, the file system must have hard links, which FAT has not.
//
// Reads and writes do not wait for each other, with two exceptions. A read that sees a write
// waits until that is synced. And when the file outgrows its map, which happens each time it
// doubles, the write waits for the reads under way, and all calls that come wait for the write:
// so a Get may wait for a long [Store.Count].
//
// [Store.Backup] copies the file while it is in use. To restore, stop the process and put
// the copy in the file's place. Never copy over a file that is open, and note that an old
// copy brings back the keys that were revoked since.
//
// The file holds no secret: of a key's secret only the argon2id hash, and, with a keyring, a
// MAC. It does hold names, subjects and claims, and who can write it can make keys. Open
// creates it with mode 0600 and leaves the mode of an existing file alone.
//
// The file never shrinks; the room that deleted keys leave is used again.
//
// The file remembers for an hour which records were replaced or deleted, in a program that is started more often
// for up to a day; see [Store.Changes]. That
// takes some 70 bytes a change, which are used again by later ones: at a hundred changes a second 25 MB,
// and at a few a day nothing to speak of. A file of format 1, which this package wrote before it had the
// log, is made one of format 2 by Open, unless ReadOnly, in one transaction that adds the log and leaves all
// else as it is. Programs that know format 1 alone refuse it from then on.
//
// # Damage
//
// Every record, index entry and value has a checksum. Open reads the file and refuses it with
// [ErrCorrupt] if its structure or a checksum is wrong: up to 512 MiB, some half a million keys,
// all of it, which takes a quarter of a second if the operating system has it in memory. Of a larger
// file it reads a hundredth, which leads to all the rest. That is checked piece by piece, each
// before it is first used, and by a goroutine that reads all of it, some seconds for ten million
// keys, and ends then or with Close. Meanwhile a read may take a few times as long. If damage
// is found, every later call is ErrCorrupt, watchers are told to trust nothing they have read, and
// no write has built on what is damaged: it has changed other pages, at most. What is read later is
// checked again. A disk that answers with an error is no damage: that is an error of the call.
//
// If somebody cuts the file while it is open, reading what is gone is ErrCorrupt, too, and so is
// every write; the process lives.
//
// One flipped bit in what is in use is enough for Open, or what goes on after it, to refuse the
// file, and with it all keys, since the bit might be what says that a key is revoked. In free pages,
// in the rest of a page behind its content, and in the first pages, of which there are two,
// it may go unnoticed; nothing that counts is read there. Put the newest backup that opens in its place, and
// revoke again what was revoked since.
//
// What remains: If of the two pages at the beginning the newer is damaged, that looks like a
// commit that a power failure interrupted, and the file opens as it was before that commit. If
// the disk lost a write and kept what the page was before, that is not noticed as long as the old
// page fits in the place of the new one: every checksum in it is right. A revocation can be lost so.
// Damage to the structure that happens after Open can send bbolt in circles. And if so much of
// the file is cut that its two first pages are gone, calls that are under way may never return.
//
// A write that could not be synced is an error. A full disk is that, too; the store goes on,
// and writes succeed again when there is room. But if the very last of the syncs fails, the
// outcome is unknown, and every later call is an error until the file is opened again.
package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/internal/watch"
)

var (
	// ErrLocked is what [Open] answers when the file is held by another process, or by another Store of this one.
	ErrLocked = errors.New("boltstore: the file is in use")
	// ErrCorrupt: the file, or a record in it, is damaged. It wraps the cause, which holds nothing of what is stored but ids of records.
	ErrCorrupt = errors.New("boltstore: damaged")
	// ErrClosed is what every call answers after Close.
	ErrClosed = errors.New("boltstore: the store is closed")
	// ErrReadOnly is what every write answers if the store was opened with [Options].ReadOnly.
	ErrReadOnly = errors.New("boltstore: the store is read-only")
)

// Options are how to open a file. The zero value is the secure and usual choice.
type Options struct {
	// Timeout is how long to wait for the lock on the file. Zero: one second. It does not bound
	// the rest of Open, which reads all of the file, or of a large one the hundredth part.
	Timeout time.Duration
	// ReadOnly opens an existing file for reading, beside others who do the same. It syncs
	// nothing: what a process that was killed wrote last is seen, and may not be on disk.
	ReadOnly bool
}

// Store is an [apikey.Store], an [apikey.Watcher] and an [apikey.ChangeLog]. It is safe for
// concurrent use.
type Store struct {
	path     string
	readOnly bool
	pageSize int
	db       *bbolt.DB
	file     *os.File // the one db has mapped
	watchers watch.Watchers
	closing  sync.Once
	closed   atomic.Bool
	closeErr error

	beginning sync.Mutex // held while a transaction begins; guards the next three
	size      int64      // of the file, when a write last looked at it
	broken    error      // why no transaction may begin any more
	stuck     bool       // bbolt's own locks are lost: it must not be called again

	writer  chan struct{} // holds one element while somebody commits
	synced  atomic.Int64  // the last transaction known to be on disk
	queue   queue
	syncing func(*bbolt.Tx) error // (*bbolt.Tx).Commit, unless a test makes it fail

	leaves   atomic.Pointer[leaves] // that are still to be checked; nil: none
	sweeping sync.WaitGroup

	clock clock // of the changes

	commitOver atomic.Pointer[chan struct{}] // closed when the last commit that began is over
}

var (
	_ apikey.Store     = (*Store)(nil)
	_ apikey.Watcher   = (*Store)(nil)
	_ apikey.ChangeLog = (*Store)(nil)
)

// Open opens the file at path, and creates it if there is none; the folder must exist and,
// for that, its file system must have hard links. A file of no bytes is refused: it is what
// a failed copy leaves, and taking it for a new one would lose all keys quietly. Nil options
// are the defaults.
//
// The errors match [ErrLocked], [ErrCorrupt] and [fs.ErrNotExist]; others are a negative
// Timeout, a file of another program or of a newer version of this one, one that was written
// with bbolt's NoFreelistSync, and what the operating system answers.
func Open(path string, opts *Options) (*Store, error) {
	s, err := open(path, opts, opening{wholeUpTo: usualWhole})
	switch {
	case errors.Is(err, ErrLocked), errors.Is(err, ErrCorrupt):
		return nil, fmt.Errorf("%w (%s)", err, path)
	case err != nil:
		return nil, fmt.Errorf("boltstore: open %s: %w", path, err)
	}
	s.start()
	return s, nil
}

func open(path string, opts *Options, how opening) (*Store, error) {
	if opts == nil {
		opts = new(Options)
	}
	o := *opts
	switch {
	case o.Timeout < 0:
		return nil, errors.New("a Timeout can't be negative")
	case o.Timeout == 0:
		o.Timeout = time.Second
	}
	path, err := filepath.Abs(path) // Backup needs the folder, wherever the process is by then
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !o.ReadOnly {
		err = create(path)
	}
	switch {
	case err != nil:
		return nil, err
	case info != nil && !info.Mode().IsRegular(): // opening a pipe would block
		return nil, errors.New("is not a regular file")
	case info != nil && info.Size() == 0:
		return nil, fmt.Errorf("%w: the file is empty; remove it to start anew", ErrCorrupt)
	}
	s, err := attach(path, o, how)
	if err != nil {
		return nil, err
	}
	s.writer = make(chan struct{}, 1)
	s.syncing = (*bbolt.Tx).Commit
	return s, nil
}

// start begins what goes on while the file is open.
func (s *Store) start() {
	if l := s.leaves.Load(); l != nil {
		s.sweeping.Go(func() { s.sweep(l) })
	}
}

// Close closes the file and lets go of the lock. It waits for calls under way; later ones
// answer [ErrClosed]. Watchers are told that nothing they read can be trusted any longer.
// Closing again does nothing and answers the same. After damage that has made bbolt lose its
// own locks, the lock on the file may stay until the process ends.
func (s *Store) Close() error {
	s.closing.Do(func() {
		// The order matters. From here on every read fails, so what is distrusted now stays so,
		// and it is distrusted before another process can get the lock and revoke a key.
		s.closed.Store(true)
		s.watchers.Tell(apikey.Change{Gap: true})
		s.beginning.Lock()
		stuck := s.stuck
		s.beginning.Unlock()
		if stuck {
			s.closeErr = s.file.Close()
			return
		}
		s.sweeping.Wait() // it may read the file
		s.closeErr = s.db.Close()
	})
	return s.closeErr
}

// Heartbeat is zero: the lock on the file keeps everybody else from writing.
func (s *Store) Heartbeat() time.Duration { return 0 }
