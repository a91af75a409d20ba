package apikey_test

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// CVE-2025-66565, CVE-2025-66630: where the system had no randomness to give, ids and tokens were made of what was left,
// zeros or a clock. Here the program ends, whichever of the random values that a key needs can't be had, and
// nobody gets it. The program is this test in a process of its own.
func TestCVE_2025_66565_NoFallbackFromRandomness(t *testing.T) {
	t.Parallel()
	const env = "APIKEY_TEST_RANDOM_READS"
	if reads, err := strconv.Atoi(os.Getenv(env)); err == nil {
		issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
		rand.Reader = &exhausted{rand.Reader, reads}
		issuer.Create(t.Context(), valid())
		os.Stdout.WriteString("\nwent on\n")
		return
	}
	for reads := range 5 { // id, seed, secret and salt
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), env+"="+strconv.Itoa(reads))
		out, err := cmd.CombinedOutput()
		ended := err != nil && strings.Contains(string(out), "crypto/rand: failed to read random data")
		if wentOn := strings.Contains(string(out), "went on"); ended == wentOn || wentOn != (reads == 4) {
			t.Errorf("with %d values: %v\n%.2000s", reads, err, out)
		}
	}
}

// exhausted is a source that fails once, after so many reads.
type exhausted struct {
	io.Reader
	left int
}

func (e *exhausted) Read(p []byte) (int, error) {
	if e.left--; e.left == -1 {
		return 0, errors.New("no randomness")
	}
	return e.Reader.Read(p)
}

// CVE-2022-31034, and the token incident of a package registry in 2020: tokens came from generators that can be foretold.
// That all of it comes from crypto/rand is what TestNoWeakRandomness reads; that nothing is lost on the way is
// counted here: no id or secret comes twice, and all bytes are as frequent as they should be.
func TestCVE_2022_31034_UniformAndUnique(t *testing.T) {
	t.Parallel()
	const many = 200_000
	next, ids := apikey.NewIDs(), make([]apikey.ID, many)
	var random [8][256]int
	for i := range ids {
		ids[i] = next(time.Now().UnixNano())
		for at, b := range ids[i][8:] {
			random[at][b]++
		}
	}
	slices.SortFunc(ids, func(a, b apikey.ID) int { return slices.Compare(a[8:], b[8:]) }) // by the random half
	for i := range ids[1:] {
		if string(ids[i][8:]) == string(ids[i+1][8:]) {
			t.Fatal("62 random bits came twice")
		}
	}
	for at := 1; at < 8; at++ { // the first has the variant's two bits
		wantUniform(t, "ids", at, random[at][:])
	}
	wantUniform(t, "ids", 0, random[0][0x80:0xc0])

	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	const keys = 5000
	var bytes [24][16]int // by half bytes, as there are fewer
	seen := make(map[[24]byte]bool)
	for range keys {
		_, secret := newKey(t, issuer, apikey.CreateParams{})
		token, ok := apikey.ParseText(secret.Reveal())
		if !ok || seen[token.Secret] {
			t.Fatal("a secret came twice")
		}
		seen[token.Secret] = true
		for at, b := range token.Secret {
			bytes[at][b>>4]++
			bytes[at][b&15]++
		}
	}
	for at := range bytes {
		wantUniform(t, "secrets", at, bytes[at][:])
	}
}

// wantUniform is the chi-square test. The bound is at eight standard deviations: chance passes it once in 10^10 runs, or
// more seldom.
func wantUniform(t *testing.T, what string, at int, counts []int) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
	}
	chi, mean, free := 0.0, float64(total)/float64(len(counts)), float64(len(counts)-1)
	for _, n := range counts {
		chi += (float64(n) - mean) * (float64(n) - mean) / mean
	}
	if !(chi < free+8*math.Sqrt(2*free)) || total == 0 {
		t.Errorf("byte %d of %s: chi-square %.0f with %.0f degrees of freedom", at, what, chi, free)
	}
}
