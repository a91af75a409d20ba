package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
)

// reply is written only when all of it is there, so that what fails on the way is an error and
// not half an answer.
type reply struct {
	status int
	body   []byte
}

func marshal(status int, v any) (*reply, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // or claims are returned in other bytes than they were given
	err := e.Encode(v)
	return &reply{status, bytes.TrimSuffix(body.Bytes(), []byte("\n"))}, err
}

func (re *reply) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"} // without a charset: clients compare all of it
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(re.status)
	w.Write(re.body)
}

// recovered answers for an operation that panicked: a client can't read a connection that is just
// closed, and tries again for an hour. What the panic says may hold a secret, unless the runtime
// says it.
func (a *api) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { // which is meant to close the connection
		panic(p)
	}
	what := fmt.Sprintf("%T", p)
	if err, is := p.(runtime.Error); is {
		what = err.Error()
	}
	a.options.Logger.ErrorContext(r.Context(), "httpapi: a request panicked", "panic", what, "stack", string(debug.Stack()))
	WriteError(w, internal)
}
