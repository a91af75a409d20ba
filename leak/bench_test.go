package leak_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

type corpus struct {
	name string
	text []byte
	keys int
}

// corpora are of 4 MiB each: the root's source without its tests, digits without end, and one key after the other.
func corpora(b *testing.B) []corpus {
	b.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		b.Fatal(err)
	}
	var source bytes.Buffer
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue // some hold a key
		}
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		source.Write(text)
	}
	const size = 4 << 20
	line := issued(b, "", 1)[0] + "\n"
	fill := func(text []byte) []byte { return bytes.Repeat(text, size/len(text)+1)[:size] }
	return []corpus{{"source", fill(source.Bytes()), 0}, {"digits", fill([]byte("0123456789abcdef")), 0}, {"keys", fill([]byte(line)), size / len(line)}}
}

// BenchmarkScan puts Scan beside regular expressions, with the checksum asked of what they match: one for the prefix
// ak, which is a literal to search for, and one for any prefix.
func BenchmarkScan(b *testing.B) {
	one, any := regexp.MustCompile(`ak_[0-9A-Za-z]{72}`), regexp.MustCompile(`[a-z][a-z0-9_]{0,23}_[0-9A-Za-z]{72}`)
	matches := func(text []byte, pattern *regexp.Regexp) (n int) {
		for _, at := range pattern.FindAllIndex(text, -1) {
			if _, err := apikey.KeyID(string(text[at[0]:at[1]])); err == nil {
				n++
			}
		}
		return n
	}
	for _, corpus := range corpora(b) {
		for _, way := range []struct {
			name string
			find func() int
		}{
			{"scan/any", func() int { return count(b, corpus.text) }},
			{"scan/ak", func() int { return count(b, corpus.text, "ak") }},
			{"regexp/any", func() int { return matches(corpus.text, any) }},
			{"regexp/ak", func() int { return matches(corpus.text, one) }},
		} {
			b.Run(corpus.name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(corpus.text)))
				for b.Loop() {
					if n := way.find(); n != corpus.keys {
						b.Fatalf("%d keys; want %d", n, corpus.keys)
					}
				}
			})
		}
	}
}

func count(b *testing.B, text []byte, prefixes ...string) (n int) {
	for _, err := range leak.Scan(bytes.NewReader(text), prefixes...) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}

// BenchmarkWriter puts a Writer beside a regular expression that replaces: a log line without a key, and one with.
func BenchmarkWriter(b *testing.B) {
	key := issued(b, "", 1)[0]
	pattern := regexp.MustCompile(`ak_[0-9A-Za-z]{72}`)
	line := []byte(`2026/11/28 02:44:33 INFO request method=POST path=/v1/items status=200 request_id=req_2f8a91bc6d03 duration=1.2ms` + "\n")
	withKey := bytes.Replace(line, []byte("/v1/items"), []byte("/v1/items?key="+key), 1)
	for _, c := range []struct {
		name string
		line []byte
	}{{"plain", line}, {"key", withKey}} {
		for name, w := range map[string]io.Writer{"any": leak.NewWriter(io.Discard, nil), "ak": leak.NewWriter(io.Discard, redactor(b, "ak"))} {
			b.Run(c.name+"/writer/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(c.line)))
				for b.Loop() {
					if _, err := w.Write(c.line); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(c.name+"/regexp/ak", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.line)))
			for b.Loop() {
				if _, err := io.Discard.Write(pattern.ReplaceAll(c.line, []byte("[redacted]"))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandler puts a text handler beside the same behind a LogHandler.
func BenchmarkLogHandler(b *testing.B) {
	text := slog.NewTextHandler(io.Discard, nil)
	for name, h := range map[string]slog.Handler{"without": text, "with": leak.NewLogHandler(text, nil)} {
		logger := slog.New(h)
		b.Run(name+"/strings", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logger.Info("request", "method", "POST", "path", "/v1/items", "status", 200)
			}
		})
		b.Run(name+"/error", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logger.Info("request", "err", io.ErrUnexpectedEOF, "status", 200)
			}
		})
	}
}
