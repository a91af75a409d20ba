package openapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// exchange is a request that was made, and its reply.
type exchange struct {
	operation
	*httptest.ResponseRecorder
}

// session collects exchanges.
type session struct{ all []exchange }

// do makes a request; {id} in the path is the id.
func (s *session) do(ctx context.Context, h api, o operation, id, query, body string, headers ...string) int {
	target := strings.ReplaceAll(o.path, "{id}", id)
	if query != "" {
		target += "?" + query
	}
	w := h.call(ctx, o.method, target, body, headers...)
	s.all = append(s.all, exchange{o, w})
	return w.Code
}

var (
	create  = operation{"POST", "/api_keys"}
	list    = operation{"GET", "/api_keys"}
	verify  = operation{"POST", "/api_keys/verify"}
	get     = operation{"GET", "/api_keys/{id}"}
	update  = operation{"PATCH", "/api_keys/{id}"}
	remove  = operation{"DELETE", "/api_keys/{id}"}
	secret  = operation{"GET", "/api_keys/{id}/secret"}
	revoke  = operation{"POST", "/api_keys/{id}/revoke"}
	rotate  = operation{"POST", "/api_keys/{id}/rotate"}
	openAPI = operation{"GET", "/openapi.json"}
)

// sample is a good request of each operation on keys, and a bad one.
type sample struct {
	operation
	query, body       string // SECRET is that of the key
	badQuery, badBody string // of those without an id
	status            int    // of the good one
}

var samples = []sample{
	{create, "", `{"name":"new","subject":"` + subject + `"}`, "", `{}`, 201},
	{list, "subject=" + subject, "", "", "", 200},
	{verify, "", `{"secret":"SECRET"}`, "", `{"secret":""}`, 200},
	{get, "", "", "", "", 200},
	{update, "", `{"description":"x"}`, "", "", 200},
	{remove, "", "", "", "", 200},
	{secret, "", "", "", "", 403},
	{revoke, "", "", "", "", 200},
	{rotate, "", "", "", "", 200},
}

func authorize(c httpapi.Caller, err error) httpapi.Options {
	return httpapi.Options{Authorize: func(*http.Request) (httpapi.Caller, error) { return c, err }}
}

// worlds are servers in which every operation on keys is answered with one status.
var worlds = []struct {
	status int // 0: that of the sample
	opts   httpapi.Options
	fault  int // which call to the store fails
}{
	{status: 0},
	{status: 401, opts: authorize(httpapi.Caller{}, errors.New("who?"))},
	{status: 403, opts: authorize(httpapi.Caller{All: true}, &httpapi.Error{Status: 403})},
	{status: 404, opts: authorize(httpapi.Caller{Subjects: []string{other}}, nil)},
	{status: 500, opts: httpapi.Options{Authorize: func(*http.Request) (httpapi.Caller, error) { panic("Authorize") }}},
	{status: 503, fault: 1},
}

// everyStatus makes the requests that have the same statuses in all operations.
func (s *session) everyStatus(t *testing.T) {
	t.Helper()
	for _, world := range worlds {
		for _, o := range samples {
			store := memstore.New()
			key, text := apikeytest.New(t, &apikeytest.Options{Store: store}).Create(t, apikey.CreateParams{Subject: subject})
			fault := storetest.Fault{Call: world.fault}
			h := newAPI(t, world.opts, &apikeytest.Options{Store: fault.Wrap(store)})
			status := world.status
			if status == 0 {
				status = o.status
			}
			if got := s.do(t.Context(), h, o.operation, key.ID(), o.query, strings.ReplaceAll(o.body, "SECRET", text)); got != status {
				t.Errorf("%s: %d; want %d", o.operation, got, status)
			}
		}
	}
	h := newAPI(t, httpapi.Options{}, nil)
	limited := api{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteError(w, &httpapi.Error{Status: http.StatusTooManyRequests, RetryAfter: time.Minute})
	}), nil}
	for _, o := range samples {
		s.want(t, 400, h, o.operation, "nobody", o.badQuery, o.badBody)
		s.want(t, 401, h, o.operation, unknown, o.query, o.body, "Authorization", "Bearer another")
		s.want(t, 429, limited, o.operation, unknown, o.query, o.body)
		if strings.Contains(o.path, "{id}") {
			s.want(t, 404, h, o.operation, unknown, o.query, o.body)
		}
	}
	s.want(t, 200, h, openAPI, "", "", "")
	s.want(t, 429, limited, openAPI, "", "", "")
}

// want is do for a request whose status is known.
func (s *session) want(t *testing.T, status int, h api, o operation, id, query, body string, headers ...string) {
	t.Helper()
	if got := s.do(t.Context(), h, o, id, query, body, headers...); got != status {
		t.Errorf("%s %s: %d; want %d", o, query, got, status)
	}
}

// particulars makes the requests that one operation alone answers so, and those that give fields all their kinds of values.
func (s *session) particulars(t *testing.T) {
	t.Helper()
	h := newAPI(t, httpapi.Options{}, &apikeytest.Options{Issuer: apikey.IssuerOptions{UniqueNames: true}})
	full := `{"name":"full","subject":"` + subject + `","type":"other","description":"x","claims":{"a":[1e400,null]},"scopes":["read","write"],
		"created_by":"` + subject + `","seconds_until_expiration":3600.5}`
	s.want(t, 201, h, create, "", "", full)
	s.want(t, 409, h, create, "", "", full)
	s.want(t, 200, h, create, "", "", `{"name":"ruby","subject":"`+subject+`"}`, "User-Agent", "speakeasy-sdk/ruby 7.0.0 x x x")
	s.want(t, 404, h, verify, "", "", `{"secret":"nobody's"}`)

	id, text := h.create(t, "moved")
	h.Keys.Create(t, apikey.CreateParams{Subject: other, Name: "moved"})
	s.want(t, 409, h, update, id, "", `{"subject":"`+other+`"}`)
	s.want(t, 200, h, update, id, "", `{"claims":"text","seconds_until_expiration":60,"description":"\"","scopes":["a"]}`)
	s.want(t, 200, h, verify, "", "", `{"secret":"`+text+`"}`)
	r := h.record(t, id)
	if err := h.Store.RecordUse(t.Context(), []apikey.Use{{ID: r.ID, Number: 1, At: r.CreatedAt}}); err != nil {
		t.Fatal(err)
	}
	s.want(t, 200, h, get, id, "", "")
	s.want(t, 200, h, rotate, id, "", `{"grace_seconds":60}`)
	s.want(t, 200, h, revoke, id, "", `{"revocation_reason":"leaked"}`)
	for _, o := range []operation{get, revoke} {
		s.want(t, 200, h, o, id, "", "")
	}
	s.want(t, 400, h, rotate, id, "", "")
	s.want(t, 400, h, update, id, "", "{}")

	expired, _ := h.create(t, "expired")
	r = h.record(t, expired)
	r.ExpiresAt = time.UnixMilli(1e12).UTC()
	if err := h.Store.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.want(t, 200, h, get, expired, "", "")
	s.want(t, 200, h, list, "", "include_invalid=true&subject="+subject, "")
	s.want(t, 200, h, list, "", "limit=1&subject="+subject, "")
	s.want(t, 200, h, list, "", "offset=9&subject="+subject, "")

	quota := newAPI(t, httpapi.Options{Quota: func(_ context.Context, subject string) error {
		if subject == other {
			panic("Quota")
		}
		return errors.New("too many")
	}}, nil)
	s.want(t, 403, quota, create, "", "", `{"name":"new","subject":"`+subject+`"}`)
	s.want(t, 500, quota, create, "", "", `{"name":"new","subject":"`+other+`"}`)
}

// wrongReplies says which of the replies are not as the document says, and which ones that it has did not come.
func wrongReplies(d *document, all []exchange) (problems []string) {
	for _, e := range all {
		if err := d.reply(e.operation, e.Code, e.Header(), e.Body.Bytes()); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %d: %v", e.operation, e.Code, err))
		}
	}
	for _, o := range d.operations() {
		responses, _ := d.at(o.at("responses")...)
		statuses, _ := responses.(map[string]any)
		for status := range statuses {
			if !slices.ContainsFunc(all, func(e exchange) bool { return e.operation == o && fmt.Sprint(e.Code) == status }) {
				problems = append(problems, fmt.Sprintf("%s: %s is never answered", o, status))
			}
		}
	}
	return problems
}

// Every reply is as the document says, and every one that it has comes.
func TestReplies(t *testing.T) {
	t.Parallel()
	var s session
	s.everyStatus(t)
	s.particulars(t)
	for _, problem := range wrongReplies(parsed(t, served(t)), s.all) {
		t.Error(problem)
	}
}

// With another prefix and other subjects, too, the document served is true.
func TestRepliesOfOtherOptions(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Options{ValidSubject: func(s string) bool { return strings.HasPrefix(s, "team-") }},
		&apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: "sk_live"}})
	d := parsed(t, h.serve(t))
	var s session
	const body = `{"name":"new","subject":"team-1","created_by":"somebody"}`
	if err := d.request(create, "", "", body); err != nil {
		t.Error(err)
	}
	if err := parsed(t, served(t)).request(create, "", "", body); err == nil {
		t.Error("control: the document of other options takes it, too")
	}
	s.want(t, 201, h, create, "", "", body)
	key, _ := h.Keys.Create(t, apikey.CreateParams{Subject: "team-1"})
	for _, id := range []string{key.ID(), strings.Replace(key.ID(), "sk_live", "api_key", 1)} {
		if err := d.request(get, id, "", ""); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		s.want(t, 200, h, get, id, "", "")
	}
	if err := d.request(get, unknown, "", ""); err == nil {
		t.Errorf("the document takes %s", unknown)
	}
	s.want(t, 400, h, get, unknown, "", "")
	s.want(t, 200, h, rotate, key.ID(), "", "")
	s.want(t, 200, h, remove, key.ID(), "", "")
	for _, e := range s.all {
		if err := d.reply(e.operation, e.Code, e.Header(), e.Body.Bytes()); err != nil {
			t.Errorf("%s: %v", e.operation, err)
		}
	}
}
