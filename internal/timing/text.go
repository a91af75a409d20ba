package main

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"strings"
)

// The text of a key, written down again from what is documented of it: who forges keys has no more.
const (
	digits     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	wordDigits = 11
	prefix     = "ak_"

	secretAt   = len(prefix) + 2*wordDigits
	secretEnd  = secretAt + 3*wordDigits
	checksumAt = secretEnd + wordDigits
	textLength = checksumAt + 6
)

// parts is what a text says, checksum aside.
type parts struct {
	id     [16]byte
	secret [24]byte
	tag    uint64 // 16 bits of number, 48 bits of MAC
}

func (p *parts) text() string {
	b := append(make([]byte, 0, textLength), prefix...)
	for _, word := range p.words() {
		b = appendDigits(b, word, wordDigits)
	}
	return string(appendDigits(b, uint64(crc32.ChecksumIEEE(b)), 6))
}

func (p *parts) words() [6]uint64 {
	word := binary.BigEndian.Uint64
	return [6]uint64{word(p.id[:]), word(p.id[8:]), word(p.secret[:]), word(p.secret[8:]), word(p.secret[16:]), p.tag}
}

func appendDigits(b []byte, word uint64, n int) []byte {
	var out [wordDigits]byte
	for i := n - 1; i >= 0; i-- {
		out[i] = digits[word%62]
		word /= 62
	}
	return append(b, out[:n]...)
}

// take reads the text of a key that an Issuer made.
func take(text string) (p parts) {
	var words [6]uint64
	for i := range words {
		for j := range wordDigits {
			words[i] = words[i]*62 + uint64(strings.IndexByte(digits, text[len(prefix)+i*wordDigits+j]))
		}
	}
	for i, b := range [][]byte{p.id[:], p.id[8:], p.secret[:], p.secret[8:], p.secret[16:]} {
		binary.BigEndian.PutUint64(b, words[i])
	}
	p.tag = words[5]
	return p
}

// withDigit returns the text with another digit at a place, and the checksum that belongs to it. A first digit of a word stays
// below 21, so that the word has 64 bits.
func withDigit(text string, at int, random byte) string {
	b := []byte(text[:checksumAt])
	old := strings.IndexByte(digits, b[at])
	b[at] = digits[(old+1+int(random)%20)%21]
	return string(appendDigits(b, uint64(crc32.ChecksumIEEE(b)), 6))
}

// thief has read the seed in the store, and signs tags as the library does.
type thief struct{ mac hash.Hash }

func newThief(seed []byte) (thief, error) {
	key, err := hkdf.Key(sha256.New, seed, nil, "apikey/v1/tag", sha256.Size)
	return thief{hmac.New(sha256.New, key)}, err
}

// sign gives p the true tag for a number.
func (t thief) sign(p *parts, number uint16) {
	t.mac.Reset()
	t.mac.Write([]byte{byte(len(prefix) - 1)})
	t.mac.Write([]byte(prefix[:len(prefix)-1]))
	t.mac.Write([]byte{byte(len(p.id))})
	t.mac.Write(p.id[:])
	t.mac.Write(binary.BigEndian.AppendUint16([]byte{2}, number))
	t.mac.Write([]byte{byte(len(p.secret))})
	t.mac.Write(p.secret[:])
	p.tag = uint64(number)<<48 | binary.BigEndian.Uint64(t.mac.Sum(nil))>>16
}
