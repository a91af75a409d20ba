package hash

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrFormat is what the errors of [Parse] match.
var ErrFormat = errors.New("hash: not an argon2id string")

const (
	// header is the variant and the one version of it there is a use for,
	// argon2.Version. Argon2i, argon2d and version 16 are errors.
	header = "$argon2id$v=19$"

	minSalt = 16 // bytes
	maxSalt = 48 // bytes

	// maxPHC is the length of the longest string Parse accepts, 140 bytes:
	// the largest parameters, and salt and sum with 6 bits to a digit.
	maxPHC = len(header+"m=65536,t=10,p=4$") + (maxSalt*8+5)/6 + len("$") + (sumSize*8+5)/6
)

// b64 is the alphabet of PHC strings: the standard one, without padding.
var b64 = base64.RawStdEncoding

// String returns d in the PHC string format,
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<sum>
//
// which [Parse] turns back into d. It is empty for a zero Digest.
func (d Digest) String() string {
	if d == (Digest{}) {
		return ""
	}
	return fmt.Sprintf(header+"m=%d,t=%d,p=%d$%s$%s",
		d.params.Memory, d.params.Time, d.params.Threads,
		b64.EncodeToString([]byte(d.salt)), b64.EncodeToString(d.sum[:]))
}

// Parse reads what [Digest.String] wrote. It accepts argon2id of version 19,
// parameters that [Params.Resolve] accepts, a salt of 16 to 48 bytes and a
// sum of 32; keyid and data, which the format knows, are refused. A value has
// one spelling: any other is an error, too.
//
// Errors match [ErrFormat] and hold no part of phc. Parse never runs argon2.
// A string it refuses costs next to nothing, whatever parameters it asks for
// and however long it is: above 140 bytes it isn't looked at.
func Parse(phc string) (Digest, error) {
	if len(phc) > maxPHC {
		return Digest{}, formatError("too long")
	}
	rest, ok := strings.CutPrefix(phc, header)
	if !ok {
		return Digest{}, formatError("other variant or version")
	}
	fields := strings.Split(rest, "$")
	if len(fields) != 3 {
		return Digest{}, formatError("other fields than parameters, salt and sum")
	}
	p, ok := parseParams(fields[0])
	if !ok {
		return Digest{}, formatError("parameters are not m, t and p")
	}
	if f := p.flaw(); f != "" {
		return Digest{}, formatError(f)
	}
	salt, err := b64.DecodeString(fields[1])
	if err != nil || len(salt) < minSalt || len(salt) > maxSalt {
		return Digest{}, formatError("salt is not 16 to 48 bytes of base64")
	}
	sum, err := b64.DecodeString(fields[2])
	if err != nil || len(sum) != sumSize {
		return Digest{}, formatError("sum is not 32 bytes of base64")
	}
	d := Digest{params: p, salt: string(salt), sum: [sumSize]byte(sum)}

	// The decoders above are lax: ParseUint takes leading zeros, and base64
	// skips line breaks and drops trailing bits. This one comparison refuses
	// every such spelling, those nobody has thought of included.
	if d.String() != phc {
		return Digest{}, formatError("not the one spelling of its value")
	}
	return d, nil
}

// parseParams reads m, t and p, in this order, and leaves the bounds to flaw.
func parseParams(s string) (Params, bool) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return Params{}, false
	}
	m, okM := number(fields[0], "m", 32)
	t, okT := number(fields[1], "t", 32)
	p, okP := number(fields[2], "p", 8)
	return Params{Memory: uint32(m), Time: uint32(t), Threads: uint8(p)}, okM && okT && okP
}

// number reads "name=" and a decimal of at most bits bits.
func number(s, name string, bits int) (uint64, bool) {
	digits, ok := strings.CutPrefix(s, name+"=")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, bits)
	return n, err == nil
}

func formatError(reason string) error {
	return fmt.Errorf("%w: %s", ErrFormat, reason)
}
