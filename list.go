package apikey

import (
	"context"
	"encoding/hex"
	"errors"
	"iter"
)

// Bounds of Query.Limit.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// Query selects keys. Zero fields select all that are valid.
type Query struct {
	Subject string // exactly this owner
	Type    string // exactly this type
	Name    string // a part of the name; case does not matter
	// IncludeInvalid selects revoked and expired keys, too.
	IncludeInvalid bool
	// Limit is how many keys a page has at most: up to 500; 0 is 50.
	Limit int
	// Cursor is the Next of the page before; "": from the start.
	Cursor string
}

// Page is a part of a list, newest first.
type Page struct {
	Keys []*Key
	Next string // the Cursor of the next page; "": this is the last
}

// Get returns a key by its id, whatever its state.
func (i *Issuer) Get(ctx context.Context, id string) (*Key, error) {
	prefix, rid, err := parseKeyID(id)
	if err != nil {
		return nil, err
	}
	r, err := i.store.Get(ctx, rid)
	if errors.Is(err, ErrNotFound) || err == nil && !i.sees(r, prefix) {
		return nil, notFound(id)
	}
	if err != nil {
		return nil, unavailable("read key "+id, err)
	}
	return NewKey(r), nil
}

// List returns one page of keys, newest first. While keys are created and deleted, every key
// that is there throughout is on exactly one page.
func (i *Issuer) List(ctx context.Context, q Query) (Page, error) {
	filter, before, err := i.filter(q)
	if err != nil {
		return Page{}, err
	}
	if i.nothing() {
		return Page{}, nil
	}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	var page Page
	for len(page.Keys) < q.Limit { // a store may answer with less than it has
		records, next, err := i.store.List(ctx, filter, before, q.Limit-len(page.Keys))
		if err != nil {
			return Page{}, unavailable("list keys", err)
		}
		for _, r := range records {
			page.Keys = append(page.Keys, NewKey(r))
		}
		if before = next; before.IsZero() {
			return page, nil
		}
	}
	page.Next = before.String()
	return page, nil
}

// Keys walks over all keys that List would return, from q.Cursor on, page by page. An error
// ends the walk and comes with a nil Key. The loop may change keys. Ranging again walks again.
func (i *Issuer) Keys(ctx context.Context, q Query) iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		q := q // each range starts anew
		for {
			page, err := i.List(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, key := range page.Keys {
				if !yield(key, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// Count returns how many keys match q; Limit and Cursor do not matter.
func (i *Issuer) Count(ctx context.Context, q Query) (int, error) {
	q.Limit, q.Cursor = 0, ""
	filter, _, err := i.filter(q)
	if err != nil || i.nothing() {
		return 0, err
	}
	n, err := i.store.Count(ctx, filter)
	if err != nil {
		return 0, unavailable("count keys", err)
	}
	return n, nil
}

// nothing reports whether this Issuer sees no key at all.
func (i *Issuer) nothing() bool { return i.subject != nil && *i.subject == "" }

// filter validates q.
func (i *Issuer) filter(q Query) (f Filter, before ID, err error) {
	for _, err := range []error{
		checkText("Subject", q.Subject, maxSubject),
		checkText("Type", q.Type, maxType),
		checkText("Name", q.Name, maxName),
	} {
		if err != nil {
			return Filter{}, ID{}, err
		}
	}
	if q.Limit < 0 || q.Limit > maxLimit {
		return Filter{}, ID{}, invalid("Limit", "not from 0 to %d", maxLimit)
	}
	if q.Cursor != "" {
		if len(q.Cursor) != hex.EncodedLen(len(before)) {
			return Filter{}, ID{}, invalid("Cursor", "not the Next of a page")
		}
		if _, err := hex.Decode(before[:], []byte(q.Cursor)); err != nil || before.IsZero() || before.String() != q.Cursor {
			return Filter{}, ID{}, invalid("Cursor", "not the Next of a page")
		}
	}
	f = Filter{Subject: q.Subject, Type: q.Type, NameFold: foldName(q.Name)}
	if !i.nothing() {
		if f.Subject, err = i.inScope(q.Subject); err != nil {
			return Filter{}, ID{}, err
		}
	}
	if !q.IncludeInvalid {
		f.ValidAt = i.clock.now()
	}
	return f, before, nil
}
