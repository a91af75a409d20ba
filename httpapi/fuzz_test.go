package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzCreate sends any body. It is a key or 400, and what makes a key is JSON that encoding/json reads the same way.
func FuzzCreate(f *testing.F) {
	for _, c := range creates {
		for _, value := range append(c.good, c.bad...) {
			if len(value) < 1000 {
				f.Add([]byte(with(c.member, value)))
			}
		}
	}
	a := newAPI(f, nil, &noUniqueNames)
	f.Fuzz(func(t *testing.T, body []byte) {
		w := a.call(t, "POST", "/api_keys", string(body))
		if w.Code != 201 {
			wantReply(t, w, 400)
			return
		}
		var sent, got struct {
			Name, Subject string
			Claims        any
			Scopes        []string
		}
		if err := decode(body, &sent); err != nil || !utf8.Valid(body) {
			t.Errorf("%q: %v", body, err)
		}
		if err := decode(w.Body.Bytes(), &got); err != nil || got.Name != sent.Name || got.Subject != sent.Subject ||
			!slices.Equal(got.Scopes, sent.Scopes) || !reflect.DeepEqual(got.Claims, sent.Claims) {
			t.Errorf("%q: %v: %s", body, err, w.Body)
		}
	})
}

// decode keeps the text of numbers, which need not fit a float64.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// FuzzUpdate sends any body to a key that is there. It stays, and keeps what can't be changed.
func FuzzUpdate(f *testing.F) {
	for _, c := range creates {
		for _, value := range append(c.good, c.bad...) {
			if len(value) < 1000 {
				f.Add([]byte(`{"` + c.member + `":` + value + `}`))
			}
		}
	}
	a := newAPI(f, nil, &noUniqueNames)
	id, _ := a.created(f, "deploy")
	f.Fuzz(func(t *testing.T, body []byte) {
		w := a.call(t, "PATCH", "/api_keys/"+id, string(body))
		if w.Code != 200 {
			wantReply(t, w, 400)
		}
		var got struct {
			ID, Name, Subject string
			Revoked           bool
		}
		if err := decode(a.call(t, "GET", "/api_keys/"+id, "").Body.Bytes(), &got); err != nil || got.ID != id || got.Name != "deploy" || got.Subject != subject || got.Revoked {
			t.Errorf("%q: %v: %v", body, err, got)
		}
	})
}

// FuzzListQuery sends any query. It is a page of at most 100 keys or 400, and every page that url.ParseQuery would read
// otherwise is 400.
func FuzzListQuery(f *testing.F) {
	for query := range badQueries {
		f.Add(query)
		f.Add("subject=" + subject + "&" + query)
	}
	f.Add("subject=" + subject + "&limit=10.0&offset=0.0&include_invalid=false&type=api_key&query=d")
	a := newAPI(f, nil, nil)
	a.created(f, "deploy")
	f.Fuzz(func(t *testing.T, query string) {
		w := a.call(t, "GET", "/api_keys?"+query, "")
		if w.Code != 200 {
			wantReply(t, w, 400)
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil || values.Get("subject") == "" || len(values["subject"]) != 1 {
			t.Errorf("%q: %v", query, err)
		}
		var page struct {
			Data  []object
			Total int `json:"total_count"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page.Data) > 1 || page.Total > 1 || len(page.Data) > page.Total {
			t.Errorf("%q: %s", query, w.Body)
		}
	})
}
