package pgstore_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// instant is one of the tests' calendar.
func instant(seconds int) time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC).Add(time.Duration(seconds) * time.Second)
}

// sampleID returns the n-th id in the order of creation.
func sampleID(n int) (id apikey.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(instant(n).UnixMilli())<<16|7<<12)
	binary.BigEndian.PutUint64(id[8:], 2<<62|uint64(n))
	return id
}

// sample returns the n-th record.
func sample(n int) *apikey.Record {
	return &apikey.Record{
		ID: sampleID(n), Prefix: "ak", Type: "api_key", Subject: "user_1", Name: fmt.Sprintf("Key %d", n), NameFold: fmt.Sprintf("key %d", n),
		CreatedAt: instant(n), UpdatedAt: instant(n),
		Credentials: []apikey.Credential{{Number: 1, Hash: "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Hint: "abcd", CreatedAt: instant(n)}},
	}
}

// withChecksum returns a record's encoding that is complete but for its end.
func withChecksum(fields []byte) []byte {
	return binary.BigEndian.AppendUint32(fields, crc32.Checksum(fields, crc32.MakeTable(crc32.Castagnoli)))
}
