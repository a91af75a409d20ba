package pgtest

import (
	"os"
	"os/user"
	"strconv"
	"testing"
)

// account is who runs a server: PostgreSQL and PgBouncer refuse root.
type account struct {
	uid, gid int
	other    bool // than the one that runs the test
}

func unprivileged(t testing.TB) account {
	t.Helper()
	if os.Geteuid() != 0 {
		return account{}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			continue
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			continue
		}
		return account{uid, gid, true}
	}
	t.Fatal("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")
	return account{}
}

// folder makes a folder of the account's. t.TempDir is inside of one that others may not enter, and its path may be
// too long for a unix socket.
func (a account) folder(t testing.TB) string {
	t.Helper()
	parent := ""
	if a.other {
		parent = "/tmp" // TMPDIR may be root's alone
	}
	folder, err := os.MkdirTemp(parent, "pgtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	if a.other {
		if err := os.Chown(folder, a.uid, a.gid); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
