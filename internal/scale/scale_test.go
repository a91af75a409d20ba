package scale_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/internal/scale"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

func newKeys(t *testing.T, n int) *scale.Keys {
	t.Helper()
	k, err := scale.NewKeys(n)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 11, 12, 100, 997, 10_000, 123_457} {
		k := newKeys(t, n)
		subjects := make(map[string]int)
		var before apikey.ID
		for i := range n {
			id := k.ID(i)
			if id.Compare(before) <= 0 || id[6]>>4 != 7 || id[8]>>6 != 2 {
				t.Fatalf("%d keys: id %d is %s, after %s", n, i, id, before)
			}
			before = id
			subjects[k.SubjectOf(i)]++
		}
		if subjects[k.Big()] != k.BigLen() || k.BigLen() < n/10 || len(subjects) != k.Subjects()+1 {
			t.Errorf("%d keys: the big subject has %d, and says %d; there are %d subjects, and should be %d", n, subjects[k.Big()], k.BigLen(), len(subjects), k.Subjects()+1)
		}
		fewer := 0
		for s := range k.Subjects() {
			if subjects[k.Subject(s)] != scale.PerSubject {
				fewer++
			}
			if s > 0 && (k.Subject(s-1) >= k.Subject(s) || k.Subject(s) >= k.Big()) {
				t.Fatalf("%d keys: subject %d is out of order", n, s)
			}
		}
		if fewer > 1 {
			t.Errorf("%d keys: %d subjects do not have %d keys", n, fewer, scale.PerSubject)
		}
	}
	if _, err := scale.NewKeys(9); err == nil {
		t.Error("9 keys are accepted")
	}
}

// TestRecord: the hash is a PHC string of the default cost, so that reading it costs what it should.
func TestRecord(t *testing.T) {
	t.Parallel()
	k := newKeys(t, 100)
	r := k.Record(42)
	digest, err := hash.Parse(r.Credentials[0].Hash)
	if err != nil || digest.Params() != hash.Default() {
		t.Errorf("the hash is of %v, %v", digest.Params(), err)
	}
	if other := k.Record(43); other.Credentials[0].Hash == r.Credentials[0].Hash || bytes.Equal(other.Credentials[0].MAC, r.Credentials[0].MAC) {
		t.Error("two keys share a hash or a MAC")
	}
	if millis := int64(r.ID[0])<<40 | int64(r.ID[1])<<32 | int64(r.ID[2])<<24 | int64(r.ID[3])<<16 | int64(r.ID[4])<<8 | int64(r.ID[5]); !r.CreatedAt.Equal(time.UnixMilli(millis)) {
		t.Errorf("the id is of %d, the key of %s", millis, r.CreatedAt)
	}
}

// contents returns all keys and values of a file, by bucket.
func contents(t *testing.T, path string) map[string]map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := make(map[string]map[string]string)
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			pairs := make(map[string]string)
			all[string(name)] = pairs
			return b.ForEach(func(k, v []byte) error {
				pairs[string(k)] = string(v)
				return nil
			})
		})
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSameAsCreated: a loaded file holds, byte for byte, what Create would have stored.
func TestSameAsCreated(t *testing.T) {
	t.Parallel()
	const n = 2_003
	dir := t.TempDir()
	k, loaded, err := scale.File(t.Context(), dir, n)
	if err != nil {
		t.Fatal(err)
	}
	created := filepath.Join(dir, "created.db")
	s, err := boltstore.Open(created, nil)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if err := s.Create(t.Context(), k.Record(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, want := contents(t, loaded), contents(t, created)
	if len(got) != len(want) || len(got["records"]) != n {
		t.Errorf("%d buckets with %d records, want %d and %d", len(got), len(got["records"]), len(want), n)
	}
	for bucket, pairs := range want {
		if len(got[bucket]) != len(pairs) {
			t.Errorf("%s has %d keys, want %d", bucket, len(got[bucket]), len(pairs))
		}
		for key, value := range pairs {
			if had, ok := got[bucket][key]; !ok || had != value {
				t.Fatalf("%s: key %x differs", bucket, key)
			}
		}
	}
	if _, again, err := scale.File(t.Context(), dir, n); again != loaded || err != nil {
		t.Errorf("asked again, the file is %s, %v", again, err)
	}
	if err := k.Load(t.Context(), loaded); err == nil {
		t.Error("a file that is there is written over")
	}
}

// TestLoadedFile does to a loaded file what a service does.
func TestLoadedFile(t *testing.T) {
	t.Parallel()
	const n = 5_000
	ctx := t.Context()
	k, path, err := scale.File(ctx, t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if count, err := s.Count(ctx, apikey.Filter{}); count != n || err != nil {
		t.Errorf("Count is %d, %v", count, err)
	}
	for i := range n {
		r, err := s.Get(ctx, k.ID(i))
		if err != nil || r.Subject != k.SubjectOf(i) || r.Version != 1 {
			t.Fatalf("key %d is %v, %v", i, r, err)
		}
	}
	for owner, want := range map[string]int{k.Big(): k.BigLen(), k.Subject(0): scale.PerSubject, k.Subject(77): scale.PerSubject} {
		if count, err := s.Count(ctx, apikey.Filter{Subject: owner}); count != want || err != nil {
			t.Errorf("%s has %d keys, %v, want %d", owner, count, err, want)
		}
	}
	page, next, err := s.List(ctx, apikey.Filter{Subject: k.Big()}, apikey.ID{}, 50)
	if len(page) != 50 || next.IsZero() || err != nil {
		t.Errorf("a page of %d, then %s, %v", len(page), next, err)
	}

	taken := k.Record(3)
	taken.ID = k.ID(n) // no key has it
	if err := s.Create(ctx, taken); err != apikey.ErrNameTaken {
		t.Errorf("Create of a name that is taken answered %v", err)
	}
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := s.RecordUse(ctx, []apikey.Use{{ID: k.ID(5), Number: 1, At: at}}); err != nil {
		t.Error(err)
	}
	if r, err := s.Get(ctx, k.ID(5)); err != nil || !r.LastUsedAt.Equal(at) || !r.Credentials[0].LastUsedAt.Equal(at) {
		t.Errorf("after RecordUse: %v, %v", r, err)
	}
	if err := s.Delete(ctx, k.ID(3)); err != nil {
		t.Error(err)
	}
	if err := s.Create(ctx, taken); err != nil {
		t.Errorf("Create of a name that is free again answered %v", err)
	}
	// Open reads every page and refuses what is not as it should be.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = boltstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	if got, err := scale.Sizes("10k,1M,10M,25"); err != nil || len(got) != 4 || got[0] != 10_000 || got[1] != 1_000_000 || got[2] != 10_000_000 || got[3] != 25 {
		t.Errorf("the sizes are %v, %v", got, err)
	}
	for _, list := range []string{"", "k", "-1k", "10k,", "1G", "0", "99999999999999M", strings.Repeat("9", 30)} {
		if got, err := scale.Sizes(list); err == nil {
			t.Errorf("%q is %v", list, got)
		}
	}
}
