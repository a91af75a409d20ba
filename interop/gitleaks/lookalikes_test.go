package gitleaks_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// dice make the same texts in every run.
type dice struct{ *rand.Rand }

func newDice() dice { return dice{rand.New(rand.NewChaCha8([32]byte{1}))} }

// digits returns n characters of an alphabet.
func (d dice) digits(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(b)
}

func (d dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.IntN(256))
	}
	return b
}

// kinds are texts that look like keys to a careless rule.
var kinds = map[string]func(d dice) string{
	"sha1":   func(d dice) string { s := sha1.Sum(d.bytes(9)); return hex.EncodeToString(s[:]) },
	"sha256": func(d dice) string { s := sha256.Sum256(d.bytes(9)); return "sha256:" + hex.EncodeToString(s[:]) },
	"sha512": func(d dice) string { s := sha512.Sum512(d.bytes(9)); return "sha512_" + hex.EncodeToString(s[:]) },
	"go.sum": func(d dice) string {
		return "example.com/break v1.2.3 h1:" + base64.StdEncoding.EncodeToString(d.bytes(32))
	},
	"package-lock": func(d dice) string {
		return `"integrity": "sha512-` + base64.StdEncoding.EncodeToString(d.bytes(64)) + `"`
	},
	"UUID": func(d dice) string {
		b := d.bytes(16)
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	},
	"base64":    func(d dice) string { return base64.StdEncoding.EncodeToString(d.bytes(300)) },
	"base64url": func(d dice) string { return base64.RawURLEncoding.EncodeToString(d.bytes(300)) },
	"base32":    func(d dice) string { return "ak_" + base32.HexEncoding.EncodeToString(d.bytes(30)) },
	"base62":    func(d dice) string { return d.digits(200, base62) },
	"PEM": func(d dice) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.bytes(600)}))
	},
	"git tree": func(d dice) string {
		return "100644 blob " + hex.EncodeToString(d.bytes(20)) + "\tak_" + d.digits(8, base62)
	},
	"git index": func(d dice) string {
		return "index " + hex.EncodeToString(d.bytes(20)) + ".." + hex.EncodeToString(d.bytes(20)) + " 100644"
	},
	"git object": func(d dice) string { return "blob 12\x00" + string(d.bytes(200)) },
	"GitHub": func(d dice) string {
		return "ghp_" + d.digits(36, base62) + " github_pat_" + d.digits(22, base62) + "_" + d.digits(59, base62)
	},
	"Stripe": func(d dice) string { return "sk_live_" + d.digits(99, base62) + " pk_test_" + d.digits(24, base62) },
	"Slack": func(d dice) string {
		return "xoxb-" + d.digits(12, "0123456789") + "-" + d.digits(12, "0123456789") + "-" + d.digits(24, base62)
	},
	"AWS": func(d dice) string {
		return "AKIA" + d.digits(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") + " " + d.digits(40, base62+"+/")
	},
	"GCP":         func(d dice) string { return "AIza" + d.digits(35, base62+"-_") },
	"GitLab, npm": func(d dice) string { return "glpat-" + d.digits(20, base62+"-_") + " npm_" + d.digits(36, base62) },
	"SendGrid":    func(d dice) string { return "SG." + d.digits(22, base62+"-_") + "." + d.digits(43, base62+"-_") },
	"Clerk":       func(d dice) string { return "ak_" + d.digits(43, base62) + " sk_test_" + d.digits(42, base62) },
	"PyPI":        func(d dice) string { return "pypi-AgEIcHlwaS5vcmc" + d.digits(150, base62+"-_") },
	"an id": func(d dice) string {
		return "ak_" + hex.EncodeToString(d.bytes(16)) + " acme_live_" + hex.EncodeToString(d.bytes(16))
	},
	"a hint":    func(d dice) string { return "ak_" + d.digits(22, base62) + "…" },
	"short":     func(d dice) string { return "ak_" + d.digits(71, base62) + "." },
	"broken up": func(d dice) string { return "ak_" + d.digits(40, base62) + "\n" + d.digits(32, base62) },
	"dashes": func(d dice) string {
		return "ak-" + d.digits(72, base62) + " ak_" + d.digits(36, base62) + "-" + d.digits(36, base62)
	},
	"upper case": func(d dice) string { return "AK_" + d.digits(72, base62) },
	"an example": func(d dice) string { return "ak_" + strings.Repeat(d.digits(1, base62+"Xx"), 72) + " ak_YOUR_KEY_HERE" },
	"a word and hex": func(d dice) string {
		return "task_" + hex.EncodeToString(d.bytes(32)) + " break_" + hex.EncodeToString(d.bytes(20))
	},
	"identifiers": func(d dice) string {
		return "func (t *task_" + d.digits(60, "abcdefghijklmnopqrstuvwxyz_") + ") break_" + d.digits(20, "abcdefghijklmnopqrstuvwxyz") + "() {}"
	},
	"JWT": func(d dice) string {
		e := base64.RawURLEncoding.EncodeToString // which gitleaks takes apart
		return e([]byte(`{"alg":"EdDSA","kid":"ak_1"}`)) + "." + e(append([]byte(`{"sub":"ak_`), hex.EncodeToString(d.bytes(16))+`"}`...)) + "." + e(d.bytes(64))
	},
}

// lookAlikes writes files without a key, nor anything that a rule should take for one.
func lookAlikes(t *testing.T) (folder string) {
	t.Helper()
	folder, d := t.TempDir(), newDice()
	for i, kind := range slices.Sorted(maps.Keys(kinds)) {
		var text bytes.Buffer
		for range 300 {
			fmt.Fprintf(&text, "key = %q\n%s\n\n", kinds[kind](d), kinds[kind](d))
		}
		write(t, filepath.Join(folder, fmt.Sprintf("%d.txt", i)), text.Bytes())
	}
	return folder
}

// broken is how many keys nearKeys breaks, each in one digit.
const broken = 1000

// nearKeys writes files of texts in the form of keys, with a checksum that is wrong.
func nearKeys(t *testing.T) (folder string) {
	t.Helper()
	folder, d := t.TempDir(), newDice()
	var lines []string
	add := func(texts ...string) { lines = append(lines, texts...) }
	keys := slices.Collect(maps.Keys(issue(t, broken, "ak")))
	for i, key := range keys {
		at := len("ak_0") + d.IntN(10) // not the first digit of a word
		digit := base62[(strings.IndexByte(base62, key[at])+1+d.IntN(61))%62]
		add(key[:at] + string(digit) + key[at+1:])

		for at = 40; key[at] == key[at+1]; at++ {
		}
		add(key[:at]+key[at+1:at+2]+key[at:at+1]+key[at+2:], // two digits exchanged
			key[:50]+keys[(i+1)%len(keys)][50:], // halves of two keys
			"acme_live"+key[2:])                 // another prefix
	}
	for range 20_000 {
		add(fmt.Sprintf("leak_%x", d.bytes(64)), "ak_"+d.digits(72, base62))
	}
	for i := 0; len(lines) > 0; i++ {
		n := min(len(lines), 500)
		write(t, filepath.Join(folder, fmt.Sprintf("%d.txt", i)), []byte(strings.Join(lines[:n], "\n")))
		lines = lines[n:]
	}
	return folder
}
