//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
)

// disk is what a power failure may leave of a folder. Each write, each change of a file's length and each change of
// a name is pending until a sync of the file, or of the folder, that began after it has ended. Until then the disk
// may have it or not, whatever it has of others.
type disk struct {
	dir     string
	now     map[string]int // the files by name, as the process sees them
	names   map[string]int // as the disk has them for sure
	files   [][]byte       // as the disk has them for sure
	pending []change       // the oldest first
}

// change is one that may be lost.
type change struct {
	at   int // which call made it
	kind string
	file int
	// of write and size
	offset int64
	data   []byte
	size   int64
	// of bind and unbind
	name string
}

func newDisk(dir string, files map[string][]byte) *disk {
	d := &disk{dir: dir, now: make(map[string]int), names: make(map[string]int)}
	for name, data := range files {
		d.now[name], d.names[name] = len(d.files), len(d.files)
		d.files = append(d.files, slices.Clone(data))
	}
	return d
}

// apply takes a call down. If it is a sync, synced is called before what it has synced is no longer pending.
func (d *disk) apply(at int, c *call, synced func()) error {
	add := func(changes ...change) {
		for _, ch := range changes {
			ch.at = at
			d.pending = append(d.pending, ch)
		}
	}
	file, known := d.now[c.path]
	if !known && c.path != d.dir && c.name != "openat" {
		return fmt.Errorf("%s of %s, which is not there", c.name, c.path)
	}
	switch c.name {
	case "openat":
		switch {
		case c.path == d.dir:
		case !known && c.flag(2, "O_CREAT"):
			d.now[c.path] = len(d.files)
			add(change{kind: "bind", name: c.path, file: len(d.files)})
			d.files = append(d.files, nil)
		case !known || c.flag(2, "O_TRUNC"):
			return errUnknownCall
		}
	case "pwrite64":
		data, err := unescape(c.args[1])
		if err != nil {
			return err
		}
		offset, err := c.number(3)
		if err != nil {
			return err
		}
		add(change{kind: "write", file: file, offset: offset, data: data[:c.result]})
	case "ftruncate":
		size, err := c.number(1)
		if err != nil {
			return err
		}
		add(change{kind: "size", file: file, size: size})
	case "mmap":
		if c.flag(2, "PROT_WRITE") && c.flag(3, "MAP_SHARED") {
			return errUnknownCall
		}
	case "linkat":
		to, err := c.file(3)
		if err != nil {
			return err
		}
		d.now[to] = file
		add(change{kind: "bind", name: to, file: file})
	case "unlinkat":
		delete(d.now, c.path)
		add(change{kind: "unbind", name: c.path})
	case "fsync", "fdatasync":
		synced()
		var lost []change
		for _, ch := range d.pending {
			name := ch.kind == "bind" || ch.kind == "unbind"
			if ch.at < c.begun && (name && c.path == d.dir || !name && c.path != d.dir && ch.file == file) {
				applyTo(d.names, d.files, ch)
				continue
			}
			lost = append(lost, ch)
		}
		d.pending = lost
	default:
		return errUnknownCall
	}
	return nil
}

// applyTo makes a change. It writes into what files holds.
func applyTo(names map[string]int, files [][]byte, ch change) {
	grow := func(size int64) {
		if missing := size - int64(len(files[ch.file])); missing > 0 {
			files[ch.file] = append(files[ch.file], make([]byte, missing)...)
		}
	}
	switch ch.kind {
	case "bind":
		names[ch.name] = ch.file
	case "unbind":
		delete(names, ch.name)
	case "size":
		grow(ch.size)
		files[ch.file] = files[ch.file][:ch.size]
	case "size-at-least":
		grow(ch.size)
	case "write":
		grow(ch.offset + int64(len(ch.data)))
		copy(files[ch.file][ch.offset:], ch.data)
	}
}

// after returns the files that a disk has which has kept these changes.
func (d *disk) after(kept []change) map[string][]byte {
	names, files := maps.Clone(d.names), slices.Clone(d.files)
	for i, data := range files {
		files[i] = slices.Clone(data)
	}
	for _, ch := range kept {
		applyTo(names, files, ch)
	}
	left := make(map[string][]byte)
	for name, file := range names {
		left[name] = files[file]
	}
	return left
}
