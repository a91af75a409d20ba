package grpcauth_test

import (
	"context"
	"errors"
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
	ctx  context.Context
	sent int
}

func (s *transport) Context() context.Context { return s.ctx }

func (s *transport) RecvMsg(any) error { return nil }

func (s *transport) SendMsg(any) error { s.sent++; return nil }

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
	s := &transport{ctx: metadata.NewIncomingContext(t.Context(), metadata.Pairs("x-api-key", "text"))}
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
	s := &transport{ctx: metadata.NewIncomingContext(t.Context(), metadata.Pairs("x-api-key", "text"))}
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
