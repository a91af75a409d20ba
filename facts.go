package apikey

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// facts is what a [Key] shows of a record, packed into one string: no hash, no MAC, no folded
// name. A Verifier keeps one for each warm credential: packed, the example of Clerk's
// documentation takes 320 bytes in one object without pointers, which the garbage collector does
// not look into. It shares nothing with the record.
//
//	id (16), times (5 × 8, ms since 1970), ends of the texts (4 each, one more for where they
//	begin), how many scopes (4), how many credentials (4), epoch (4)
//	credentials × { created (8) not after (8) last used (8) end of the hint (4) number (2) kind (2) }
//	scopes × end of the scope (4)
//	the texts, the scopes, the hints
type facts string

// The times.
const (
	created = iota
	updated
	expires
	revokedAt
	lastUse
	times
)

// The texts.
const (
	prefixText = iota
	typeText
	subjectText
	nameText
	descriptionText
	createdByText
	claimsText
	reasonText
	revokedByText
	texts
)

const (
	timesAt       = 16
	textsAt       = timesAt + 8*times
	scopeCount    = textsAt + 4*(texts+1)
	secretCount   = scopeCount + 4
	epochAt       = secretCount + 4
	credentialsAt = epochAt + 4

	credentialSize = 32
	hintAt         = 24 // in a credential
	numberAt       = 28
	kindAt         = 30
	scopeSize      = 4
)

// pack packs what may be shown of r, whose texts together are below 4 GiB.
func pack(r *Record) facts {
	at := credentialsAt + credentialSize*len(r.Credentials) + scopeSize*len(r.Scopes)
	size := at
	all := [texts]string{r.Prefix, r.Type, r.Subject, r.Name, r.Description, r.CreatedBy,
		unsafe.String(unsafe.SliceData(r.Claims), len(r.Claims)), r.RevokedReason, r.RevokedBy}
	for _, s := range all {
		size += len(s)
	}
	for _, s := range r.Scopes {
		size += len(s)
	}
	for i := range r.Credentials {
		size += len(r.Credentials[i].Hint)
	}
	b := make([]byte, size)

	copy(b, r.ID[:])
	for i, t := range [times]time.Time{r.CreatedAt, r.UpdatedAt, r.ExpiresAt, r.RevokedAt, r.LastUsedAt} {
		putTime(b[timesAt+8*i:], t)
	}
	put := func(end int, s string) {
		at += copy(b[at:], s)
		binary.LittleEndian.PutUint32(b[end:], uint32(at))
	}
	put(textsAt, "")
	for i, s := range all {
		put(textsAt+4*(i+1), s)
	}
	binary.LittleEndian.PutUint32(b[scopeCount:], uint32(len(r.Scopes)))
	binary.LittleEndian.PutUint32(b[secretCount:], uint32(len(r.Credentials)))
	binary.LittleEndian.PutUint32(b[epochAt:], r.Epoch)
	for i, s := range r.Scopes {
		put(credentialsAt+credentialSize*len(r.Credentials)+scopeSize*i, s)
	}
	for i := range r.Credentials {
		c, to := &r.Credentials[i], credentialsAt+credentialSize*i
		putTime(b[to:], c.CreatedAt)
		putTime(b[to+8:], c.NotAfter)
		putTime(b[to+16:], c.LastUsedAt)
		put(to+hintAt, c.Hint)
		binary.LittleEndian.PutUint16(b[to+numberAt:], c.Number)
		b[to+kindAt] = c.Kind
	}
	return facts(unsafe.String(unsafe.SliceData(b), size)) // nobody else has b
}

func putTime(b []byte, t time.Time) { binary.LittleEndian.PutUint64(b, uint64(t.UnixMilli())) }

func (f facts) uint32(at int) int { return int(binary.LittleEndian.Uint32(bytesOf(string(f))[at:])) }

// timeAt gives the zero time for what is none: it has its own number of milliseconds.
func (f facts) timeAt(at int) time.Time {
	return time.UnixMilli(int64(binary.LittleEndian.Uint64(bytesOf(string(f))[at:]))).UTC()
}

func (f facts) id() ID               { return ID(bytesOf(string(f[:16]))) }
func (f facts) time(n int) time.Time { return f.timeAt(timesAt + 8*n) }

func (f facts) keyID() string { return keyID(f.text(prefixText), f.id()) }

func (f facts) text(n int) string {
	return string(f[f.uint32(textsAt+4*n):f.uint32(textsAt+4*(n+1))])
}

func (f facts) scopes() int { return f.uint32(scopeCount) }

func (f facts) scope(i int) string {
	ends := credentialsAt + credentialSize*f.credentials()
	start := f.uint32(textsAt + 4*texts)
	if i > 0 {
		start = f.uint32(ends + scopeSize*(i-1))
	}
	return string(f[start:f.uint32(ends+scopeSize*i)])
}

func (f facts) credentials() int { return f.uint32(secretCount) }

// credential returns what may be shown of the i-th.
func (f facts) credential(i int) Credential {
	at := credentialsAt + credentialSize*i
	start := f.uint32(textsAt + 4*texts)
	if i > 0 {
		start = f.uint32(at - credentialSize + hintAt)
	} else if n := f.scopes(); n > 0 {
		start = f.uint32(credentialsAt + credentialSize*f.credentials() + scopeSize*(n-1))
	}
	return Credential{
		Number: binary.LittleEndian.Uint16(bytesOf(string(f))[at+numberAt:]), Kind: f[at+kindAt],
		Hint:      string(f[start:f.uint32(at+hintAt)]),
		CreatedAt: f.timeAt(at), NotAfter: f.timeAt(at + 8), LastUsedAt: f.timeAt(at + 16),
	}
}

// presented returns the credential of this number; false if there is none, as for 0.
func (f facts) presented(number uint16) (Credential, bool) {
	for i := range f.credentials() {
		if c := f.credential(i); c.Number == number && number != 0 {
			return c, true
		}
	}
	return Credential{}, false
}

// notAfter is presented for that time alone: every request asks for it.
func (f facts) notAfter(number uint16) time.Time {
	b := bytesOf(string(f))
	for i := range f.credentials() {
		at := credentialsAt + credentialSize*i
		if binary.LittleEndian.Uint16(b[at+numberAt:]) == number && number != 0 {
			return f.timeAt(at + 8)
		}
	}
	return time.Time{}
}
