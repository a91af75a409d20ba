package grpcauth_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/interop/grpcauth"
)

const unavailable = "the API key can't be checked at the moment"

// t0 is long ago.
var t0 = time.UnixMilli(1e12)

// What ends a stream at its next message, and what does not.
func TestStreamIsWatched(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		change func(*testing.T, *apikeytest.Keys, *apikey.Key) error
		code   codes.Code
	}{
		{"nothing", func(*testing.T, *apikeytest.Keys, *apikey.Key) error { return nil }, codes.OK},
		{"revoked", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			_, err := k.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{})
			return err
		}, codes.Unauthenticated},
		{"deleted", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			return k.Issuer.Delete(t.Context(), key.ID())
		}, codes.Unauthenticated},
		{"expired", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			edit(t, k, key, func(r *apikey.Record) { r.ExpiresAt = t0.UTC() })
			return nil
		}, codes.Unauthenticated},
		{"rotated", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			_, _, err := k.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
			return err
		}, codes.Unauthenticated},
		{"rotated with grace", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			_, _, err := k.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
			return err
		}, codes.OK},
		{"lost a scope", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			_, err := k.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: []string{"read"}})
			return err
		}, codes.PermissionDenied},
		{"lost another scope", func(t *testing.T, k *apikeytest.Keys, key *apikey.Key) error {
			_, err := k.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: []string{"talk"}})
			return err
		}, codes.OK},
		{"the store is gone", func(_ *testing.T, k *apikeytest.Keys, _ *apikey.Key) error { return k.Verifier.Close() }, codes.Unavailable},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			keys := apikeytest.New(t, nil)
			s := start(t, keys, nil, grpcauth.RequireScopes(echoMethod, "talk"), grpcauth.RequireScopes(watchMethod, "talk"))
			key, text := keys.Create(t, apikey.CreateParams{Scopes: []string{"talk", "read"}})
			ctx := sending(t, "authorization", "Bearer "+text)

			stream := s.echo(t, ctx)
			for range 3 {
				if err := roundTrip(t, stream); err != nil {
					t.Fatal(err)
				}
			}
			// The handler of Watch only sends, when the health changes.
			watch, err := healthpb.NewHealthClient(s.client).Watch(ctx, &healthpb.HealthCheckRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := watch.Recv(); err != nil {
				t.Fatal(err)
			}
			<-s.seen
			seen := <-s.seen

			if err := c.change(t, keys, key); err != nil {
				t.Fatal(err)
			}
			if err := roundTrip(t, stream); status.Code(err) != c.code {
				t.Errorf("after a message of the client: %v", err)
			}
			s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
			_, err = watch.Recv()
			got := status.Convert(err)
			if got.Code() != c.code || c.code == codes.Unauthenticated && got.Message() != "invalid API key" || len(got.Details()) > 0 {
				t.Errorf("before a message of the server: %v", err)
			}
			if c.code == codes.OK {
				return
			}
			select {
			case <-seen.Done():
			case <-ctx.Done():
				t.Error("the handler's context did not end")
			}
		})
	}
}

// transport is a stream on which every message comes and goes.
type transport struct {
	grpc.ServerStream
	ctx     context.Context
	sent    int
	receive func() error // nil: at once
}

func (s *transport) Context() context.Context { return s.ctx }

func (s *transport) RecvMsg(any) error {
	if s.receive == nil {
		return nil
	}
	return s.receive()
}

func (s *transport) SendMsg(any) error { s.sent++; return nil }

// stream is a transport with a credential.
func stream(t *testing.T, receive func() error) *transport {
	return &transport{ctx: metadata.NewIncomingContext(t.Context(), metadata.Pairs("x-api-key", "text")), receive: receive}
}

// A message, and the end of all, that comes after the revocation reaches no handler, also where the handler was
// waiting for it before. What else ends a stream passes as it is.
func TestReceivedAfterRevocation(t *testing.T) {
	t.Parallel()
	cut := status.Error(codes.Canceled, "cut off")
	for what, c := range map[string]struct {
		received error
		revoked  bool
		want     codes.Code
		same     bool
	}{
		"a message": {nil, false, codes.OK, true}, "the end": {io.EOF, false, codes.Unknown, true}, "cut off": {cut, false, codes.Canceled, true},
		"a message, revoked": {nil, true, codes.Unauthenticated, false}, "the end, revoked": {io.EOF, true, codes.Unauthenticated, false},
		"cut off, revoked": {cut, true, codes.Canceled, true},
	} {
		keys := apikeytest.New(t, nil)
		key, _ := keys.Create(t, apikey.CreateParams{})
		revoked := false
		v := verifier{key: key, lookup: func(context.Context, string) (*apikey.Key, error) {
			if revoked {
				return nil, apikey.ErrRevoked
			}
			return key, nil
		}}
		s := stream(t, func() error {
			revoked = c.revoked // while the handler waits
			return c.received
		})
		grpcauth.Stream(v)(nil, s, &grpc.StreamServerInfo{FullMethod: echoMethod}, func(_ any, watched grpc.ServerStream) error {
			if err := watched.RecvMsg(nil); status.Code(err) != c.want || c.same != (err == c.received) {
				t.Errorf("%s: %v", what, err)
			}
			return nil
		})
	}
}

// A Lookup that returns neither a key nor an error is no yes.
func TestLookupOfNothing(t *testing.T) {
	t.Parallel()
	v := verifier{key: apikey.NewKey(&apikey.Record{Prefix: "ak"}), lookup: func(context.Context, string) (*apikey.Key, error) { return nil, nil }}
	s := stream(t, nil)
	err := grpcauth.Stream(v)(nil, s, &grpc.StreamServerInfo{FullMethod: echoMethod}, func(_ any, watched grpc.ServerStream) error {
		return watched.SendMsg(nil)
	})
	if status.Code(err) != codes.Unavailable || s.sent != 0 {
		t.Errorf("%v, %d messages sent", err, s.sent)
	}
}

// One goroutine sends while another one receives, and both are told the same.
func TestRefusedTwice(t *testing.T) {
	t.Parallel()
	answers := make(chan error, 2)
	answers <- apikey.ErrRevoked
	answers <- apikey.ErrOverloaded
	var both sync.WaitGroup
	both.Add(2)
	v := verifier{key: apikey.NewKey(&apikey.Record{Prefix: "ak"}), lookup: func(context.Context, string) (*apikey.Key, error) {
		both.Done()
		both.Wait() // neither has an answer yet
		return nil, <-answers
	}}
	var sent, received error
	err := grpcauth.Stream(v)(nil, stream(t, nil), &grpc.StreamServerInfo{FullMethod: echoMethod}, func(_ any, watched grpc.ServerStream) error {
		var all sync.WaitGroup
		all.Go(func() { sent = watched.SendMsg(nil) })
		all.Go(func() { received = watched.RecvMsg(nil) })
		all.Wait()
		return nil
	})
	if err == nil || sent != err || received != err {
		t.Errorf("%v; to the sender %v, to the receiver %v", err, sent, received)
	}
}

// What a handler has left running ends with its stream.
func TestContextEndsWithTheHandler(t *testing.T) {
	t.Parallel()
	var left context.Context
	grpcauth.Stream(verifier{key: &apikey.Key{}})(nil, stream(t, nil), &grpc.StreamServerInfo{FullMethod: echoMethod},
		func(_ any, watched grpc.ServerStream) error { left = watched.Context(); return nil })
	if left == nil || left.Err() == nil {
		t.Error("it goes on")
	}
}

// A refusal is final for its stream, though the key would be good again: a message is missing.
func TestRefusalIsFinal(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, _ := keys.Create(t, apikey.CreateParams{})
	calls := 0
	v := verifier{key: key, lookup: func(context.Context, string) (*apikey.Key, error) {
		if calls++; calls == 3 {
			return nil, apikey.ErrOverloaded
		}
		return key, nil
	}}
	s := stream(t, nil)
	err := grpcauth.Stream(v)(nil, s, &grpc.StreamServerInfo{FullMethod: echoMethod}, func(_ any, stream grpc.ServerStream) error {
		for i, c := range []struct {
			do   func(any) error
			code codes.Code
		}{
			{stream.RecvMsg, codes.OK}, {stream.SendMsg, codes.OK}, {stream.RecvMsg, codes.Unavailable},
			{stream.SendMsg, codes.Unavailable}, {stream.RecvMsg, codes.Unavailable},
		} {
			if err := c.do(nil); status.Code(err) != c.code {
				t.Errorf("%d: %v", i, err)
			}
		}
		if cause := context.Cause(stream.Context()); status.Code(cause) != codes.Unavailable {
			t.Errorf("the stream's context ended by %v", cause)
		}
		return status.Error(codes.Aborted, "the handler's own")
	})
	if status.Code(err) != codes.Unavailable || calls != 3 || s.sent != 1 {
		t.Errorf("%v, %d calls of Lookup, %d messages sent", err, calls, s.sent)
	}
}

// Where nothing is refused, the handler's word is the stream's.
func TestHandlersError(t *testing.T) {
	t.Parallel()
	s := stream(t, nil)
	own := status.Error(codes.Aborted, "the handler's own")
	err := grpcauth.Stream(verifier{key: &apikey.Key{}})(nil, s, &grpc.StreamServerInfo{FullMethod: echoMethod},
		func(any, grpc.ServerStream) error { return own })
	if err != own {
		t.Error(err)
	}
}

// A key is asked for by its id, with the stream's context.
func TestLookup(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, _ := keys.Create(t, apikey.CreateParams{})
	v := verifier{key: key, lookup: func(ctx context.Context, id string) (*apikey.Key, error) {
		if _, bounded := ctx.Deadline(); id != key.ID() || !bounded {
			return nil, errors.New("another id, or another context")
		}
		return key, nil
	}}
	if err := roundTrip(t, start(t, keys, v).echo(t, sending(t, "x-api-key", "text"))); err != nil {
		t.Error(err)
	}
}
