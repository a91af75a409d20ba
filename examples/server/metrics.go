package main

import (
	"bytes"
	"fmt"
	"net/http"
)

// metrics answers in the text format of Prometheus, version 0.0.4. There are no labels for single keys: they would
// make as many time series as there are keys, and tell readers of metrics who the customers are.
func (s *service) metrics(w http.ResponseWriter, _ *http.Request) {
	stats := s.verifier.Stats()
	var b bytes.Buffer
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }

	const outcomes = "apikey_verifications_total"
	family(outcomes, "counter", "Verifications by outcome.")
	for _, o := range []struct {
		name  string
		count uint64
	}{
		{"accepted", stats.Accepted}, {"malformed", stats.Malformed}, {"unknown", stats.Unknown}, {"revoked", stats.Revoked},
		{"expired", stats.Expired}, {"denied", stats.Denied}, {"overloaded", stats.Overloaded}, {"unavailable", stats.Unavailable},
	} {
		fmt.Fprintf(&b, "%s{outcome=%q} %d\n", outcomes, o.name, o.count)
	}
	for _, m := range []struct {
		name, kind, help string
		value            uint64
	}{
		{"apikey_verifications_warm_total", "counter", "Verifications answered from the cache alone.", stats.Warm},
		{"apikey_argon2_runs_total", "counter", "Runs of argon2 for verifications.", stats.Argon2Runs},
		{"apikey_argon2_waits_total", "counter", "Runs of argon2, for new keys too, that had to wait for a turn.", stats.Argon2Waits},
		{"apikey_argon2_refusals_total", "counter", "Runs of argon2, for new keys too, that got no turn.", stats.Argon2Refusals},
		{"apikey_store_reads_total", "counter", "Reads of the store by verifications.", stats.StoreReads},
		{"apikey_last_used_writes_total", "counter", "Last-used times written.", stats.LastUsedWrites},
		{"apikey_last_used_failures_total", "counter", "Batches of last-used times that failed, and times dropped.", stats.LastUsedFailures},
		{"apikey_cached_credentials", "gauge", "Credentials in the cache.", uint64(stats.CachedEntries)},
		{"apikey_cached_bytes", "gauge", "Memory of the cache in bytes.", uint64(stats.CachedBytes)},
	} {
		family(m.name, m.kind, m.help)
		fmt.Fprintf(&b, "%s %d\n", m.name, m.value)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b.Bytes())
}
