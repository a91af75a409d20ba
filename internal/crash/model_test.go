//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// escaped spells a text as strace -xx does.
func escaped(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}

// traced spells what is in braces so.
func traced(lines string) string {
	for {
		before, rest, found := strings.Cut(lines, "{")
		if !found {
			return lines
		}
		text, after, _ := strings.Cut(rest, "}")
		lines = before + escaped(text) + after
	}
}

// TestDisk: what may be on the disk after each of some calls.
func TestDisk(t *testing.T) {
	t.Parallel()
	const trace = `7 openat(AT_FDCWD<{/w}>, "{/d/a}", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3<{/d/a}>
7 openat(AT_FDCWD<{/w}>, "{/d/b}", O_RDWR|O_CLOEXEC) = -1 ENOENT (No such file or directory)
7 pwrite64(3<{/d/a}>, "{one}", 3, 0) = 3
8 fsync(3<{/d/a}> <unfinished ...>
7 pwrite64(3<{/d/a}>, "{two}", 3, 3 <unfinished ...>
9 write(1<{pipe:[5]}>, "{opening
}", 8 <unfinished ...>
7 <... pwrite64 resumed>)           = 3
9 <... write resumed>)              = 8
8 <... fsync resumed>)              = 0
7 linkat(AT_FDCWD<{/w}>, "{/d/a}", AT_FDCWD<{/w}>, "{/d/b}", 0) = 0
7 mmap(NULL, 32768, PROT_READ, MAP_SHARED, 3<{/d/a}>, 0) = 0x7f6313001000
7 unlinkat(AT_FDCWD<{/w}>, "{/d/a}", 0) = 0
7 fdatasync(4<{/d}>)                = 0
7 ftruncate(3<{/d/b}>, 1)           = 0
7 fdatasync(3<{/d/b}>)              = 0
7 pwrite64(3<{/elsewhere}>, "{one}", 3, 0) = 3
`
	calls, err := parseTrace(strings.NewReader(traced(trace)), "/d")
	if err != nil {
		t.Fatal(err)
	}
	// What is sure, and what is when all was kept. With no name in it, there is no file.
	want := []string{
		"openat: ; a=",
		"pwrite64: ; a=one",
		"say: ; a=one",
		"pwrite64: ; a=onetwo",
		"fsync: ; a=onetwo",
		"linkat: ; a=onetwo b=onetwo",
		"mmap: ; a=onetwo b=onetwo",
		"unlinkat: ; b=onetwo",
		"fdatasync: b=one; b=onetwo",
		"ftruncate: b=one; b=o",
		"fdatasync: b=o; b=o",
	}
	show := func(files map[string][]byte) string {
		var all []string
		for _, path := range slices.Sorted(maps.Keys(files)) {
			all = append(all, path[3:]+"="+string(files[path]))
		}
		return strings.Join(all, " ")
	}
	d := newDisk("/d", nil)
	for i, c := range calls {
		if c.name != "say" {
			if err := d.apply(i, &c, func() {}); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		is := c.name + ": " + show(d.after(nil)) + "; " + show(d.after(d.pending))
		if i >= len(want) || is != want[i] {
			t.Errorf("after call %d: %q, want %q", i, is, want[min(i, len(want)-1)])
		}
	}
	if len(calls) != len(want) {
		t.Errorf("there are %d calls, want %d", len(calls), len(want))
	}
	for _, text := range []string{
		`7 pwrite64(3</d/b>, "\x6f"..., 3, 0) = 3`, `7 pwrite64(3<{/d/b}>, "{o}"..., 3, 0) = 3`, `7 fallocate(3<{/d/b}>, 0, 0, 5) = 0`,
		`7 mmap(NULL, 1, PROT_READ|PROT_WRITE, MAP_SHARED, 3<{/d/b}>, 0) = 0x1`, `7 openat(AT_FDCWD<{/w}>, "{/d/b}", O_RDWR|O_TRUNC) = 3<{/d/b}>`,
		`7 pwrite64(3<{/d/c}>, "{o}", 1, 0) = 1`, `7 write(3<{/d/b}>, "{o}", 1) = 1`, `nonsense`,
	} {
		calls, err := parseTrace(strings.NewReader(traced(text)+"\n"), "/d")
		for _, c := range calls {
			err = errors.Join(err, d.apply(0, &c, func() {}))
		}
		if err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	write := func(offset int64, data []byte) change { return change{kind: "write", offset: offset, data: data} }
	left := func(pending []change) map[string]bool {
		all := make(map[string]bool)
		for _, kept := range states(pending, rand.New(rand.NewPCG(1, 1))) {
			files := [][]byte{nil}
			for _, ch := range kept {
				applyTo(nil, files, ch)
			}
			var sectors []byte // the first byte of each
			for data := range slices.Chunk(files[0], 512) {
				sectors = append(sectors, data[0])
			}
			all[string(bytes.ReplaceAll(sectors, []byte{0}, []byte{'.'}))] = true
		}
		return all
	}
	page := slices.Concat(bytes.Repeat([]byte("a"), 512), bytes.Repeat([]byte("b"), 512), bytes.Repeat([]byte("c"), 512), bytes.Repeat([]byte("d"), 512))
	torn := left([]change{write(0, page)})
	for _, want := range []string{"", "....", "a", "ab", "abc", "abcd", ".bcd", "a.cd", "ab.d", ".b", "..c", "...d", "..cd"} {
		if !torn[want] {
			t.Errorf("one write: %q can't be", want)
		}
		delete(torn, want)
	}
	if len(torn) > 0 {
		t.Errorf("one write: also %v", torn)
	}
	for _, n := range []int{4, 9} {
		var pending []change
		for i := range n {
			pending = append(pending, write(int64(i)*512, bytes.Repeat([]byte{byte('a' + i)}, 512)))
		}
		text := "abcdefghi"[:n]
		of := left(pending)
		for i := range n {
			if alone := strings.Repeat(".", i) + text[i:i+1]; !of[alone] || !of[text[:i]] || !of[text[:i]+"."+text[i+1:]] && i+1 < n {
				t.Errorf("%d writes: %d alone, those before it or all others can't be", n, i)
			}
		}
		if !of[text] || n == 4 && !of["a.c"] || n == 9 && len(of) < 3*n+10 {
			t.Errorf("%d writes: %v", n, of)
		}
	}
}
