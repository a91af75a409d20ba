package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// service is what the routes share.
type service struct {
	store    apikey.Store
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	tokens   *tokens
	logger   *slog.Logger
}

// requestTimeout ends the wait for a database that is silent: after the time that a body may take, and so long before the
// server's WriteTimeout that the client is told.
const requestTimeout = 20 * time.Second

// routes returns the handler of every path.
func (s *service) routes(adminToken string) (http.Handler, error) {
	api, err := httpapi.New(s.issuer, s.verifier, &httpapi.Options{Tokens: []string{adminToken}, Logger: s.logger})
	if err != nil {
		return nil, fmt.Errorf("APIKEY_ADMIN_TOKEN: %w", err)
	}
	options := httpauth.Options{OnResult: s.logRefusal}
	// Keys last: what their Verifier is asked about, it counts, and a token would be a malformed key.
	credentials := httpauth.AnyOf(s.tokens.verifier, s.verifier)
	auth := httpauth.Middleware(credentials, &options)

	mux := http.NewServeMux()
	mux.Handle("GET /whoami", auth(http.HandlerFunc(whoami)))
	mux.Handle("GET /admin/report", auth(httpauth.RequireScopes("admin")(http.HandlerFunc(s.report))))
	mux.Handle("/auth", httpauth.Forward(credentials, &httpauth.ForwardOptions{Options: options, Scopes: httpauth.ScopesFromQuery}))
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	// The API and the tokens do their own routing. A ServeMux in front of them would answer /api_keys// with a
	// redirect in HTML, where their clients expect JSON.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		switch path := r.URL.EscapedPath(); {
		case isManagement(path):
			api.ServeHTTP(w, r)
		case s.tokens.serves(path):
			s.tokens.handler.ServeHTTP(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	}), nil
}

// isManagement reports whether a path belongs to the API.
func isManagement(path string) bool {
	path = strings.TrimPrefix(path, "/v1")
	return path == "/openapi.json" || path == "/api_keys" || strings.HasPrefix(path, "/api_keys/")
}

// logRefusal gets no secret, so it can log all that it gets.
func (s *service) logRefusal(ctx context.Context, result httpauth.Result) {
	if result.Err == nil {
		return
	}
	level := slog.LevelInfo
	if result.Status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	s.logger.Log(ctx, level, "refused", "reason", result.Reason(), "status", result.Status,
		"source", string(result.Source), "key", result.KeyID, "err", result.Err)
}

// whoami tells clients what the server knows of their key. In a token there is no name.
func whoami(w http.ResponseWriter, r *http.Request) {
	key, _ := apikey.FromContext(r.Context()) // the middleware has put it there
	writeJSON(w, http.StatusOK, struct {
		ID      string          `json:"id"`
		Subject string          `json:"subject"`
		Name    string          `json:"name"`
		Scopes  []string        `json:"scopes"`
		Claims  json.RawMessage `json:"claims"`
	}{key.ID(), key.Subject(), key.Name(), append([]string{}, key.Scopes()...), key.Claims()})
}

// report stands for a route that not every key may call.
func (s *service) report(w http.ResponseWriter, _ *http.Request) {
	stats := s.verifier.Stats()
	writeJSON(w, http.StatusOK, map[string]uint64{"accepted": stats.Accepted, "revoked": stats.Revoked, "argon2_runs": stats.Argon2Runs})
}

// healthTimeout is how long the store may take to answer. Who asks for health waits no longer, and would call the server dead.
const healthTimeout = 2 * time.Second

// health asks the store for a value that is not there: what counts is that it answers, and in time. That it can be written
// to is not tried; a full disk shows in answers 503.
func (s *service) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	if _, err := s.store.Value(ctx, "healthz"); err != nil {
		s.logger.WarnContext(r.Context(), "the store does not answer", "err", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
