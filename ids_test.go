package apikey_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Every id is a UUIDv7 whose time is the key's, and greater than every one before.
func TestIDsAscend(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	var all sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var last apikey.ID
			for range 100 {
				key, err := create(t, issuer, "user_1", "key")
				if err != nil {
					t.Error(err)
					return
				}
				id := idOf(t, key)
				if id[6]>>4 != 7 || id[8]>>6 != 2 {
					t.Errorf("%s is no UUIDv7", id)
				}
				ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
				if key.CreatedAt().UnixMilli() != ms || !key.CreatedAt().Equal(key.UpdatedAt()) {
					t.Errorf("%s was created at %v", id, key.CreatedAt())
				}
				if id.Compare(last) <= 0 {
					t.Errorf("%s came after %s", id, last)
				}
				last = id
				if _, twice := all.LoadOrStore(id, true); twice {
					t.Errorf("%s was given twice", id)
				}
			}
		})
	}
	wg.Wait()
}

// So it is when the clock stands still, jumps back, or is asked too often for its resolution.
func TestIDsAscendWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	const nanos = 1_780_000_000_000_123_456
	next := apikey.NewIDs()
	if id := next(nanos).String(); !strings.HasPrefix(id, "019e7044880071f9") { // 48 bits of milliseconds, 7, 12 of their fraction
		t.Errorf("%s", id)
	}
	const each = 12_500
	made := make([][]apikey.ID, 8)
	var wg sync.WaitGroup
	for g := range made {
		wg.Go(func() {
			for i := range each {
				at := int64(nanos)
				switch i % 3 {
				case 1:
					at -= int64(i) * int64(time.Hour)
				case 2:
					at += int64(i)
				}
				made[g] = append(made[g], next(at))
			}
		})
	}
	wg.Wait()
	var all []apikey.ID
	for _, ids := range made {
		if !slices.IsSortedFunc(ids, apikey.ID.Compare) {
			t.Error("they do not ascend in the order they were asked for")
		}
		all = append(all, ids...)
	}
	stamps := make(map[[8]byte]bool)
	for _, id := range all {
		stamps[[8]byte(id[:8])] = true
		if id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("%s is no UUIDv7", id)
		}
	}
	if len(all) != 8*each || len(stamps) != len(all) {
		t.Errorf("%d ids have %d times: they do not ascend strictly", len(all), len(stamps))
	}
}
