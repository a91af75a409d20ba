package sts_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/rpc"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// storeVariable has the address of the store that a process of this test is to serve.
const storeVariable = "APIKEY_STS_TEST_STORE"

func TestMain(m *testing.M) {
	if address := os.Getenv(storeVariable); address != "" {
		if err := serveFrom(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveFrom is a process with a service whose store is elsewhere. It ends with its input.
func serveFrom(address string) error {
	client, err := rpc.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer client.Close()
	store := &farStore{client: client}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		return err
	}
	defer verifier.Close()
	ring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		return err
	}
	service, err := sts.NewService(store, verifier, issuer, &sts.ServiceOptions{
		Keyring: ring, Audiences: []string{audience}, Rotation: 2 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	handler, err := sts.Handler(service, &sts.Options{Tokens: []string{admin}})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	io.Copy(io.Discard, os.Stdin)
	return server.Close()
}

// process is a running serveFrom.
type process struct {
	url string
	cmd *exec.Cmd
	in  io.Closer
}

func startProcess(t *testing.T, address string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), storeVariable+"="+address)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("a process did not start: %v", err)
	}
	p := &process{strings.TrimSpace(line), cmd, in}
	t.Cleanup(p.end)
	return p
}

func (p *process) end() {
	p.in.Close()
	p.cmd.Wait()
}

func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	response, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	return body(t, response)
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%d %s, %v", response.StatusCode, text, err)
	}
	return string(text)
}

func (p *process) verifier(t *testing.T) *sts.Verifier {
	t.Helper()
	v, err := sts.NewVerifier(issuer, audience, &sts.VerifierOptions{
		JWKSURL: p.url + "/.well-known/jwks.json", RevocationsURL: p.url + "/oauth/revocations", Refresh: time.Second, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// Processes on one store publish one set of signing keys, from the first request on, through rotations and restarts;
// what one signs the others accept, and what died by another's hand is dead with all.
func TestProcesses(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Store: memstore.New()})
	address := serveStore(t, keys.Store)
	processes := []*process{startProcess(t, address), startProcess(t, address)}
	key, text := keys.Create(t, apikey.CreateParams{})

	sets := make([]string, 8)
	var wg sync.WaitGroup
	for i := range sets {
		wg.Go(func() { sets[i] = processes[i%2].get(t, "/.well-known/jwks.json") })
	}
	wg.Wait()
	if len(slices.Compact(slices.Clone(sets))) != 1 || !strings.Contains(sets[0], `"kid"`) {
		t.Fatalf("several sets at first: %q", sets)
	}

	exchange := func(p *process) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(key.ID(), text)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer := body(t, response)
		_, rest, _ := strings.Cut(answer, `"access_token":"`)
		token, _, found := strings.Cut(rest, `"`)
		if !found {
			t.Fatal(answer)
		}
		return token
	}
	verifiers := []*sts.Verifier{processes[0].verifier(t), processes[1].verifier(t)}
	kids := map[string]bool{}
	var token string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		for i, p := range processes {
			token = exchange(p)
			kids[kid(t, token)] = true
			wantAlive(t, "by the set of the other", verifiers[1-i], token)
		}
	}
	if len(kids) < 2 {
		t.Errorf("%d keys have signed", len(kids))
	}
	// Between two reads of the set one process may have the next key before the other.
	same := false
	for end := time.Now().Add(10 * time.Second); !same && time.Now().Before(end); {
		same = processes[0].get(t, "/.well-known/jwks.json") == processes[1].get(t, "/.well-known/jwks.json")
	}
	if !same {
		t.Error("two sets in the end")
	}

	processes[0].end()
	processes[0] = startProcess(t, address)
	wantAlive(t, "after a restart", processes[0].verifier(t), token)

	start := time.Now()
	if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	for _, p := range processes { // which hold the store
		request, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/oauth/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "Bearer "+admin)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if got := body(t, response); got != `{"active":false}` {
			t.Errorf("revoked by another: %s", got)
		}
	}
	_, err := refusedAfter(t, verifiers[1], token) // which does not
	if !errors.Is(err, apikey.ErrRevoked) {
		t.Error(err)
	}
	t.Logf("revoked: the processes with the store refuse at once, one without after %v of 1 s", time.Since(start))
}

// serveStore serves a store to other processes.
func serveStore(t *testing.T, store apikey.Store) string {
	t.Helper()
	server := rpc.NewServer()
	if err := server.RegisterName("Store", &nearStore{store}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go server.ServeConn(connection)
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}
