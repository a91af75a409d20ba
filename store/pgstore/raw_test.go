package pgstore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// The files of a whole server, its log of all statements and their parameters among them, hold no 8 characters of a
// secret, nor 8 of its bytes in any common spelling.
func TestRawFilesHoldNoSecret(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, "log_statement=all", "log_min_duration_statement=0", "logging_collector=on", "log_directory=log", "max_wal_size=32MB")
	store := open(t, server.DSN(), "apikey")
	ring, err := apikey.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store,
		Issuer: apikey.IssuerOptions{Keyring: ring}, Verifier: apikey.VerifierOptions{Keyring: ring}})
	ctx := t.Context()
	var texts []string
	for i := range 12 {
		key, text := keys.Create(t, apikey.CreateParams{Subject: fmt.Sprint("user_", i)})
		_, secret, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text, secret.Reveal())
		for _, text := range texts[len(texts)-2:] {
			if _, err := keys.Verifier.Verify(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
		switch i % 3 {
		case 0:
			_, err = keys.Issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{})
		case 1:
			err = keys.Issuer.Delete(ctx, key.ID())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keys.Verifier.Close()
	folder := dataFolder(t, server.DSN())
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	server.StopFast(t)

	secret, control := newWindows(), newWindows()
	for _, text := range texts {
		public := text[:3+22]
		control.add(public)
		hidden := text[len(public):] // secret, tag and checksum
		secret.add(hidden)
		value := secretBytes(hidden[:33])
		secret.add(string(value))
		secret.add(hex.EncodeToString(value))
		secret.add(base64.StdEncoding.EncodeToString(value)[:32])
	}
	logged, hints := false, 0
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if at := secret.in(raw); at >= 0 {
			t.Errorf("a part of a secret stands at byte %d of %s", at, strings.TrimPrefix(path, folder))
		}
		if control.in(raw) >= 0 {
			hints++
		}
		logged = logged || bytes.Contains(raw, []byte("apikey_changes (sequence, tag, id, stamp, wall)")) && strings.Contains(path, "log")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if hints == 0 || !logged {
		t.Errorf("control: the hints of keys stand in %d files; the log has statements: %v", hints, logged)
	}
}

// windows are all that 8 bytes in a row can be. Their last two bytes say for nearly all of a file that it is none of them.
type windows struct {
	all  map[uint64]struct{}
	last [1 << 16]bool
}

func newWindows() *windows { return &windows{all: make(map[uint64]struct{})} }

func (w *windows) add(text string) {
	for ; len(text) >= 8; text = text[1:] {
		word := binary.BigEndian.Uint64([]byte(text))
		w.all[word] = struct{}{}
		w.last[uint16(word)] = true
	}
}

// in returns where in raw one of them begins, or -1.
func (w *windows) in(raw []byte) int {
	var word uint64
	for i, b := range raw {
		word = word<<8 | uint64(b)
		if !w.last[uint16(word)] || i < 7 {
			continue
		}
		if _, ok := w.all[word]; ok {
			return i - 7
		}
	}
	return -1
}

// secretBytes reads digits in base 62, 11 for 8 bytes.
func secretBytes(digits string) (value []byte) {
	for ; digits != ""; digits = digits[11:] {
		var word uint64
		for _, d := range digits[:11] {
			word = word*62 + uint64(strings.IndexRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", d))
		}
		value = binary.BigEndian.AppendUint64(value, word)
	}
	return value
}

func dataFolder(t *testing.T, dsn string) (folder string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), `SHOW data_directory`).Scan(&folder); err != nil {
		t.Fatal(err)
	}
	return folder
}
