package apikey

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// The encoding of a Record:
//
//	body     = format fields checksum
//	format   = one byte, recordFormat
//	fields   = { number length bytes }, number and length as minimal uvarints
//	checksum = CRC-32C of all before it, 4 bytes, big endian
//
// Field numbers ascend, only lists repeat one, and zero values are left out, so a record
// has one encoding. Unknown fields may be lists, too. A credential is a field whose bytes are fields again.
//
// A program meets fields it does not know when a newer one wrote the record. An even number
// marks a field that may be carried along without being understood: it is kept and written
// again. An odd one marks a field that changes what the record means, so the record is
// refused: verifying without it, or dropping it in a Replace, could revive a key.
//
// The checksum is for disks: bbolt has none for its data pages, and one flipped bit in an
// expiry must be an error and not another expiry.
const recordFormat = 1

// maxRecordBytes is above what the bounds of validate.go and four credentials can add up to.
const maxRecordBytes = 128 << 10

// maxStoredCredentials bounds what is allocated for a record that says it has thousands of
// empty ones. An Issuer writes maxCredentials.
const maxStoredCredentials = 64

// Field numbers of a record; next free: 24 (carried), 23 (critical).
const (
	fieldID            = 1
	fieldVersion       = 2
	fieldPrefix        = 3
	fieldType          = 4
	fieldSubject       = 5
	fieldName          = 6
	fieldDescription   = 7
	fieldCreatedBy     = 8
	fieldNameFold      = 9
	fieldUniqueKey     = 10
	fieldClaims        = 11
	fieldScope         = 12
	fieldCreatedAt     = 13
	fieldUpdatedAt     = 14
	fieldExpiresAt     = 15
	fieldRevokedAt     = 16
	fieldRevokedReason = 17
	fieldRevokedBy     = 18
	fieldDisabled      = 19
	fieldCredential    = 20
	fieldLastUsedAt    = 21
	fieldEpoch         = 22 // carried: a program that does not know it derives nothing
)

// Field numbers of a credential; next free: 10 (carried), 11 (critical).
const (
	fieldNumber        = 1
	fieldKind          = 2
	fieldHash          = 3
	fieldMAC           = 4
	fieldMACKey        = 5
	fieldHint          = 6
	fieldSecretCreated = 7
	fieldNotAfter      = 8
	fieldSecretUsed    = 9
)

// field is one that this program does not know.
type field struct {
	number uint64
	value  []byte
}

var errRecord = errors.New("apikey: not a record this program understands")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary returns the one encoding of r. It fails on a time that is not UTC, not in
// whole milliseconds or not between the years 2000 and 2262, and on a record past 128 KiB.
func (r *Record) MarshalBinary() ([]byte, error) {
	e := encoder{buf: []byte{recordFormat}, unknown: r.unknown}
	if !r.ID.IsZero() {
		e.bytes(fieldID, r.ID[:])
	}
	e.uint(fieldVersion, r.Version)
	e.string(fieldPrefix, r.Prefix)
	e.string(fieldType, r.Type)
	e.string(fieldSubject, r.Subject)
	e.string(fieldName, r.Name)
	e.string(fieldDescription, r.Description)
	e.string(fieldCreatedBy, r.CreatedBy)
	e.string(fieldNameFold, r.NameFold)
	e.string(fieldUniqueKey, r.UniqueKey)
	e.bytes(fieldClaims, r.Claims)
	for _, s := range r.Scopes {
		e.put(fieldScope, []byte(s))
	}
	e.time(fieldCreatedAt, r.CreatedAt)
	e.time(fieldUpdatedAt, r.UpdatedAt)
	e.time(fieldExpiresAt, r.ExpiresAt)
	e.time(fieldRevokedAt, r.RevokedAt)
	e.string(fieldRevokedReason, r.RevokedReason)
	e.string(fieldRevokedBy, r.RevokedBy)
	e.bool(fieldDisabled, r.Disabled)
	for i := range r.Credentials {
		e.credential(&r.Credentials[i])
	}
	e.time(fieldLastUsedAt, r.LastUsedAt)
	e.uint(fieldEpoch, uint64(r.Epoch))
	e.carry(0)
	if len(r.Credentials) > maxStoredCredentials {
		e.err = errors.New("too many credentials")
	}
	if e.err != nil {
		return nil, fmt.Errorf("apikey: encode record %s: %w", r.ID, e.err)
	}
	if len(e.buf)+4 > maxRecordBytes {
		return nil, fmt.Errorf("apikey: encode record %s: longer than %d bytes", r.ID, maxRecordBytes)
	}
	return binary.BigEndian.AppendUint32(e.buf, crc32.Checksum(e.buf, castagnoli)), nil
}

// UnmarshalBinary decodes what MarshalBinary returned, and nothing else: a second spelling,
// a damaged record and one with a critical field of a newer program are errors. It keeps
// no part of data. On an error r is as it was.
func (r *Record) UnmarshalBinary(data []byte) error {
	if len(data) < 5 || len(data) > maxRecordBytes {
		return fmt.Errorf("%w: %d bytes", errRecord, len(data))
	}
	if data[0] != recordFormat {
		return fmt.Errorf("%w: format %d", errRecord, data[0])
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: damaged, its checksum differs", errRecord)
	}
	d := decoder{buf: body[1:], lists: 1<<fieldScope | 1<<fieldCredential, last: fieldEpoch}
	var out Record
	for d.next() {
		switch d.number {
		case fieldID:
			if copy(out.ID[:], d.value) != len(d.value) || len(d.value) != len(out.ID) || out.ID.IsZero() {
				d.fail()
			}
		case fieldVersion:
			out.Version = d.uint(1<<64 - 1)
		case fieldPrefix:
			out.Prefix = d.string()
		case fieldType:
			out.Type = d.string()
		case fieldSubject:
			out.Subject = d.string()
		case fieldName:
			out.Name = d.string()
		case fieldDescription:
			out.Description = d.string()
		case fieldCreatedBy:
			out.CreatedBy = d.string()
		case fieldNameFold:
			out.NameFold = d.string()
		case fieldUniqueKey:
			out.UniqueKey = d.string()
		case fieldClaims:
			out.Claims = d.bytes()
		case fieldScope:
			out.Scopes = append(out.Scopes, string(d.value))
		case fieldCreatedAt:
			out.CreatedAt = d.time()
		case fieldUpdatedAt:
			out.UpdatedAt = d.time()
		case fieldExpiresAt:
			out.ExpiresAt = d.time()
		case fieldRevokedAt:
			out.RevokedAt = d.time()
		case fieldRevokedReason:
			out.RevokedReason = d.string()
		case fieldRevokedBy:
			out.RevokedBy = d.string()
		case fieldDisabled:
			out.Disabled = d.bool()
		case fieldCredential:
			if len(out.Credentials) == maxStoredCredentials {
				d.fail()
			}
			out.Credentials = append(out.Credentials, d.credential())
		case fieldLastUsedAt:
			out.LastUsedAt = d.time()
		case fieldEpoch:
			out.Epoch = uint32(d.uint(1<<32 - 1))
		default:
			out.unknown = d.carry(out.unknown)
		}
	}
	if d.err != nil {
		return d.err
	}
	*r = out
	return nil
}

func (e *encoder) credential(c *Credential) {
	n := encoder{unknown: c.unknown}
	n.uint(fieldNumber, uint64(c.Number))
	n.uint(fieldKind, uint64(c.Kind))
	n.string(fieldHash, c.Hash)
	n.bytes(fieldMAC, c.MAC)
	n.uint(fieldMACKey, uint64(c.MACKey))
	n.string(fieldHint, c.Hint)
	n.time(fieldSecretCreated, c.CreatedAt)
	n.time(fieldNotAfter, c.NotAfter)
	n.time(fieldSecretUsed, c.LastUsedAt)
	n.carry(0)
	if c.Kind > KindImported {
		n.err = errors.New("unknown kind of credential")
	}
	e.err = errors.Join(e.err, n.err)
	e.put(fieldCredential, n.buf)
}

func (d *decoder) credential() Credential {
	n := decoder{buf: d.value, last: fieldSecretUsed}
	var out Credential
	for n.next() {
		switch n.number {
		case fieldNumber:
			out.Number = uint16(n.uint(1<<16 - 1))
		case fieldKind:
			out.Kind = uint8(n.uint(uint64(KindImported)))
		case fieldHash:
			out.Hash = n.string()
		case fieldMAC:
			out.MAC = n.bytes()
		case fieldMACKey:
			out.MACKey = uint32(n.uint(1<<32 - 1))
		case fieldHint:
			out.Hint = n.string()
		case fieldSecretCreated:
			out.CreatedAt = n.time()
		case fieldNotAfter:
			out.NotAfter = n.time()
		case fieldSecretUsed:
			out.LastUsedAt = n.time()
		default:
			out.unknown = n.carry(out.unknown)
		}
	}
	if n.err != nil {
		d.err = n.err
	}
	return out
}

// Times are kept as milliseconds since 1970; these bounds keep every conversion clear of overflow.
var (
	minTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)
