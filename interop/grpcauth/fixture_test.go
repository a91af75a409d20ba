package grpcauth_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/interop/grpcauth"
)

// server serves the health service, and one method that answers every message with itself.
type server struct {
	*apikeytest.Keys
	health *health.Server
	client *grpc.ClientConn
	seen   chan context.Context // of each call that reaches a handler
}

const (
	echoMethod  = "/test.Talk/Echo"
	checkMethod = healthpb.Health_Check_FullMethodName
	watchMethod = healthpb.Health_Watch_FullMethodName
)

var talk = grpc.ServiceDesc{
	ServiceName: "test.Talk",
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{StreamName: "Echo", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			var m healthpb.HealthCheckRequest
			if err := s.RecvMsg(&m); err != nil {
				return nil // what the interceptor found is answered all the same
			}
			if err := s.SendMsg(&m); err != nil {
				return nil
			}
		}
	}}},
}

// start serves keys with a Verifier, nil for that of keys, until the test ends.
func start(t *testing.T, keys *apikeytest.Keys, v grpcauth.Verifier, opts ...grpcauth.Option) *server {
	t.Helper()
	if v == nil {
		v = keys.Verifier
	}
	s := &server{Keys: keys, health: health.NewServer(), seen: make(chan context.Context, 100)}
	g := grpc.NewServer(
		grpc.ChainUnaryInterceptor(grpcauth.Unary(v, opts...),
			func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
				s.seen <- ctx
				return handle(ctx, request)
			}),
		grpc.ChainStreamInterceptor(grpcauth.Stream(v, opts...),
			func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
				s.seen <- stream.Context()
				return handle(server, stream)
			}),
	)
	healthpb.RegisterHealthServer(g, s.health)
	g.RegisterService(&talk, nil)
	listener := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- g.Serve(listener) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	var err error
	s.client, err = grpc.NewClient("passthrough:///bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.client.Close() })
	return s
}

// sending returns a context that sends metadata, given as name, value, name, value.
func sending(t *testing.T, pairs ...string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a test that would hang fails
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// check calls the unary method.
func (s *server) check(ctx context.Context, opts ...grpc.CallOption) error {
	_, err := healthpb.NewHealthClient(s.client).Check(ctx, &healthpb.HealthCheckRequest{}, opts...)
	return err
}

// echo begins a stream.
func (s *server) echo(t *testing.T, ctx context.Context) grpc.ClientStream {
	t.Helper()
	stream, err := s.client.NewStream(ctx, &talk.Streams[0], echoMethod)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// roundTrip sends a message and receives the answer.
func roundTrip(t *testing.T, stream grpc.ClientStream) error {
	t.Helper()
	if err := stream.SendMsg(&healthpb.HealthCheckRequest{Service: "x"}); err != nil && err != io.EOF { // the server has ended it, RecvMsg tells how
		t.Fatal(err)
	}
	var m healthpb.HealthCheckRequest
	err := stream.RecvMsg(&m)
	if err == nil && m.Service != "x" {
		t.Errorf("%q came back", m.Service)
	}
	return err
}

// verifier is one made of an error, or of a function.
type verifier struct {
	err    error
	lookup func(context.Context, string) (*apikey.Key, error)
	key    *apikey.Key
}

func (v verifier) Verify(context.Context, string) (*apikey.Key, error) { return v.key, v.err }

func (v verifier) Lookup(ctx context.Context, id string) (*apikey.Key, error) {
	return v.lookup(ctx, id)
}

// edit changes what is stored of a key.
func edit(t *testing.T, keys *apikeytest.Keys, key *apikey.Key, change func(*apikey.Record)) {
	t.Helper()
	var id apikey.ID
	if _, err := hex.Decode(id[:], []byte(key.ID()[len("ak_"):])); err != nil {
		t.Fatal(err)
	}
	r, err := keys.Store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	if err := keys.Store.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// refusals returns keys, and a text for each way of being refused.
func refusals(t *testing.T) (*apikeytest.Keys, map[error]string) {
	t.Helper()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(_ context.Context, key *apikey.Key) error {
		if key.Subject() == "user_gone" {
			return errors.New("the owner has left")
		}
		return nil
	}}})
	_, foreign := apikeytest.New(t, nil).Create(t, apikey.CreateParams{})
	revoked, revokedText := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Issuer.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{Reason: "leaked"}); err != nil {
		t.Fatal(err)
	}
	expired, expiredText := keys.Create(t, apikey.CreateParams{})
	edit(t, keys, expired, func(r *apikey.Record) { r.ExpiresAt = time.UnixMilli(1e12).UTC() })
	_, denied := keys.Create(t, apikey.CreateParams{Subject: "user_gone"})
	return keys, map[error]string{
		apikey.ErrMalformed: "ak_nonsense", apikey.ErrUnknown: foreign, apikey.ErrRevoked: revokedText,
		apikey.ErrExpired: expiredText, apikey.ErrDenied: denied,
	}
}
