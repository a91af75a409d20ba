package apikey

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// newIDs makes UUIDv7s (RFC 9562, section 5.7) that ascend strictly: 48 bits of milliseconds
// and 12 of the fraction (section 6.2, method 3), each greater than the last; then 62 random bits.
// Ids are public: their secrecy protects nothing.
type newIDs struct {
	mu   sync.Mutex
	last uint64 // the 60 bits of time
}

func (n *newIDs) next(nanos int64) ID {
	fraction := uint64(nanos%1e6) << 12 / 1e6
	stamp := uint64(nanos/1e6)<<12 | fraction
	n.mu.Lock()
	n.last = max(n.last+1, stamp)
	stamp = n.last
	n.mu.Unlock()

	var id ID
	rand.Read(id[8:])
	binary.BigEndian.PutUint64(id[:8], stamp>>12<<16|0x7000|stamp&0xfff)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// time is when the id was made: what CreatedAt says.
func (id ID) time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}
