package pgstore_test

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// A change that has to wait for too long is undone by the database, under a statement_timeout. Revoke says so, and nothing but that key
// is the worse for it.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	issuing := p.openAt(with(t, p.dsn, "statement_timeout", "300"), pgstore.Options{})
	verifying := p.open(pgstore.Options{Poll: faultPoll})
	tr := newTraffic(t, issuing, verifying, 10)
	told := watch(t, issuing)
	for what, locks := range map[string]string{
		"the key is held":  "select from apikey_keys for update",
		"the feed is held": "select from apikey_feed for update",
	} {
		lock, err := p.connect().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Exec(t.Context(), locks); err != nil {
			t.Fatal(err)
		}
		told.forget()
		k, err := tr.revoke(t.Context())
		if err == nil {
			t.Errorf("%s: Revoke reports success", what)
		}
		wantUnavailable(t, what+": Revoke", err)
		if len(idsOf(told.sofar())) == 0 {
			t.Errorf("%s: the store's own watchers know nothing of a change that may have been made", what)
		}
		if err := tr.ask(t.Context(), k); err != nil {
			t.Errorf("%s: the key, which is not revoked: %v", what, err)
		}
		tr.ask(t.Context(), tr.keys[0])
		if err := lock.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := tr.revokeKey(t.Context(), k); err != nil {
			t.Errorf("%s: revoked again: %v", what, err)
		}
		tr.refused(t, k)
	}
	t.Logf("warm again after %v", tr.settle(t))
}
