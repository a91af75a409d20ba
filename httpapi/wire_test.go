package httpapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// exchange sends bytes over a connection of its own and reads one answer.
func exchange(t *testing.T, s *httptest.Server, request string, end bool) (status int, header http.Header, body string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if end {
		conn.(*net.TCPConn).CloseWrite()
	}
	lines := bufio.NewReader(conn)
	answer, err := http.ReadResponse(lines, nil)
	if err == nil && answer.StatusCode == http.StatusContinue {
		answer, err = http.ReadResponse(lines, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

// Bodies as they come over a connection: in chunks, cut off, too long, compressed.
func TestBodiesOverAConnection(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, &noUniqueNames)
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	good := with("name", `"deploy"`)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, good)
	z.Close()
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	long := strings.Repeat(" ", 64<<10)
	for what, c := range map[string]struct {
		headers, body string
		end           bool
		want          int
	}{
		"chunked":                {"Transfer-Encoding: chunked\r\n", chunk(good[:9]) + chunk(good[9:]) + "0\r\n\r\n", false, 201},
		"chunked, cut off":       {"Transfer-Encoding: chunked\r\n", chunk(good[:9]), true, 400},
		"chunked, too long":      {"Transfer-Encoding: chunked\r\n", chunk(good) + chunk(long) + "0\r\n\r\n", false, 400},
		"no chunks":              {"Transfer-Encoding: chunked\r\n", "zz\r\n", true, 400},
		"cut off":                {fmt.Sprintf("Content-Length: %d\r\n", len(good)+1), good, true, 400},
		"too long":               {fmt.Sprintf("Content-Length: %d\r\n", len(good+long)), good + long, false, 400},
		"none":                   {"Content-Length: 0\r\n", "", false, 400},
		"compressed":             {fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", zipped.Len()), zipped.String(), false, 400},
		"of another type":        {fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n", len(good)), good, false, 201},
		"asks before it is sent": {fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(good)), good, false, 201},
	} {
		status, header, body := exchange(t, s, "POST /v1/api_keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+token+"\r\n"+c.headers+"\r\n"+c.body, c.end)
		if status != c.want || header.Get("Content-Type") != "application/json" || !json.Valid([]byte(body)) {
			t.Errorf("%s: %d %v %.100s", what, status, header, body)
		}
	}
}

// Clients send a Content-Type where there is no body, and versions of Clerk's API, and old clients numbers
// with a fraction.
func TestRequestsOfClients(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	const python = "speakeasy-sdk/python 6.0.1 2.904.2 2026-05-12 clerk-backend-api"
	send := func(want int, method, target, body, agent string) object {
		t.Helper()
		w := a.send(t.Context(), method, target, strings.NewReader(body), "Authorization", "Bearer "+token, "User-Agent", agent,
			"Content-Type", "application/json", "Accept", "application/json", "Clerk-API-Version", "2025-11-10")
		wantReply(t, w, want)
		var o object
		json.Unmarshal(w.Body.Bytes(), &o)
		return o
	}
	for agent, status := range map[string]int{python: 201, "speakeasy-sdk/ruby 7.0.0 2.9 x clerk-http-client": 200, "@clerk/backend@3.25.0": 201} {
		made := send(status, "POST", "/v1/api_keys", `{"type":"api_key","name":"deploy","description":null,"subject":"`+subject+`","claims":null,"scopes":[],`+
			`"created_by":null,"seconds_until_expiration":60.0}`, agent)
		path := "/v1/api_keys/" + made["id"].(string)
		send(200, "GET", "/v1/api_keys?subject="+subject+"&type=api_key&include_invalid=false&limit=10.0&offset=0.0", "", agent)
		send(200, "GET", path, "", agent)
		send(200, "PATCH", path, `{"claims":{"a":1.0},"subject":"`+subject+`","seconds_until_expiration":3600.0}`, agent)
		send(200, "POST", "/api_keys/verify", `{"secret":"`+made["secret"].(string)+`"}`, agent)
		send(200, "POST", path+"/revoke", `{"revocation_reason":null}`, agent)
		send(200, "DELETE", path, "null", agent)
	}
}

// Claims come back in the bytes that they were given in, where JSON for HTML would have others.
func TestClaimsAreVerbatim(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	const claims = "{\"html\":\"<a href='x'>&amp;</a>\",\"line\":\"\u2028\",\"escaped\":\"\\u003c\",\"n\":1.50e2}"
	created := a.call(t, "POST", "/api_keys", with("claims", claims))
	id, _ := made(t, created)
	for what, reply := range map[string]*httptest.ResponseRecorder{
		"create": created, "get": a.call(t, "GET", "/api_keys/"+id, ""), "list": a.call(t, "GET", "/api_keys?subject="+subject, ""),
		"rotate": a.call(t, "POST", "/api_keys/"+id+"/rotate", ""),
	} {
		if !strings.Contains(reply.Body.String(), `"claims":`+claims+`,`) {
			t.Errorf("%s: %s", what, reply.Body)
		}
	}
}

// What something outside has set does not stand beside what is set here.
func TestHeadersOfAnother(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	for _, target := range []string{"/api_keys?subject=" + subject, "/nothing", "/openapi.json"} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "public")
		r := httptest.NewRequestWithContext(t.Context(), "GET", target, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		a.ServeHTTP(w, r)
		wantReply(t, w, w.Code)
	}
}

// A rule for subjects that takes "" does not make everybody's keys one list.
func TestNoSubject(t *testing.T) {
	t.Parallel()
	h := newAPI(t, &httpapi.Options{ValidSubject: func(string) bool { return true }}, nil)
	h.create(t, subject)
	for _, query := range []string{"", "?subject="} {
		h.refused(t, 400, "bad_request", "subject", "GET", "/api_keys"+query, "")
	}
	for member, value := range map[string]string{"subject": text(256, "x"), "created_by": text(256, "x")} { // for apikey to refuse
		h.refused(t, 400, "bad_request", member, "POST", "/api_keys", with(member, value))
	}
	h.refused(t, 400, "bad_request", "description", "POST", "/api_keys", with("description", text(256, "x")))
}

// The number of a key's secrets is used up at last. That is nothing that goes away by trying again.
func TestLastRotation(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	a.edit(t, id, func(r *apikey.Record) { r.Credentials[0].Number = 65535 })
	a.refused(t, 400, "bad_request", "id", "POST", "/api_keys/"+id+"/rotate", "")
}
