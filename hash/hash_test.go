package hash_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/hash"
	"golang.org/x/crypto/argon2"
)

func mustNew(t testing.TB, secret []byte, p hash.Params) hash.Digest {
	t.Helper()
	d, err := hash.New(secret, p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNewZeroParamsAreTheDefault(t *testing.T) {
	t.Parallel()
	d := mustNew(t, []byte("secret"), hash.Params{})
	if d.Params() != hash.Default() {
		t.Errorf("hashed under %+v, want %+v", d.Params(), hash.Default())
	}
	if !strings.HasPrefix(d.String(), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the PHC string is %q", d)
	}
	if !d.Matches([]byte("secret")) || d.Matches([]byte("Secret")) {
		t.Error("the digest doesn't tell its secret from another")
	}
}

// The salt is the only difference between two hashes of one secret.
func TestNewSaltsAreFresh(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 200 {
		d := mustNew(t, []byte("secret"), small)
		fields := strings.Split(d.String(), "$")
		salt, err := base64.RawStdEncoding.DecodeString(fields[4])
		if err != nil || len(salt) != 16 {
			t.Fatalf("salt %x, %v, want 16 bytes", salt, err)
		}
		if seen[fields[4]] || seen[fields[5]] {
			t.Fatalf("a salt or a sum came twice: %s", d)
		}
		seen[fields[4]], seen[fields[5]] = true, true
	}
}

func TestSecretLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 72, 73, 512} {
		secret := bytes.Repeat([]byte{'s'}, n)
		if !mustNew(t, secret, small).Matches(secret) {
			t.Errorf("a secret of %d bytes doesn't match its digest", n)
		}
	}
	for _, n := range []int{0, 513, 1 << 20} {
		secret := bytes.Repeat([]byte{'s'}, n)
		d, err := hash.New(secret, small)
		if err == nil || strings.Contains(err.Error(), "sss") {
			t.Errorf("New of %d bytes: %v", n, err)
		}
		if d != (hash.Digest{}) {
			t.Errorf("New of %d bytes returned a digest beside its error", n)
		}
		// A digest of such a secret, from elsewhere, matches it no more.
		salt := []byte("sixteen byte slt")
		sum := argon2.IDKey(secret, salt, 1, 8, 1, 32)
		d, err = hash.Parse("$argon2id$v=19$m=8,t=1,p=1$" + b64(salt) + "$" + b64(sum))
		if err != nil {
			t.Fatal(err)
		}
		if d.Matches(secret) {
			t.Errorf("a secret of %d bytes matches", n)
		}
	}
}

// Every bit of every byte counts, past the 72 bytes where bcrypt stops, and
// so does the length.
func TestMatchesRefusesAnyOtherSecret(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 24, 73, 100, 512} {
		secret := make([]byte, n)
		for i := range secret {
			secret[i] = byte(i)
		}
		d := mustNew(t, secret, small)
		if !d.Matches(secret) {
			t.Fatalf("the secret of %d bytes doesn't match", n)
		}
		for i := range n * 8 {
			other := slices.Clone(secret)
			other[i/8] ^= 1 << (i % 8)
			if d.Matches(other) {
				t.Fatalf("a secret of %d bytes with bit %d flipped matches", n, i)
			}
		}
		for _, other := range [][]byte{
			nil,
			secret[:n-1],
			secret[1:],
			slices.Concat(secret, []byte{0}),
			slices.Concat([]byte{0}, secret),
			slices.Concat(secret, secret),
			[]byte(d.String()), // what is stored is no credential
		} {
			if d.Matches(other) {
				t.Errorf("a secret of %d bytes: %x matches", n, other)
			}
		}
	}
}

// Nothing of a stored digest may be changed without the secret failing.
func TestMatchesRefusesAnyOtherDigest(t *testing.T) {
	t.Parallel()
	secret := []byte("the secret")
	fields := strings.Split(mustNew(t, secret, small).String(), "$")
	matches := func(fields []string) bool {
		t.Helper()
		d, err := hash.Parse(strings.Join(fields, "$"))
		if err != nil {
			t.Fatal(err)
		}
		return d.Matches(secret)
	}
	if !matches(fields) {
		t.Fatal("the digest itself doesn't match")
	}
	for _, i := range []int{4, 5} {
		raw, err := base64.RawStdEncoding.DecodeString(fields[i])
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(raw) * 8 {
			other := slices.Clone(raw)
			other[bit/8] ^= 1 << (bit % 8)
			changed := slices.Clone(fields)
			changed[i] = b64(other)
			if matches(changed) {
				t.Fatalf("field %d with bit %d flipped matches", i, bit)
			}
		}
	}
	for _, params := range []string{"m=9,t=1,p=1", "m=8,t=2,p=1", "m=16,t=1,p=2"} {
		changed := slices.Clone(fields)
		changed[3] = params
		if matches(changed) {
			t.Errorf("under %s it matches", params)
		}
	}
}

func TestZeroDigest(t *testing.T) {
	t.Parallel()
	var d hash.Digest
	for _, secret := range [][]byte{nil, {}, {0}, make([]byte, 32), []byte("secret")} {
		if d.Matches(secret) {
			t.Errorf("the zero Digest matches %x", secret)
		}
	}
	if d.String() != "" || d.Params() != (hash.Params{}) {
		t.Errorf("the zero Digest is %q under %+v", d, d.Params())
	}
	if _, err := hash.Parse(d.String()); err == nil {
		t.Error("Parse accepts what a zero Digest prints")
	}
}

// Digests made by Debian's argon2 0~20171227, the reference implementation:
//
//	printf %s SECRET | argon2 SALT -id -k M -t T -p P -l 32 -e
func TestReferenceDigests(t *testing.T) {
	t.Parallel()
	const horse = "correct horse battery staple"
	for _, test := range []struct{ secret, phc string }{
		// SALT 'sixteen byte slt'
		{horse, "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlIHNsdA$k81ovk8fkH1PorA/36zCkEKia28tQyMQYijfaS5RQy4"},
		{horse, "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlIHNsdA$x2GyVeQUxcxsdMIvfCCJN8n78h49pej021L32I55ljM"},
		{horse, "$argon2id$v=19$m=64,t=1,p=1$c2l4dGVlbiBieXRlIHNsdA$Z+98165R4iHvsG27Rlx3gyzFZgg8++N/obLS6oueJwQ"},
		{horse, "$argon2id$v=19$m=1000,t=3,p=2$c2l4dGVlbiBieXRlIHNsdA$Qnhx5FXfyvOJ9e2KVathhHyUBqVIoLQ6sdu+2uFoTNo"},
		{horse, "$argon2id$v=19$m=4096,t=10,p=4$c2l4dGVlbiBieXRlIHNsdA$10ZWgEwNU2ZLelyi6Cs/IIjh0p15ZlnyT16e/CimLFI"},
		// SALT 'a salt of twenty-three.'
		{strings.Repeat("x", 100), "$argon2id$v=19$m=12288,t=3,p=1$YSBzYWx0IG9mIHR3ZW50eS10aHJlZS4$zQBxaFlmP/UAnNrZbcJSwdqX2frOtGPDLadX/n9yYz4"},
		// SALT of 48 times 's'
		{"p", "$argon2id$v=19$m=7168,t=5,p=1$" + strings.Repeat("c3Nz", 16) + "$xQSW5URR4gL2rjKQ6/WKzWRCA5VWmkHMXmbfzQpBmmM"},
	} {
		d, err := hash.Parse(test.phc)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.phc, err)
			continue
		}
		if !d.Matches([]byte(test.secret)) {
			t.Errorf("%s doesn't match %q", test.phc, test.secret)
		}
		if d.Matches([]byte(test.secret + "x")) {
			t.Errorf("%s matches another secret", test.phc)
		}
	}
}

// The known answers of the reference implementation's own test.c. Its salt of
// 8 bytes is too short for Parse, so they are put to the function below.
//
//	printf password | argon2 somesalt -id -k M -t T -p P -l 32 -r
func TestReferenceSums(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p   hash.Params
		sum string
	}{
		{hash.Params{Memory: 65536, Time: 2, Threads: 1}, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{hash.Params{Memory: 256, Time: 2, Threads: 1}, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{hash.Params{Memory: 256, Time: 2, Threads: 2}, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
	} {
		got := argon2.IDKey([]byte("password"), []byte("somesalt"), test.p.Time, test.p.Memory, test.p.Threads, 32)
		if hex.EncodeToString(got) != test.sum {
			t.Errorf("%+v: %x, want %s", test.p, got, test.sum)
		}
	}
}

func b64(raw []byte) string { return base64.RawStdEncoding.EncodeToString(raw) }
