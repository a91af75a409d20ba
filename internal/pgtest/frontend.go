package pgtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// Requests that a client makes where the startup message is expected.
const (
	sslRequest    = 80877103
	gssEncRequest = 80877104
)

// forward carries a client's messages to its server until the client ends. It has to follow the protocol to find the
// statements, so the client is told that there is no encryption; it is told through reply.
func forward(server io.Writer, client io.Reader, reply io.Writer, noListen *atomic.Bool) error {
	r, w := bufio.NewReader(client), bufio.NewWriter(server)
	err := startup(w, r, reply)
	for err == nil {
		if r.Buffered() == 0 {
			if err = w.Flush(); err != nil {
				break
			}
		}
		err = message(w, r, noListen)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return w.Flush()
	}
	return err
}

// startup carries the only message that has no type.
func startup(w io.Writer, r io.Reader, reply io.Writer) error {
	for {
		var head [8]byte // length and version, or request
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		length, code := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
		if code == sslRequest || code == gssEncRequest {
			if _, err := reply.Write([]byte("N")); err != nil {
				return err
			}
			continue
		}
		if length < 8 {
			return fmt.Errorf("pgtest: a startup message of %d bytes", length)
		}
		if _, err := w.Write(head[:]); err != nil {
			return err
		}
		_, err := io.CopyN(w, r, int64(length)-8)
		return err
	}
}

// message carries one message.
func message(w io.Writer, r io.Reader, noListen *atomic.Bool) error {
	var head [5]byte // type and length, which counts itself
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	length := int64(binary.BigEndian.Uint32(head[1:])) - 4
	if length < 0 {
		return fmt.Errorf("pgtest: a message %q of %d bytes", head[0], length+4)
	}
	if kind := head[0]; !noListen.Load() || kind != 'Q' && kind != 'P' {
		if _, err := w.Write(head[:]); err != nil {
			return err
		}
		_, err := io.CopyN(w, r, length)
		return err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	body = withoutListen(head[0], body)
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)+4))
	_, err := w.Write(append(head[:], body...))
	return err
}

// withoutListen changes the statement in the body of a Query or Parse. Of what it does not understand it changes
// nothing: it is the server that has to complain.
func withoutListen(kind byte, body []byte) []byte {
	var name []byte
	if kind == 'P' {
		end := bytes.IndexByte(body, 0) + 1
		name, body = body[:end], body[end:]
	}
	end := bytes.IndexByte(body, 0)
	if end < 0 {
		return append(name, body...)
	}
	return bytes.Join([][]byte{name, unknown(body[:end]), body[end:]}, nil)
}
