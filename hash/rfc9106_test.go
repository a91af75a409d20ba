package hash_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/hash"
	"golang.org/x/crypto/blake2b"
)

// TestRFC9106 runs the test vector of section 5.3. It has a secret value K
// and associated data X, which golang.org/x/crypto/argon2 takes no input for,
// so it can't be put to package hash. It is put to the plain implementation
// below instead, and the next test holds package hash against that.
func TestRFC9106(t *testing.T) {
	t.Parallel()
	got := argon2id{
		P: bytes.Repeat([]byte{1}, 32), S: bytes.Repeat([]byte{2}, 16),
		K: bytes.Repeat([]byte{3}, 8), X: bytes.Repeat([]byte{4}, 12),
		m: 32, t: 3, p: 4,
	}.tag(32)
	const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
	if hex.EncodeToString(got) != want {
		t.Errorf("tag = %x, want %s", got, want)
	}
}

func TestAgreesWithRFC9106(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range 30 {
		p := hash.Params{Time: 1 + rnd.Uint32N(3), Threads: uint8(1 + rnd.Uint32N(4))}
		p.Memory = 8 * uint32(p.Threads)
		if i%3 > 0 { // enough for more than one block of addresses in a segment
			p.Memory += rnd.Uint32N(2000)
		}
		salt, secret := make([]byte, 16+rnd.IntN(33)), make([]byte, 1+rnd.IntN(512))
		for _, b := range [][]byte{salt, secret} {
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
		}
		sum := argon2id{P: secret, S: salt, m: p.Memory, t: p.Time, p: uint32(p.Threads)}.tag(32)
		phc := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Time, p.Threads, b64(salt), b64(sum))
		d, err := hash.Parse(phc)
		if err != nil {
			t.Fatalf("seed %d: Parse(%q): %v", seed, phc, err)
		}
		if !d.Matches(secret) {
			t.Errorf("seed %d: %+v: package hash and the RFC disagree on the hash of %x under salt %x", seed, p, secret, salt)
		}
	}
}

// argon2id is section 3 of RFC 9106 with its names, one lane after the other:
// slow, plain, and for tests only.
type argon2id struct {
	P, S, K, X []byte // password, salt, secret value, associated data
	m, t, p    uint32
}

const (
	version = 0x13
	typeID  = 2 // y
	SL      = 4 // slices
)

type block [128]uint64

// tag is section 3.2.
func (a argon2id) tag(size int) []byte {
	h0 := le32(a.p, uint32(size), a.m, a.t, version, typeID)
	for _, s := range [][]byte{a.P, a.S, a.K, a.X} {
		h0 = append(append(h0, le32(uint32(len(s)))...), s...)
	}
	h0 = blake2(64, h0)

	q := a.m / (4 * a.p) * 4 // columns of the m' = p * q blocks
	B := make([][]block, a.p)
	for i := range B {
		B[i] = make([]block, q)
		for j := range 2 {
			B[i][j].set(variableHash(1024, append(h0[:64:64], le32(uint32(j), uint32(i))...)))
		}
	}
	for r := range a.t {
		for sl := range uint32(SL) {
			for l := range a.p {
				a.segment(B, r, sl, l)
			}
		}
	}
	C := B[0][q-1]
	for i := 1; i < len(B); i++ {
		C = xor(C, B[i][q-1])
	}
	return variableHash(size, C.bytes())
}

// segment fills one: sections 3.3 and 3.4.
func (a argon2id) segment(B [][]block, r, sl, l uint32) {
	q := uint32(len(B[0]))
	n := q / SL
	var addresses block
	for k := range n {
		// Section 3.4.1.2: the input block has a counter that starts at 1.
		if k%128 == 0 {
			z := block{uint64(r), uint64(l), uint64(sl), uint64(a.p * q), uint64(a.t), typeID, uint64(k/128 + 1)}
			addresses = compress(block{}, compress(block{}, z))
		}
		if r == 0 && sl == 0 && k < 2 {
			continue // These two came from H0.
		}
		j := sl*n + k
		prev := B[l][(j+q-1)%q]

		// Section 3.4.1: argon2id takes J1 and J2 from the addresses in the
		// first half of the first pass, and from the block before otherwise.
		J := prev[0]
		if r == 0 && sl < SL/2 {
			J = addresses[k%128]
		}
		J1, J2 := J&0xffffffff, uint32(J>>32)

		// Section 3.4.2: W has the finished segments, three at most, and
		// from the same lane also what is done of this one.
		lane, start, W := J2%a.p, uint32(0), sl*n
		if r > 0 {
			start, W = (sl+1)*n, 3*n
		}
		if r == 0 && sl == 0 {
			lane = l
		}
		if lane == l {
			W += k - 1
		} else if k == 0 {
			W--
		}
		x := J1 * J1 >> 32
		y := uint64(W) * x >> 32
		z := (start + W - 1 - uint32(y)) % q

		next := compress(prev, B[lane][z])
		if r > 0 {
			next = xor(next, B[l][j])
		}
		B[l][j] = next
	}
}

// compress is G of section 3.5: P over the rows, then over the columns, of an
// 8 x 8 matrix of 16-byte registers.
func compress(X, Y block) block {
	R := xor(X, Y)
	Q := R
	var row, column [16]int
	for i := range 8 {
		for w := range row {
			row[w] = 16*i + w
		}
		permute(&Q, row)
	}
	for i := range 8 {
		for w := range column {
			column[w] = 16*(w/2) + 2*i + w%2
		}
		permute(&Q, column)
	}
	return xor(Q, R)
}

// permute is P of section 3.6 over the words at the places of v.
func permute(b *block, v [16]int) {
	gb := func(i, j, k, l int) {
		a, b, c, d := &b[v[i]], &b[v[j]], &b[v[k]], &b[v[l]]
		for _, rot := range [][2]int{{32, 24}, {16, 63}} {
			*a += *b + 2*(*a&0xffffffff)*(*b&0xffffffff)
			*d = bits.RotateLeft64(*d^*a, -rot[0])
			*c += *d + 2*(*c&0xffffffff)*(*d&0xffffffff)
			*b = bits.RotateLeft64(*b^*c, -rot[1])
		}
	}
	for i := range 4 {
		gb(i, 4+i, 8+i, 12+i)
	}
	for i := range 4 {
		gb(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4)
	}
}

// variableHash is H' of section 3.3.
func variableHash(size int, A []byte) []byte {
	A = append(le32(uint32(size)), A...)
	if size <= 64 {
		return blake2(size, A)
	}
	var out []byte
	V := blake2(64, A)
	for size -= 32; size > 64; size -= 32 {
		out = append(out, V[:32]...)
		V = blake2(64, V)
	}
	return append(append(out, V[:32]...), blake2(size, V)...)
}

func blake2(size int, in []byte) []byte {
	h, err := blake2b.New(size, nil)
	if err != nil {
		panic(err)
	}
	h.Write(in)
	return h.Sum(nil)
}

func le32(ns ...uint32) (out []byte) {
	for _, n := range ns {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	return out
}

func (b *block) set(from []byte) {
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(from[8*i:])
	}
}

func (b *block) bytes() (out []byte) {
	for _, w := range b {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

func xor(a, b block) block {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
