// Package scale makes bbolt files of millions of keys for benchmarks, without argon2.
//
// The keys are synthetic: their records are well-formed and of a usual size, with the fields
// of Clerk's example object, but their hashes and MACs are those of no secret. So nothing
// here can be verified, and nobody holds a key to such a file.
//
// What key n looks like follows from n alone, so that a benchmark can ask for any key of a
// file of ten million without a list of them.
package scale

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

// PerSubject is how many keys a usual subject has; the last may have fewer.
const PerSubject = 10

// Keys are the keys of one file, numbered from 0 in the order of their creation.
type Keys struct {
	n      int
	stride int // every so many keys one is the big subject's
	step   int // of the permutation that spreads a subject's keys over the file
	back   int // its inverse
}

// NewKeys returns n keys; n must be at least 10.
func NewKeys(n int) (*Keys, error) {
	if n < 10 {
		return nil, fmt.Errorf("scale: %d keys are too few", n)
	}
	k := &Keys{n: n, stride: n / min(n/5, 50_000)}
	usual := k.usual()
	// Near the golden section, so that neighbours get far apart, as the keys of a subject are
	// that were made over years.
	k.step = max(1, int(float64(usual)*0.6180339887))
	for {
		back, divisor := inverse(k.step, usual)
		if divisor == 1 {
			k.back = back
			return k, nil
		}
		k.step++
	}
}

// Len is the number of keys.
func (k *Keys) Len() int { return k.n }

// ID returns the id of key i. A higher i is a higher id.
func (k *Keys) ID(i int) (id apikey.ID) {
	r := noise(uint64(i))
	binary.BigEndian.PutUint64(id[:], uint64(createdAt(i).UnixMilli())<<16|7<<12|r.next()&0xfff)
	binary.BigEndian.PutUint64(id[8:], 2<<62|r.next()>>2)
	return id
}

// Big is the subject of about a fifth of the keys, but of at most some 50,000.
func (k *Keys) Big() string { return subject(1<<40 - 1) }

// BigLen is how many keys the big subject has.
func (k *Keys) BigLen() int { return k.n - k.usual() }

// Subjects is the number of usual subjects.
func (k *Keys) Subjects() int { return (k.usual() + PerSubject - 1) / PerSubject }

// Subject returns the usual subject number s.
func (k *Keys) Subject(s int) string { return subject(int64(s)) }

// SubjectOf returns the subject of key i.
func (k *Keys) SubjectOf(i int) string {
	if i%k.stride == 0 {
		return k.Big()
	}
	return k.Subject(k.slot(i) / PerSubject)
}

// Record returns key i as Create wants it; in a file its Version is 1.
func (k *Keys) Record(i int) *apikey.Record {
	r := noise(uint64(i) | 1<<63)
	at := createdAt(i)
	used := at.Add(24 * time.Hour)
	id, owner, name := k.ID(i), k.SubjectOf(i), fmt.Sprintf("MY_SERVICE_API_KEY_%08d", i)
	p := hash.Default()
	return &apikey.Record{
		ID: id, Prefix: "ak", Type: "api_key",
		Subject: owner, Name: name, NameFold: fmt.Sprintf("my_service_api_key_%08d", i),
		Description: "This is my API Key", CreatedBy: owner,
		UniqueKey: owner + "\x00" + name, // as an Issuer composes it
		Claims:    []byte(`{"foo":"bar"}`), Scopes: []string{"read", "write"},
		CreatedAt: at, UpdatedAt: at, ExpiresAt: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
		LastUsedAt: used,
		Credentials: []apikey.Credential{{
			Number: 1, Kind: apikey.KindGenerated,
			Hash: fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Time, p.Threads,
				base64.RawStdEncoding.EncodeToString(r.bytes(16)), base64.RawStdEncoding.EncodeToString(r.bytes(32))),
			MAC: r.bytes(32), MACKey: 1, Hint: "ak_" + r.digits(22),
			CreatedAt: at, LastUsedAt: used,
		}},
	}
}

// usual is how many keys are not the big subject's.
func (k *Keys) usual() int { return k.n - (k.n+k.stride-1)/k.stride }

// slot places the keys that are not the big subject's; each ten in a row are one subject's.
func (k *Keys) slot(i int) int { return product(i-i/k.stride-1, k.step, k.usual()) }

// at is the key in a slot.
func (k *Keys) at(slot int) int {
	i := product(slot, k.back, k.usual())
	return i + i/(k.stride-1) + 1
}

// product returns a*b modulo m, also where an int has 32 bits.
func product(a, b, m int) int { return int(int64(a) * int64(b) % int64(m)) }

// inverse returns x with a*x = 1 modulo m, if the greatest common divisor is 1.
func inverse(a, m int) (x, divisor int) {
	x, next := 1, 0
	r, s := a, m
	for s != 0 {
		q := r / s
		r, s = s, r-q*s
		x, next = next, x-q*next
	}
	return (x%m + m) % m, r
}

// createdAt: a key every three milliseconds.
func createdAt(i int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 3 * time.Millisecond)
}

// subject returns an owner's id in Clerk's form, whose order is that of s.
func subject(s int64) string {
	var number [7]byte
	for i, n := len(number)-1, s; i >= 0; i, n = i-1, n/int64(len(digits)) {
		number[i] = digits[n%int64(len(digits))]
	}
	r := noise(uint64(s) | 1<<62)
	return "user_" + string(number[:]) + r.digits(20)
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// noise is splitmix64: the same bytes for the same seed, for ever, and no secret.
type noise uint64

func (r *noise) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *noise) bytes(n int) []byte {
	b := make([]byte, 0, n+7)
	for len(b) < n {
		b = binary.BigEndian.AppendUint64(b, r.next())
	}
	return b[:n]
}

func (r *noise) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[r.next()%uint64(len(digits))]
	}
	return string(b)
}
