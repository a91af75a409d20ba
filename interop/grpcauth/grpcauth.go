// Package grpcauth is an example of interceptors that let calls with a good API key through to
// gRPC handlers, which find the key with apikey.FromContext. It is made to be copied: it imports
// nothing but gRPC and the root package.
//
//	verifier, err := apikey.NewVerifier(store, nil)
//	if err != nil {
//		return err
//	}
//	admin := grpcauth.RequireScopes(pb.Reports_Get_FullMethodName, "admin")
//	server := grpc.NewServer(
//		grpc.ChainUnaryInterceptor(grpcauth.Unary(verifier, admin)),
//		grpc.ChainStreamInterceptor(grpcauth.Stream(verifier, admin)),
//	)
//	pb.RegisterReportsServer(server, &reports{})
//
//	func (*reports) Get(ctx context.Context, _ *pb.GetRequest) (*pb.Report, error) {
//		key, _ := apikey.FromContext(ctx)
//		return &pb.Report{Owner: key.Subject()}, nil
//	}
//
// A client sends its key in the metadata, as "authorization: Bearer …" or as "x-api-key". One
// credential, not two. Handlers do not see it, so that they can't log it or pass it on.
//
// Whatever is refused gets Unauthenticated, with the same bytes for a key that is malformed,
// unknown, wrong, expired, revoked or denied. PermissionDenied says that the key lacks a scope,
// Unavailable that it could not be told. A client may try again after Unavailable alone.
//
// A stream outlives the call that began it, so its key is looked at again with every message, in
// both directions, and at the end of the client's: a revocation ends the stream at its next message, and so do an expiry, a
// rotation without grace, and the loss of a scope that the method asks for. A stream on which
// nothing is sent is not ended: where that matters, let the server end streams by age.
package grpcauth

import (
	"context"

	"google.golang.org/grpc"

	"github.com/seed-d3a9fb6b/apikey"
)

// Verifier judges credentials. *apikey.Verifier is one. Whatever error matches
// apikey.ErrRejected is a rejection; anything else is taken for a failure of the system.
type Verifier interface {
	// Verify judges a credential as it was presented.
	Verify(ctx context.Context, credential string) (*apikey.Key, error)
	// Lookup judges a key that was verified before, by its id.
	Lookup(ctx context.Context, id string) (*apikey.Key, error)
}

// Option is a choice of Unary and Stream.
type Option func(*guard)

// Unary returns an interceptor that calls the handler for authenticated calls only, with the
// key in the context. Safe for concurrent use.
func Unary(v Verifier, opts ...Option) grpc.UnaryServerInterceptor {
	g := newGuard(v, opts)
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		ctx, _, err := g.admit(ctx, info.FullMethod)
		if err != nil {
			return nil, err
		}
		return handle(ctx, request)
	}
}

// Stream returns an interceptor that calls the handler for authenticated streams only, with the
// key in the stream's context, and judges the key again with every message. Safe for concurrent
// use.
func Stream(v Verifier, opts ...Option) grpc.StreamServerInterceptor {
	g := newGuard(v, opts)
	return func(server any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		ctx, key, err := g.admit(s.Context(), info.FullMethod)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		w := &watched{ServerStream: s, guard: g, ctx: ctx, cancel: cancel, key: key, method: info.FullMethod}
		err = handle(server, w)
		if refused := w.refused.Load(); refused != nil { // whatever the handler made of it
			return *refused
		}
		return err
	}
}
