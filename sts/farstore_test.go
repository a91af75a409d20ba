package sts_test

import (
	"bytes"
	"context"
	"errors"
	"net/rpc"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// Call and Result carry every method of a store.
type Call struct {
	ID       apikey.ID
	Record   *apikey.Record
	Filter   apikey.Filter
	Limit    int
	Uses     []apikey.Use
	Name     string
	Old, New *[]byte // nil: none, which gob does not tell from empty
	Within   time.Duration
}

type Result struct {
	Record  *apikey.Record
	Page    []*apikey.Record
	Next    apikey.ID
	Count   int
	Value   *[]byte
	Changes []apikey.Logged
	Error   string
}

var sentinels = []error{apikey.ErrNotFound, apikey.ErrNameTaken, apikey.ErrExists, apikey.ErrConflict}

// nearStore answers for a store. It keeps no context: its calls end.
type nearStore struct{ store apikey.Store }

func (s *nearStore) end(r *Result, err error) error {
	if err != nil {
		*r = Result{Error: err.Error()}
		for _, sentinel := range sentinels {
			if errors.Is(err, sentinel) {
				r.Error = sentinel.Error()
			}
		}
	}
	return nil
}

func pack(v []byte) *[]byte {
	if v == nil {
		return nil
	}
	v = bytes.Clone(v)
	return &v
}

func unpack(v *[]byte) []byte {
	if v == nil {
		return nil
	}
	return append([]byte{}, *v...)
}

func (s *nearStore) Create(c Call, r *Result) error {
	return s.end(r, s.store.Create(context.Background(), c.Record))
}

func (s *nearStore) Get(c Call, r *Result) (err error) {
	r.Record, err = s.store.Get(context.Background(), c.ID)
	return s.end(r, err)
}

func (s *nearStore) Replace(c Call, r *Result) error {
	return s.end(r, s.store.Replace(context.Background(), c.Record))
}

func (s *nearStore) Delete(c Call, r *Result) error {
	return s.end(r, s.store.Delete(context.Background(), c.ID))
}

func (s *nearStore) List(c Call, r *Result) (err error) {
	r.Page, r.Next, err = s.store.List(context.Background(), c.Filter, c.ID, c.Limit)
	return s.end(r, err)
}

func (s *nearStore) Count(c Call, r *Result) (err error) {
	r.Count, err = s.store.Count(context.Background(), c.Filter)
	return s.end(r, err)
}

func (s *nearStore) RecordUse(c Call, r *Result) error {
	return s.end(r, s.store.RecordUse(context.Background(), c.Uses))
}

func (s *nearStore) Value(c Call, r *Result) error {
	v, err := s.store.Value(context.Background(), c.Name)
	r.Value = pack(v)
	return s.end(r, err)
}

func (s *nearStore) SwapValue(c Call, r *Result) error {
	return s.end(r, s.store.SwapValue(context.Background(), c.Name, unpack(c.Old), unpack(c.New)))
}

func (s *nearStore) Changes(c Call, r *Result) (err error) {
	r.Changes, err = s.store.(apikey.ChangeLog).Changes(context.Background(), c.Within)
	return s.end(r, err)
}

// farStore is the store of another process. It tells of no changes.
type farStore struct{ client *rpc.Client }

func (s *farStore) do(ctx context.Context, method string, c Call) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := new(Result)
	select {
	case done := <-s.client.Go("Store."+method, c, r, make(chan *rpc.Call, 1)).Done:
		if done.Error != nil {
			return nil, done.Error
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.Error == "" {
		return r, nil
	}
	for _, sentinel := range sentinels {
		if r.Error == sentinel.Error() {
			return nil, sentinel
		}
	}
	return nil, errors.New(r.Error)
}

func (s *farStore) Create(ctx context.Context, r *apikey.Record) error {
	_, err := s.do(ctx, "Create", Call{Record: r})
	return err
}

func (s *farStore) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := s.do(ctx, "Get", Call{ID: id})
	if err != nil {
		return nil, err
	}
	return r.Record, nil
}

func (s *farStore) Replace(ctx context.Context, r *apikey.Record) error {
	_, err := s.do(ctx, "Replace", Call{Record: r})
	return err
}

func (s *farStore) Delete(ctx context.Context, id apikey.ID) error {
	_, err := s.do(ctx, "Delete", Call{ID: id})
	return err
}

func (s *farStore) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	r, err := s.do(ctx, "List", Call{Filter: f, ID: before, Limit: limit})
	if err != nil {
		return nil, apikey.ID{}, err
	}
	return r.Page, r.Next, nil
}

func (s *farStore) Count(ctx context.Context, f apikey.Filter) (int, error) {
	r, err := s.do(ctx, "Count", Call{Filter: f})
	if err != nil {
		return 0, err
	}
	return r.Count, nil
}

func (s *farStore) RecordUse(ctx context.Context, uses []apikey.Use) error {
	_, err := s.do(ctx, "RecordUse", Call{Uses: uses})
	return err
}

func (s *farStore) Value(ctx context.Context, name string) ([]byte, error) {
	r, err := s.do(ctx, "Value", Call{Name: name})
	if err != nil {
		return nil, err
	}
	return unpack(r.Value), nil
}

func (s *farStore) SwapValue(ctx context.Context, name string, old, new []byte) error {
	_, err := s.do(ctx, "SwapValue", Call{Name: name, Old: pack(old), New: pack(new)})
	return err
}

func (s *farStore) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	r, err := s.do(ctx, "Changes", Call{Within: within})
	if err != nil {
		return nil, err
	}
	return r.Changes, nil
}
