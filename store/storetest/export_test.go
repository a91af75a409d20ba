package storetest

import (
	"context"
	"reflect"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

type Clause = clause

// For tests that run the clauses on broken stores.
var (
	StoreClauses     = storeClauses
	WatcherClauses   = watcherClauses
	ChangeLogClauses = changeLogClauses
	DurableClauses   = durableClauses
)

func (c clause) Name() string                       { return c.name }
func (c clause) Check(t testing.TB, s apikey.Store) { c.check(t, s) }

func (c durableClause) Name() string { return c.name }
func (c durableClause) Check(t testing.TB, s apikey.Store, reopen func() apikey.Store) {
	c.check(t, s, reopen)
}

var (
	Filled      = filled
	Differences = differences
	Record      = record
	Calls       = calls
)

func Fill(path string, v reflect.Value) error { return new(filler).fill(path, v) }

func (c call) Name() string                                 { return c.name }
func (c call) Do(ctx context.Context, s apikey.Store) error { return c.do(ctx, s) }
