//go:build linux

package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// call is a system call that says something, or does something to the folder of the file, as strace has it.
type call struct {
	name   string
	path   string // that it is about: its first argument
	args   []string
	result int64
	begun  int // how many of the calls before it had ended when it began
}

// calls are those that can change a file or its name, or say that something is done. Other architectures lack the
// older ones, which is what "?" is for.
const calls = "?open,?creat,openat,?openat2,write,pwrite64,writev,pwritev,?pwritev2,sendfile,splice,copy_file_range," +
	"fdatasync,fsync,sync_file_range,?sync,syncfs,ftruncate,truncate,fallocate,?rename,?renameat,renameat2," +
	"?link,linkat,?unlink,unlinkat,mmap"

// record has a child do a job under strace, and returns its calls in the order in which they ended. What is
// written to the pipe counts from its beginning on: somebody may have read it.
func record(t *testing.T, j job) []call {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		withoutStrace(t, "it is not installed: apt-get install strace")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-y", "-xx", "-s", "16777216", "-e", "signal=none", "-e", "trace="+calls, "-o", trace, os.Args[0])
	cmd.Env = append(os.Environ(), j.environment())
	out, err := cmd.CombinedOutput()
	if err != nil {
		if strings.Contains(strings.ToLower(string(out)), "ptrace") {
			withoutStrace(t, string(out))
		}
		t.Fatalf("%v\n%.2000s", err, out)
	}
	file, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := parseTrace(file, filepath.Dir(j.Path))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func withoutStrace(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("APIKEY_REQUIRE_STRACE") != "" {
		t.Fatalf("strace does not run: %s", why)
	}
	t.Skipf("SKIPPED: strace does not run: %s; APIKEY_REQUIRE_STRACE=1 makes this a failure", why)
}

const (
	unfinished = " <unfinished ...>"
	resumed    = " resumed>"
)

func parseTrace(trace io.Reader, dir string) (all []call, err error) {
	type begin struct {
		text string
		at   int
	}
	waiting := make(map[string]begin) // by thread
	for r := bufio.NewReader(trace); ; {
		text, err := r.ReadString('\n')
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		thread, text, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		text = strings.TrimLeft(text, " ")
		begun, ends := len(all), true
		switch {
		case strings.HasSuffix(text, unfinished):
			text, ends = strings.TrimSuffix(text, unfinished), false
			waiting[thread] = begin{text, begun}
		case strings.HasPrefix(text, "<... "):
			_, rest, _ := strings.Cut(text, resumed)
			text, begun = waiting[thread].text+rest, waiting[thread].at
			delete(waiting, thread)
		}
		said := strings.HasPrefix(text, "write(1<")
		switch {
		case said && !ends:
			text += ") = " + text[strings.LastIndex(text, " ")+1:] // all of it, for all we know
		case said && begun < len(all): // counted when it began
			continue
		case !ends:
			continue
		}
		c, did, err := parseCall(text)
		if err != nil {
			return nil, err
		}
		if c.begun = begun; !did {
			continue
		}
		if c.path, err = c.about(); err != nil {
			return nil, err
		}
		if said {
			c.name = "say"
		}
		if said || c.path == dir || strings.HasPrefix(c.path, dir+"/") {
			all = append(all, c)
		}
	}
}

// parseCall reads a call that has ended. It did nothing if it failed, or the process ended in it.
func parseCall(text string) (c call, did bool, err error) {
	at := strings.LastIndex(text, "= ")
	if at < 0 {
		return c, false, fmt.Errorf("strace says %.100q", text)
	}
	result, _, _ := strings.Cut(text[at+2:], " ")
	result, _, _ = strings.Cut(result, "<") // the name of what was opened
	body, whole := strings.CutSuffix(strings.TrimRight(text[:at], " "), ")")
	name, args, hasArgs := strings.Cut(body, "(")
	if !whole || !hasArgs {
		return c, false, fmt.Errorf("strace says %.100q", text)
	}
	c.name, c.args = name, strings.Split(args, ", ")
	if result == "?" {
		return c, false, nil
	}
	c.result, err = strconv.ParseInt(result, 0, 64) // of mmap an address
	return c, c.result >= 0, err
}

// about returns the path of the file that the call is about.
func (c *call) about() (string, error) {
	at := 0
	switch {
	case c.name == "mmap":
		at = 4
	case strings.HasSuffix(c.name, "at") || strings.HasSuffix(c.name, "at2"): // openat and so on, relative to a folder
		at = 1
	}
	if c.name == "mmap" && !strings.Contains(c.args[at], "<") || c.name == "sync" {
		return "", nil
	}
	return c.file(at)
}

// file reads an argument that is a path, or an open file.
func (c *call) file(at int) (string, error) {
	if at >= len(c.args) {
		return "", fmt.Errorf("strace says %s with %d arguments", c.name, len(c.args))
	}
	arg := c.args[at]
	if from := strings.IndexByte(arg, '<'); from >= 0 && strings.HasSuffix(arg, ">") {
		arg = `"` + arg[from+1:len(arg)-1] + `"`
	}
	path, err := unescape(arg)
	return string(path), err
}

// unescape reads a string of nothing but \x and two digits.
func unescape(arg string) ([]byte, error) {
	if len(arg) < 2 || arg[0] != '"' || arg[len(arg)-1] != '"' { // one that was cut has dots behind
		return nil, fmt.Errorf("strace says %.40q, which is no string", arg)
	}
	return hex.DecodeString(strings.ReplaceAll(arg[1:len(arg)-1], `\x`, ""))
}

// number reads an argument.
func (c *call) number(at int) (int64, error) {
	if at >= len(c.args) {
		return 0, fmt.Errorf("strace says %s with %d arguments", c.name, len(c.args))
	}
	return strconv.ParseInt(c.args[at], 0, 64)
}

// flag reports whether an argument has a flag.
func (c *call) flag(at int, name string) bool {
	return at < len(c.args) && slices.Contains(strings.Split(c.args[at], "|"), name)
}

var errUnknownCall = errors.New("a call that the model of the disk does not know")
