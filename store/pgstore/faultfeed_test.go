package pgstore_test

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// feedOf is the backend of the connection on which a Store follows the log.
const feedOf = `from pg_stat_activity where pid <> pg_backend_pid() and (query = 'LISTEN "apikey_'||current_schema||'"'
	or query like '%"'||current_schema||'".apikey_changes WHERE sequence >=%' or query like '%"'||current_schema||'".apikey_changes ORDER BY sequence DESC LIMIT 1')`

// The connection to the feed is lost time and again. That loses nothing, so there is no need to distrust what was read.
func TestFeedIsKilled(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	issuing, verifying := p.open(pgstore.Options{}), p.open(pgstore.Options{Poll: faultPoll})
	tr := newTraffic(t, issuing, verifying, 20)
	told := watch(t, verifying)
	told.forget()
	for range 20 {
		killed := false
		waitFor(t, "there is a feed to kill", func() bool {
			killed = killed || p.number("select count(pg_terminate_backend(pid)) "+feedOf) > 0
			return killed
		})
		tr.refused(t, tr.mustRevoke(t))
	}
	if all := told.newer(t); anyGap(all) {
		t.Error("a Gap, and nothing was lost, so that all keys were read anew each time")
	}
	if n := len(idsOf(told.sofar())); n < 20 {
		t.Errorf("told of %d changes, want 20", n)
	}
	t.Logf("warm again after %v", tr.settle(t))
}
