package apikey

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// encoder appends fields in ascending order, the unknown ones at their places.
type encoder struct {
	buf     []byte
	unknown []field
	err     error
}

func (e *encoder) put(number uint64, value []byte) {
	e.carry(number)
	e.append(number, value)
}

// carry writes the unknown fields whose numbers are below number; 0: all that are left.
func (e *encoder) carry(number uint64) {
	for len(e.unknown) > 0 && (number == 0 || e.unknown[0].number < number) {
		e.append(e.unknown[0].number, e.unknown[0].value)
		e.unknown = e.unknown[1:]
	}
}

func (e *encoder) append(number uint64, value []byte) {
	e.buf = binary.AppendUvarint(e.buf, number)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(value)))
	e.buf = append(e.buf, value...)
}

func (e *encoder) bytes(number uint64, value []byte) {
	if len(value) > 0 {
		e.put(number, value)
	}
}

func (e *encoder) string(number uint64, value string) { e.bytes(number, []byte(value)) }

func (e *encoder) uint(number, value uint64) {
	if value != 0 {
		e.put(number, binary.AppendUvarint(nil, value))
	}
}

func (e *encoder) bool(number uint64, value bool) {
	if value {
		e.uint(number, 1)
	}
}

func (e *encoder) time(number uint64, t time.Time) {
	if t.IsZero() {
		return
	}
	ms := t.UnixMilli()
	if t.Location() != time.UTC || t.Nanosecond()%1e6 != 0 || ms < minTime || ms >= maxTime {
		e.err = errors.New("a time must be UTC, whole milliseconds, from 2000 to 2261")
		return
	}
	e.uint(number, uint64(ms))
}

// decoder walks over fields. After the first error next is false.
type decoder struct {
	buf    []byte
	lists  uint64 // bit n: field n may repeat
	last   uint64 // the last field known; those beyond may repeat
	number uint64
	value  []byte
	err    error
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = fmt.Errorf("%w: field %d", errRecord, d.number)
	}
}

func (d *decoder) next() bool {
	if d.err != nil || len(d.buf) == 0 {
		return false
	}
	last := d.number
	d.number = d.uvarint()
	repeats := d.number > d.last || d.lists>>d.number&1 == 1
	if d.number < last || d.number == last && !repeats {
		d.fail()
	}
	n := d.uvarint()
	if n > uint64(len(d.buf)) {
		d.fail()
	}
	if d.err != nil {
		return false
	}
	d.value, d.buf = d.buf[:n], d.buf[n:]
	return true
}

// uvarint reads one in its shortest form from buf.
func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 || n > 1 && d.buf[n-1] == 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) bytes() []byte {
	if len(d.value) == 0 { // would be left out
		d.fail()
	}
	return slices.Clone(d.value)
}

func (d *decoder) string() string {
	if len(d.value) == 0 {
		d.fail()
	}
	return string(d.value)
}

func (d *decoder) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.value)
	if n <= 0 || n != len(d.value) || n > 1 && d.value[n-1] == 0 || v == 0 || v > limit {
		d.fail()
		return 0
	}
	return v
}

func (d *decoder) bool() bool { return d.uint(1) == 1 }

func (d *decoder) time() time.Time {
	ms := d.uint(uint64(maxTime) - 1)
	if ms < uint64(minTime) {
		d.fail()
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// carry keeps an unknown field if its number says that it may be.
func (d *decoder) carry(unknown []field) []field {
	if d.number%2 == 1 || d.number == 0 {
		d.err = fmt.Errorf("%w: critical field %d, written by a newer program", errRecord, d.number)
	}
	return append(unknown, field{d.number, slices.Clone(d.value)})
}
