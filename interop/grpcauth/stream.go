package grpcauth

import (
	"context"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/seed-d3a9fb6b/apikey"
)

// watched is a stream whose key is judged again with every message. gRPC lets one goroutine
// send while another one receives.
type watched struct {
	grpc.ServerStream
	guard  *guard
	ctx    context.Context
	cancel context.CancelCauseFunc
	key    *apikey.Key
	method string

	refused atomic.Pointer[error] // the first refusal, which is final: a message is missing
}

// Context returns that of the stream, with the key and without the credential. It ends when a
// message is refused, so that what the handler has under way ends, too.
func (w *watched) Context() context.Context { return w.ctx }

// SendMsg sends a message if the key is still good.
func (w *watched) SendMsg(m any) error {
	if err := w.check(); err != nil {
		return err
	}
	return w.ServerStream.SendMsg(m)
}

// RecvMsg receives a message, or the end of all messages, and then looks whether the key is still
// good: the wait for it may have been long, and the end is what a handler acts on.
func (w *watched) RecvMsg(m any) error {
	err := w.ServerStream.RecvMsg(m)
	if err != nil && err != io.EOF {
		return err
	}
	if refused := w.check(); refused != nil {
		return refused
	}
	return err
}

func (w *watched) check() error {
	if refused := w.refused.Load(); refused != nil {
		return *refused
	}
	err := w.guard.again(w.ServerStream.Context(), w.key, w.method)
	if err == nil {
		return nil
	}
	w.refused.CompareAndSwap(nil, &err)
	w.cancel(err)
	return *w.refused.Load()
}
