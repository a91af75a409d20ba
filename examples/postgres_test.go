package examples_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// bound is that of the server's Verifier: how old what it knows of others may be.
const bound = time.Second

// TestServerOnPostgres runs several servers on one database.
func TestServerOnPostgres(t *testing.T) {
	t.Parallel()
	binary := build(t, "server")
	for name, test := range map[string]func(*testing.T, string){
		"two servers": twoServers, "outage": outage, "refused start": refusedDatabase,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary)
		})
	}
}

// startOn starts a server on a database, one of several for the same issuer.
func startOn(t *testing.T, binary, dsn, schema string) *process {
	t.Helper()
	env := []string{keyring, "APIKEY_ADMIN_TOKEN=" + adminToken, "APIKEY_STORE=" + dsn}
	return launch(t, binary, env, "-schema", schema, "-issuer", "https://auth.example.com")
}

// What one server creates is good at the other, and what one revokes, the other refuses within the bound: keys, and
// the tokens that either has made of them.
func twoServers(t *testing.T, binary string) {
	dsn, schema := pgtest.Schema(t)
	servers := []*process{startOn(t, binary, dsn, schema), startOn(t, binary, dsn, schema)}
	for i, s := range servers {
		other := servers[1-i]
		call(t, "GET", s.URL+"/healthz", "", "", http.StatusOK)
		key, kept := create(t, s, "from "+s.URL), create(t, s, "kept, from "+s.URL)
		call(t, "POST", other.URL+"/api_keys", other.Token, createBody("kept, from "+s.URL), http.StatusConflict) // names are unique
		token := exchange(t, s.URL, key, nil)
		for _, p := range servers {
			for _, credential := range []string{key.Secret, token, kept.Secret} {
				call(t, "GET", p.URL+"/whoami", credential, "", http.StatusOK)
			}
		}
		call(t, "POST", s.URL+"/api_keys/"+key.ID+"/revoke", s.Token, "", http.StatusOK)
		died := time.Now()
		for _, credential := range []string{key.Secret, token} {
			call(t, "GET", s.URL+"/whoami", credential, "", http.StatusUnauthorized)
			took := untilRefused(t, other.URL+"/whoami", credential, died, bound)
			t.Logf("refused by the other server after %v", took.Round(time.Millisecond))
		}
		for _, p := range servers {
			call(t, "GET", p.URL+"/whoami", kept.Secret, "", http.StatusOK)
		}
	}
	servers[0].stop(t) // which is nothing to the other
	create(t, servers[1], "alone")
}

// A server that can't reach the database accepts nothing that may have died meanwhile, says so, and comes back by itself.
func outage(t *testing.T, binary string) {
	dsn, schema := pgtest.Schema(t)
	proxy := pgtest.NewProxy(t, dsn)
	s, cut := startOn(t, binary, dsn, schema), startOn(t, binary, proxy.DSN(), schema)
	live, dead := create(t, s, "live"), create(t, s, "dead")
	for _, key := range []object{live, dead} {
		call(t, "GET", cut.URL+"/whoami", key.Secret, "", http.StatusOK)
	}
	proxy.Refuse(true)
	proxy.Cut()
	call(t, "POST", s.URL+"/api_keys/"+dead.ID+"/revoke", s.Token, "", http.StatusOK)
	died := time.Now()
	poll(t, cut.URL+"/whoami", dead.Secret, func(status int, asked time.Time) bool {
		if status == http.StatusOK && asked.Sub(died) > bound {
			t.Fatalf("accepted when asked %v after its end", asked.Sub(died))
		}
		return status == http.StatusServiceUnavailable
	})
	call(t, "GET", cut.URL+"/whoami", live.Secret, "", http.StatusServiceUnavailable)
	call(t, "GET", cut.URL+"/healthz", "", "", http.StatusServiceUnavailable)
	call(t, "GET", s.URL+"/whoami", live.Secret, "", http.StatusOK)

	proxy.Refuse(false)
	poll(t, cut.URL+"/whoami", dead.Secret, func(status int, _ time.Time) bool {
		if status == http.StatusOK {
			t.Fatal("accepted after the outage")
		}
		return status == http.StatusUnauthorized
	})
	call(t, "GET", cut.URL+"/whoami", live.Secret, "", http.StatusOK)
	call(t, "GET", cut.URL+"/healthz", "", "", http.StatusOK)
	if log := cut.stop(t); !strings.Contains(log, `"msg":"pgstore: `) {
		t.Errorf("the store has logged nothing:\n%s", tail(log))
	}
}

// poll asks until an answer is the last one.
func poll(t *testing.T, url, bearer string, last func(status int, asked time.Time) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Now()
		a, err := do(ctx, http.DefaultClient, "GET", url, bearer, "")
		if err != nil {
			t.Fatal(err)
		}
		if last(a.Status, asked) {
			return
		}
		<-tick.C
	}
}

// What it does not start with. It says why, and repeats no password.
func refusedDatabase(t *testing.T, binary string) {
	const password = "TopSecretTopSecret"
	nobody := "postgres://user:" + password + "@127.0.0.1:1/keys"
	db := filepath.Join(t.TempDir(), "keys.db")
	for _, c := range []struct {
		name, env string // of APIKEY_STORE
		args      []string
		code      int
		says      string
	}{
		{"nobody there", nobody, nil, 1, "pgstore: connect"},
		{"nobody there, by the flag", "", []string{"-store", nobody}, 1, "pgstore: connect"},
		{"flag wins", "/" + password, []string{"-store", nobody}, 1, "pgstore: connect"},
		{"file, too", nobody, []string{"-db", db}, 2, "name one of them"},
		{"file, too, by the flag", "", []string{"-db", db, "-store", nobody}, 2, "name one of them"},
		{"nothing", " \n", nil, 1, "APIKEY_STORE is set, but empty"},
		{"nothing, by the flag", "", []string{"-store", ""}, 1, "-store is empty"},
		{"keywords and values", "host=127.0.0.1 password=" + password, nil, 1, "does not begin with postgres://"},
		{"no port", "postgres://user:" + password + "@127.0.0.1:port/keys", nil, 1, "the DSN is neither"},
		{"name of no schema", nobody, []string{"-schema", "API keys"}, 1, "pgstore: Schema: "},
		{"schema in a file", "", []string{"-schema", "keys"}, 2, "-schema"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := []string{"APIKEY_ADMIN_TOKEN=" + adminToken}
			if c.env != "" {
				env = append(env, "APIKEY_STORE="+c.env)
			}
			code, stdout, stderr := ended(t, binary, env, append(c.args, "-addr", "127.0.0.1:0")...)
			if code != c.code || !strings.Contains(stderr, c.says) || stdout != "" {
				t.Errorf("code %d, want %d, and %q in %q; printed %q", code, c.code, c.says, stderr, stdout)
			}
			if strings.Contains(stderr, password) {
				t.Errorf("it repeats the password: %q", stderr)
			}
		})
	}
}
