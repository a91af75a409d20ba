package apikey_test

import (
	"context"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// hooked is a store that asks before it does what an Issuer calls for, and after.
type hooked struct {
	*memstore.Store
	before func(call string) error // an error is the answer, and nothing is done
	after  func(call string) error // an error is the answer, though it is done

	mu    sync.Mutex
	calls []string
}

func newHooked() *hooked { return &hooked{Store: memstore.New()} }

// count returns how often a method was called.
func (h *hooked) count(call string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.calls {
		if c == call {
			n++
		}
	}
	return n
}

func (h *hooked) do(call string, f func() error) error {
	h.mu.Lock()
	h.calls = append(h.calls, call)
	h.mu.Unlock()
	if h.before != nil {
		if err := h.before(call); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if h.after != nil {
		return h.after(call)
	}
	return nil
}

func (h *hooked) Create(ctx context.Context, r *apikey.Record) error {
	return h.do("Create", func() error { return h.Store.Create(ctx, r) })
}

func (h *hooked) Get(ctx context.Context, id apikey.ID) (r *apikey.Record, err error) {
	err = h.do("Get", func() error { r, err = h.Store.Get(ctx, id); return err })
	return r, err
}

func (h *hooked) Replace(ctx context.Context, r *apikey.Record) error {
	call := "Replace"
	if r.Version == 0 { // which never writes
		call = "announce"
	}
	return h.do(call, func() error { return h.Store.Replace(ctx, r) })
}

func (h *hooked) Delete(ctx context.Context, id apikey.ID) error {
	return h.do("Delete", func() error { return h.Store.Delete(ctx, id) })
}

func (h *hooked) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) (page []*apikey.Record, next apikey.ID, err error) {
	err = h.do("List", func() error { page, next, err = h.Store.List(ctx, f, before, limit); return err })
	return page, next, err
}

func (h *hooked) Count(ctx context.Context, f apikey.Filter) (n int, err error) {
	err = h.do("Count", func() error { n, err = h.Store.Count(ctx, f); return err })
	return n, err
}

func (h *hooked) Value(ctx context.Context, name string) (v []byte, err error) {
	err = h.do("Value", func() error { v, err = h.Store.Value(ctx, name); return err })
	return v, err
}

func (h *hooked) SwapValue(ctx context.Context, name string, old, new []byte) error {
	return h.do("SwapValue", func() error { return h.Store.SwapValue(ctx, name, old, new) })
}
