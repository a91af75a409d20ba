package httpapi

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-d3a9fb6b/apikey"
)

// Bounds of a page.
const (
	defaultLimit = 10
	maxLimit     = 100
	maxPage      = 500 // of apikey
	maxQuery     = 255 // characters, as of a name
)

// keyList is a page. total_count is that of all pages.
type keyList struct {
	Data       []*apikey.Key `json:"data"`
	TotalCount int           `json:"total_count"`
}

func list(r *request) (*reply, error) {
	q, offset, limit, err := r.listQuery()
	if err != nil {
		return nil, err
	}
	issuer, err := r.issuerFor(q.Subject)
	if err != nil {
		return nil, err
	}
	page := keyList{Data: []*apikey.Key{}}
	if page.TotalCount, err = issuer.Count(r.Context(), q); err != nil {
		return nil, err
	}
	if offset >= int64(page.TotalCount) {
		return marshal(http.StatusOK, page)
	}
	q.Limit = int(min(offset+limit, maxPage))
	skip := offset
	for key, err := range issuer.Keys(r.Context(), q) {
		if err != nil {
			return nil, err
		}
		if skip > 0 {
			skip--
			continue
		}
		page.Data = append(page.Data, key)
		if int64(len(page.Data)) == limit {
			break
		}
	}
	page.TotalCount = max(page.TotalCount, int(offset)+len(page.Data)) // some may have been created since they were counted
	return marshal(http.StatusOK, page)
}

// listQuery reads the parameters. Others than these are ignored.
func (r *request) listQuery() (q apikey.Query, offset, limit int64, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, 0, 0, badRequest("", "the query can't be read")
	}
	p := params{values: values}
	q.Subject = p.text("subject")
	q.Type = p.text("type")
	q.Name = p.text("query")
	include := p.text("include_invalid")
	limit = p.integer("limit", defaultLimit, 1, maxLimit)
	offset = p.integer("offset", 0, 0, 1<<53)
	if p.err != nil {
		return q, 0, 0, p.err
	}
	if err := r.checkSubject(q.Subject); err != nil {
		return q, 0, 0, err
	}
	switch {
	case utf8.RuneCountInString(q.Name) > maxQuery:
		return q, 0, 0, badRequest("query", "longer than 255 characters")
	case !values.Has("type"):
		q.Type = "api_key"
	case utf8.RuneCountInString(q.Type) < 3 || utf8.RuneCountInString(q.Type) > 25:
		return q, 0, 0, badRequest("type", "not of 3 to 25 characters")
	}
	if values.Has("include_invalid") && include != "true" && include != "false" {
		return q, 0, 0, badRequest("include_invalid", "neither true nor false")
	}
	q.IncludeInvalid = include == "true"
	return q, offset, limit, nil
}

// params reads parameters of a query until one is wrong.
type params struct {
	values url.Values
	err    error
}

// text returns a parameter; "" if it is not there. One that is there twice is refused: which is meant
// would be a matter of who reads it.
func (p *params) text(name string) string {
	all := p.values[name]
	switch {
	case p.err != nil || len(all) == 0:
		return ""
	case len(all) > 1:
		p.err = badRequest(name, "it is there twice")
	case !utf8.ValidString(all[0]) || strings.IndexFunc(all[0], unicode.IsControl) >= 0:
		p.err = badRequest(name, "not text in UTF-8")
	}
	return all[0]
}

func (p *params) integer(name string, otherwise, least, most int64) int64 {
	text := p.text(name)
	if p.err != nil || !p.values.Has(name) {
		return otherwise
	}
	if !isNumber(text) {
		p.err = badRequest(name, "not a number")
		return 0
	}
	n, exact := decimal(text, 0)
	if !exact || n < least || n > most {
		p.err = badRequest(name, "out of bounds, or no integer")
	}
	return n
}
