// Resource is a second process beside examples/server: it holds no keys and no store, takes the tokens that the
// server has made of keys, and learns from it within seconds which of them have died.
//
//	go run ./examples/resource -issuer http://127.0.0.1:8080 -addr 127.0.0.1:8081
//
// It speaks plain HTTP, for the same machine: put what terminates TLS in front before anybody else calls it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// shutdownTimeout is how long requests under way have to end.
const shutdownTimeout = 8 * time.Second

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "`address` to listen on; port 0 takes a free one")
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "`URL` of the server that makes the tokens, as it is named in them")
	audience := flag.String("audience", "", "`name` that tokens have to be made for (default the issuer)")
	refresh := flag.Duration("refresh", 5*time.Second, "within what `time` the death of a key is known here, from 1s to 10m")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(flag.CommandLine.Output(), "resource takes flags and no other arguments")
		flag.Usage()
		os.Exit(2)
	}
	if *audience == "" {
		*audience = *issuer
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *addr, *issuer, *audience, *refresh); err != nil {
		fmt.Fprintln(os.Stderr, "resource:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr, issuer, audience string, refresh time.Duration) (err error) {
	if addr == "" { // which would be every address of the machine
		return errors.New("-addr is empty")
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	tokens, err := sts.NewVerifier(issuer, audience, &sts.VerifierOptions{Refresh: refresh, Logger: logger})
	if err != nil {
		return fmt.Errorf("-issuer, -audience, -refresh: %w", err)
	}
	defer func() { err = errors.Join(err, tokens.Close()) }()

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close() // where Serve has not
	server := &http.Server{
		Handler:           routes(tokens, logger),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if _, err := fmt.Printf("listening on http://%s\n", listener.Addr()); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		logger.Warn("requests were cut off", "err", err)
		return server.Close()
	}
	return nil
}

// routes returns the handler of every path.
func routes(tokens *sts.Verifier, logger *slog.Logger) http.Handler {
	auth := httpauth.Middleware(tokens, &httpauth.Options{OnResult: func(ctx context.Context, r httpauth.Result) {
		if r.Err != nil { // which holds no secret
			logger.InfoContext(ctx, "refused", "reason", r.Reason(), "status", r.Status, "key", r.KeyID, "err", r.Err)
		}
	}})
	mux := http.NewServeMux()
	mux.Handle("GET /whoami", auth(http.HandlerFunc(whoami)))
	mux.Handle("GET /report", auth(httpauth.RequireScopes("admin")(http.HandlerFunc(report))))
	// That the server can't be reached is nothing that a restart of this process would mend.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]string{"status": "ok"}) })
	return mux
}

// whoami tells clients what the token says of its key.
func whoami(w http.ResponseWriter, r *http.Request) {
	key, _ := apikey.FromContext(r.Context()) // the middleware has put it there
	writeJSON(w, struct {
		ID      string          `json:"id"`
		Subject string          `json:"subject"`
		Scopes  []string        `json:"scopes"`
		Claims  json.RawMessage `json:"claims"`
	}{key.ID(), key.Subject(), append([]string{}, key.Scopes()...), key.Claims()})
}

// report stands for a route that not every token may call.
func report(w http.ResponseWriter, r *http.Request) {
	key, _ := apikey.FromContext(r.Context())
	writeJSON(w, map[string]string{"for": key.Subject()})
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}
