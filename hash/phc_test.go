package hash_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

const (
	head = "$argon2id$v=19$m=64,t=1,p=1$"
	salt = "kZ1qXv7RtYw3LmNp8sBcDg"                      // 16 bytes
	sum  = "Qw9TzJr5HfUeKa2GyVbLxMi4OnPd7WsCjR0uEtF6hIA" // 32 bytes
)

// phc is a valid string with other parameters.
func phc(params string) string { return "$argon2id$v=19$" + params + "$" + salt + "$" + sum }

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, phc string
		want      hash.Params
	}{
		{"plain", head + salt + "$" + sum, hash.Params{Memory: 64, Time: 1, Threads: 1}},
		{"least", phc("m=8,t=1,p=1"), hash.Params{Memory: 8, Time: 1, Threads: 1}},
		{"least of 4 lanes", phc("m=32,t=1,p=4"), hash.Params{Memory: 32, Time: 1, Threads: 4}},
		{"largest", "$argon2id$v=19$m=65536,t=10,p=4$" + strings.Repeat("A", 64) + "$" + sum, hash.Params{Memory: 65536, Time: 10, Threads: 4}},
		{"salt of 17 bytes", head + salt[:21] + "gA$" + sum, hash.Params{Memory: 64, Time: 1, Threads: 1}},
		{"zero salt and sum", head + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43), hash.Params{Memory: 64, Time: 1, Threads: 1}},
	} {
		d, err := hash.Parse(test.phc)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if d.Params() != test.want {
			t.Errorf("%s: under %+v, want %+v", test.name, d.Params(), test.want)
		}
		if d.String() != test.phc {
			t.Errorf("%s: String() = %q, want %q", test.name, d, test.phc)
		}
	}
}

func TestParseIsTheInverseOfString(t *testing.T) {
	t.Parallel()
	d := mustNew(t, []byte("secret"), small)
	got, err := hash.Parse(d.String())
	if err != nil || got != d {
		t.Errorf("Parse(%q) = %q, %v", d, got, err)
	}
}

var badPHC = []struct{ name, phc string }{
	{"empty", ""},
	{"only dollars", "$$"},
	{"six dollars", "$$$$$$"},
	{"variant only", "$argon2id"},
	{"no salt and sum", "$argon2id$v=19$m=64,t=1,p=1"},
	{"no sum", head + salt},
	{"text before", "x" + head + salt + "$" + sum},
	{"space before", " " + head + salt + "$" + sum},
	{"no leading dollar", head[1:] + salt + "$" + sum},
	{"two leading dollars", "$" + head + salt + "$" + sum},
	{"trailing dollar", head + salt + "$" + sum + "$"},
	{"trailing newline", head + salt + "$" + sum + "\n"},
	{"trailing CRLF", head + salt + "$" + sum + "\r\n"},
	{"trailing space", head + salt + "$" + sum + " "},
	{"trailing NUL", head + salt + "$" + sum + "\x00"},
	{"field after", head + salt + "$" + sum + "$x"},
	{"dollar in the salt", head + salt + "$$" + sum},

	{"argon2i", strings.Replace(head, "argon2id", "argon2i", 1) + salt + "$" + sum},
	{"argon2d", strings.Replace(head, "argon2id", "argon2d", 1) + salt + "$" + sum},
	{"argon2ID", strings.Replace(head, "argon2id", "argon2ID", 1) + salt + "$" + sum},
	{"Argon2id", strings.Replace(head, "argon2id", "Argon2id", 1) + salt + "$" + sum},
	{"bcrypt", "$2b$12$" + salt + sum[:31]},
	{"no version", "$argon2id$m=64,t=1,p=1$" + salt + "$" + sum},
	{"version 16", strings.Replace(head, "v=19", "v=16", 1) + salt + "$" + sum},
	{"version 0", strings.Replace(head, "v=19", "v=0", 1) + salt + "$" + sum},
	{"version 019", strings.Replace(head, "v=19", "v=019", 1) + salt + "$" + sum},
	{"version 0x13", strings.Replace(head, "v=19", "v=0x13", 1) + salt + "$" + sum},
	{"version and junk", strings.Replace(head, "v=19", "v=19junk", 1) + salt + "$" + sum},
	{"version empty", strings.Replace(head, "v=19", "v=", 1) + salt + "$" + sum},
	{"version twice", strings.Replace(head, "v=19", "v=19$v=19", 1) + salt + "$" + sum},

	{"t=0", phc("m=64,t=0,p=1")},
	{"p=0", phc("m=64,t=1,p=0")},
	{"m=0", phc("m=0,t=1,p=1")},
	{"all zero", phc("m=0,t=0,p=0")},
	{"m=7", phc("m=7,t=1,p=1")},
	{"m below 8p", phc("m=31,t=1,p=4")},
	{"m above the cap", phc("m=65537,t=1,p=1")},
	{"m of 1 GiB", phc("m=1048576,t=1,p=1")},
	{"m=2^32-1", phc("m=4294967295,t=1,p=1")},
	{"m=2^32", phc("m=4294967296,t=1,p=1")},
	{"m=2^32+64", phc("m=4294967360,t=1,p=1")},
	{"m=2^64+64", phc("m=18446744073709551680,t=1,p=1")},
	{"m of 11 digits", phc("m=00000000064,t=1,p=1")},
	{"m of 11 digits, large", phc("m=99999999999,t=1,p=1")},
	{"t above the cap", phc("m=64,t=11,p=1")},
	{"t=2^32+1", phc("m=64,t=4294967297,p=1")},
	{"p above the cap", phc("m=64,t=1,p=5")},
	{"p=255", phc("m=65536,t=1,p=255")},
	{"p=256", phc("m=65536,t=1,p=256")},
	{"p=257", phc("m=65536,t=1,p=257")},

	{"m=+64", phc("m=+64,t=1,p=1")},
	{"m=-1", phc("m=-1,t=1,p=1")},
	{"t=-1", phc("m=64,t=-1,p=1")},
	{"m=064", phc("m=064,t=1,p=1")},
	{"t=01", phc("m=64,t=01,p=1")},
	{"p=01", phc("m=64,t=1,p=01")},
	{"m=0x40", phc("m=0x40,t=1,p=1")},
	{"m=6_4", phc("m=6_4,t=1,p=1")},
	{"m=64.0", phc("m=64.0,t=1,p=1")},
	{"m=1e2", phc("m=1e2,t=1,p=1")},
	{"space in a number", phc("m= 64,t=1,p=1")},
	{"Arabic digits", phc("m=٦٤,t=1,p=1")},
	{"fullwidth digits", phc("m=６４,t=1,p=1")},
	{"m empty", phc("m=,t=1,p=1")},
	{"p and junk", phc("m=64,t=1,p=1zzz")},
	{"no parameters", phc("")},
	{"commas", phc(",,")},
	{"keyid", phc("m=64,t=1,p=1,keyid=x")},
	{"data", phc("m=64,t=1,p=1,data=x")},
	{"parameter twice", phc("m=64,t=1,p=1,p=1")},
	{"m twice", phc("m=64,m=64,t=1,p=1")},
	{"wrong order", phc("t=1,m=64,p=1")},
	{"p before t", phc("m=64,p=1,t=1")},
	{"no m", phc("t=1,p=1")},
	{"no t", phc("m=64,p=1")},
	{"no p", phc("m=64,t=1")},
	{"upper case", phc("M=64,T=1,P=1")},
	{"trailing comma", phc("m=64,t=1,p=1,")},
	{"semicolons", phc("m=64;t=1;p=1")},

	{"salt empty", head + "$" + sum},
	{"salt of 7 bytes", head + "kZ1qXv7RtQ$" + sum},
	{"salt of 15 bytes", head + salt[:20] + "$" + sum},
	{"salt of 49 bytes", head + strings.Repeat("A", 66) + "$" + sum},
	{"salt length 1 mod 4", head + salt[:21] + "$" + sum},
	{"salt length 1 mod 4, long", head + strings.Repeat("A", 25) + "$" + sum},
	{"salt with trailing bits", head + salt[:21] + "h$" + sum},
	{"sum empty", head + salt + "$"},
	{"sum of 1 byte", head + salt + "$AA"},
	{"sum of 11 bytes", head + salt + "$" + sum[:14] + "A"},
	{"sum of 16 bytes", head + salt + "$" + salt},
	{"sum of 31 bytes", head + salt + "$" + sum[:41] + "A"},
	{"sum of 33 bytes", head + salt + "$" + sum + "A"},
	{"sum of 64 bytes", head + salt + "$" + strings.Repeat("A", 86)},
	{"sum of 65 bytes", head + salt + "$" + strings.Repeat("A", 87)},
	{"sum length 1 mod 4", head + salt + "$" + sum[:41]},
	{"sum with trailing bits", head + salt + "$" + sum[:42] + "B"},

	{"sum padded", head + salt + "$" + sum + "="},
	{"salt padded", head + salt + "==$" + sum},
	{"url alphabet, -", head + "-" + salt[1:] + "$" + sum},
	{"url alphabet, _", head + salt + "$_" + sum[1:]},
	{"bcrypt alphabet, .", head + salt + "$." + sum[1:]},
	{"newline in the salt", head + salt[:8] + "\n" + salt[8:] + "$" + sum},
	{"newline after the salt", head + salt + "\n$" + sum},
	{"newline in the sum", head + salt + "$" + sum[:8] + "\n" + sum[8:]},
	{"newline instead of a digit", head + salt + "$" + sum[:8] + "\n" + sum[9:]},
	{"CRLF in the sum", head + salt + "$" + sum[:8] + "\r\n" + sum[8:]},
	{"CR in the salt", head + salt[:8] + "\r" + salt[8:] + "$" + sum},
	{"NUL in the salt", head + "\x00" + salt[1:] + "$" + sum},
	{"not UTF-8", head + "\xff" + salt[1:] + "$" + sum},
	{"space in the sum", head + salt + "$" + sum[:8] + " " + sum[9:]},

	{"salt of 10^6 digits", head + strings.Repeat("A", 1e6) + "$" + sum},
	{"sum of 10^6 digits", head + salt + "$" + strings.Repeat("A", 1e6)},
	{"m of 10^6 digits", phc("m=" + strings.Repeat("1", 1e6) + ",t=1,p=1")},
	{"10^6 dollars", strings.Repeat("$", 1e6)},
	{"140 dollars", strings.Repeat("$", 140)},
	{"120 commas", "$argon2id$v=19$" + strings.Repeat(",", 120) + "$$"},
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range badPHC {
		d, err := hash.Parse(test.phc)
		if !errors.Is(err, hash.ErrFormat) {
			t.Errorf("%s: Parse = %q, %v, want ErrFormat", test.name, d, err)
			continue
		}
		if d != (hash.Digest{}) {
			t.Errorf("%s: a digest beside the error", test.name)
		}
		if part := echo(err.Error(), test.phc); part != "" {
			t.Errorf("%s: the error echoes %q: %v", test.name, part, err)
		}
	}
}

// echo returns 8 bytes in a row that message has from the first 200 of input,
// but for the variant's name, which messages may say.
func echo(message, input string) string {
	input = strings.ReplaceAll(input[:min(len(input), 200)], "argon2id", "")
	for i := range len(input) - 7 {
		if strings.Contains(message, input[i:i+8]) {
			return input[i : i+8]
		}
	}
	return ""
}

// A string from the store costs next to nothing to refuse, whatever it asks
// for. Not parallel, as it counts the allocations of the whole process.
func TestParseRefusesCheaply(t *testing.T) {
	const runs = 20
	for _, test := range badPHC {
		parse := func() { hash.Parse(test.phc) }
		if n := testing.AllocsPerRun(runs, parse); n > 20 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			parse()
		}
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 4096 {
			t.Errorf("%s: %d bytes allocated", test.name, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range badPHC {
		if len(test.phc) < 1000 {
			f.Add(test.phc)
		}
	}
	f.Add(phc("m=64,t=1,p=1"))
	f.Add("$argon2id$v=19$m=65536,t=10,p=4$" + strings.Repeat("/", 64) + "$" + sum)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := hash.Parse(s)
		if err != nil {
			if !errors.Is(err, hash.ErrFormat) || d != (hash.Digest{}) {
				t.Errorf("Parse(%q) = %q, %v", s, d, err)
			}
			return
		}
		if d.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, d)
		}
		if p, err := d.Params().Resolve(); err != nil || p != d.Params() || p == (hash.Params{}) {
			t.Errorf("Parse(%q) has parameters %+v: %v", s, d.Params(), err)
		}
	})
}
