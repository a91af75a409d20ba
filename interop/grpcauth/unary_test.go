package grpcauth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/interop/grpcauth"
)

// Where one credential is taken from, and where none or several are seen.
func TestCredentials(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	s := start(t, keys, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	for _, c := range []struct {
		what    string
		sent    []string
		code    codes.Code
		message string
	}{
		{"bearer", []string{"authorization", "Bearer " + text}, codes.OK, ""},
		{"lower case", []string{"authorization", "bearer " + text}, codes.OK, ""},
		{"upper case, also of the name", []string{"Authorization", "BEARER " + text}, codes.OK, ""},
		{"named", []string{"x-api-key", text}, codes.OK, ""},

		{"nothing", nil, codes.Unauthenticated, "no API key"},
		{"another scheme", []string{"authorization", "Basic " + text}, codes.Unauthenticated, "no API key"},
		{"no scheme", []string{"authorization", text}, codes.Unauthenticated, "no API key"},
		{"a scheme alone", []string{"authorization", "Bearer"}, codes.Unauthenticated, "no API key"},
		{"a longer scheme", []string{"authorization", "Bearerr " + text}, codes.Unauthenticated, "no API key"},

		{"an empty credential", []string{"authorization", "Bearer "}, codes.Unauthenticated, "invalid API key"},
		{"two spaces", []string{"authorization", "Bearer  " + text}, codes.Unauthenticated, "invalid API key"},
		{"a list", []string{"authorization", "Bearer " + text + ", Bearer " + text}, codes.Unauthenticated, "invalid API key"},
		{"a scheme in the other place", []string{"x-api-key", "Bearer " + text}, codes.Unauthenticated, "invalid API key"},

		{"twice", []string{"authorization", "Bearer " + text, "authorization", "Bearer " + text}, codes.Unauthenticated, "several credentials"},
		{"named twice", []string{"x-api-key", text, "x-api-key", text}, codes.Unauthenticated, "several credentials"},
		{"two places", []string{"authorization", "Bearer " + text, "x-api-key", text}, codes.Unauthenticated, "several credentials"},
		{"two schemes", []string{"authorization", "Basic x", "x-api-key", text}, codes.Unauthenticated, "several credentials"},
	} {
		ctx := sending(t, c.sent...)
		if got := status.Convert(s.check(ctx)); got.Code() != c.code || got.Message() != c.message {
			t.Errorf("%s: %v", c.what, got)
		}
		var got *status.Status
		if err := roundTrip(t, s.echo(t, ctx)); err != nil {
			got = status.Convert(err)
		}
		if got.Code() != c.code || got.Message() != c.message {
			t.Errorf("%s, stream: %v", c.what, got)
		}
	}
}

// The Kelvin sign and the long s fold to letters in Unicode. gRPC's own client sends no such bytes.
func TestSchemeIsASCII(t *testing.T) {
	t.Parallel()
	_, err := direct(t.Context(), verifier{key: &apikey.Key{}}, "authorization", "Bea\u017fer x")
	if status.Convert(err).Message() != "no API key" {
		t.Error(err)
	}
	if _, err = direct(t.Context(), verifier{key: &apikey.Key{}}, "authorization", "Bearer x"); err != nil {
		t.Error(err)
	}
}

// direct calls the interceptor without a connection, and returns the handler's context.
func direct(ctx context.Context, v grpcauth.Verifier, pairs ...string) (seen context.Context, err error) {
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs(pairs...))
	_, err = grpcauth.Unary(v)(ctx, nil, &grpc.UnaryServerInfo{FullMethod: checkMethod}, func(ctx context.Context, _ any) (any, error) {
		seen = ctx
		return nil, nil
	})
	return seen, err
}

// From outside, nobody can tell why a key is refused.
func TestRejectionsAreIdentical(t *testing.T) {
	t.Parallel()
	keys, bad := refusals(t)
	s := start(t, keys, nil)
	if len(bad) != 5 {
		t.Fatalf("%d ways of being refused", len(bad))
	}
	for reason, text := range bad {
		if _, err := keys.Verifier.Verify(t.Context(), text); !errors.Is(err, reason) {
			t.Errorf("control: %v; want %v", err, reason)
		}
		for _, sent := range [][]string{{"authorization", "Bearer " + text}, {"x-api-key", text}} {
			var header, trailer metadata.MD
			err := s.check(sending(t, sent...), grpc.Header(&header), grpc.Trailer(&trailer))
			stream := s.echo(t, sending(t, sent...))
			streamErr := stream.RecvMsg(nil)
			for _, got := range []struct {
				err             error
				header, trailer metadata.MD
			}{{err, header, trailer}, {streamErr, nil, stream.Trailer()}} {
				st := status.Convert(got.err)
				if st.Code() != codes.Unauthenticated || st.Message() != "invalid API key" || len(st.Details()) > 0 {
					t.Errorf("%v: %v", reason, st)
				}
				if len(got.header) > 0 || fmt.Sprint(map[string][]string(got.trailer)) != "map[content-type:[application/grpc]]" {
					t.Errorf("%v: header %v, trailer %v", reason, got.header, got.trailer)
				}
			}
		}
	}
	select {
	case <-s.seen:
		t.Error("a handler was called")
	default:
	}
}

func because(cause error) error { return fmt.Errorf("%w: canary: %w", apikey.ErrUnavailable, cause) }

// What says nothing about the key is never Unauthenticated, and tells nothing of itself.
func TestFailures(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	late, stop := context.WithDeadline(t.Context(), t0)
	defer stop()
	for _, c := range []struct {
		what    string
		ctx     context.Context
		err     error
		code    codes.Code
		message string
	}{
		{"overloaded", t.Context(), fmt.Errorf("%w: canary", apikey.ErrOverloaded), codes.Unavailable, unavailable},
		{"unavailable", t.Context(), fmt.Errorf("%w: canary", apikey.ErrUnavailable), codes.Unavailable, unavailable},
		{"unavailable, which wraps a rejection", t.Context(), because(apikey.ErrRevoked), codes.Unavailable, unavailable},
		{"overloaded, which wraps a rejection", t.Context(), fmt.Errorf("%w: %w", apikey.ErrOverloaded, apikey.ErrRevoked), codes.Unavailable, unavailable},
		{"neither a key nor an error", t.Context(), nil, codes.Unavailable, unavailable},
		{"anything else", t.Context(), errors.New("canary"), codes.Unavailable, unavailable},
		{"a status", t.Context(), status.Error(codes.OK+1, "canary"), codes.Unavailable, unavailable},
		{"a deadline within", t.Context(), because(context.DeadlineExceeded), codes.Unavailable, unavailable},
		{"the call was cancelled", ended, because(context.Canceled), codes.Canceled, "context canceled"},
		{"the call is over", late, because(context.DeadlineExceeded), codes.DeadlineExceeded, "context deadline exceeded"},
		{"a rejection of a call that is over", late, apikey.ErrRevoked, codes.Unauthenticated, "invalid API key"},
	} {
		seen, err := direct(c.ctx, verifier{err: c.err}, "x-api-key", "text")
		if got := status.Convert(err); got.Code() != c.code || got.Message() != c.message || len(got.Details()) > 0 || seen != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// The handler finds the key, and all of the metadata but the credential.
func TestWhatHandlersSee(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	s := start(t, keys, nil)
	key, text := keys.Create(t, apikey.CreateParams{Subject: "user_1"})
	for _, sent := range [][]string{{"authorization", "Bearer " + text}, {"x-api-key", text}} {
		ctx := sending(t, append(sent, "x-request", "1", "x-request", "2", "grpcgateway-authorization", "Bearer "+text)...)
		if err := s.check(ctx); err != nil {
			t.Fatal(err)
		}
		if err := roundTrip(t, s.echo(t, ctx)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			seen := <-s.seen
			if got, ok := apikey.FromContext(seen); !ok || got.ID() != key.ID() || got.Subject() != "user_1" {
				t.Errorf("%s: the key in the context is %v", sent[0], got)
			}
			md, ok := metadata.FromIncomingContext(seen)
			if !ok || fmt.Sprint(md["x-request"]) != "[1 2]" || md["authorization"] != nil || md["x-api-key"] != nil || md["grpcgateway-authorization"] != nil {
				t.Errorf("%s: the handler sees %v", sent[0], map[string][]string(md))
			}
		}
	}
}

// A server that would refuse everybody does not start.
func TestNoVerifier(t *testing.T) {
	t.Parallel()
	for what, f := range map[string]func(){"Unary": func() { grpcauth.Unary(nil) }, "Stream": func() { grpcauth.Stream(nil) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}

// The metadata that came in belongs to whoever stands in front.
func TestMetadataIsCopied(t *testing.T) {
	t.Parallel()
	md := metadata.Pairs("authorization", "Bearer x", "x-request", "1")
	ctx := metadata.NewIncomingContext(t.Context(), md)
	called := false
	_, err := grpcauth.Unary(verifier{key: &apikey.Key{}})(ctx, nil, &grpc.UnaryServerInfo{FullMethod: checkMethod},
		func(ctx context.Context, _ any) (any, error) {
			called = true
			seen, _ := metadata.FromIncomingContext(ctx)
			if len(seen) != 1 {
				t.Errorf("the handler sees %v", map[string][]string(seen))
			}
			return nil, nil
		})
	if err != nil || !called || fmt.Sprint(map[string][]string(md)) != "map[authorization:[Bearer x] x-request:[1]]" {
		t.Errorf("%v, called %v, left %v", err, called, map[string][]string(md))
	}
}
