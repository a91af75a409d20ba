package pgstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// hostile is what somebody who may make functions in a schema of the search_path would make: what PostgreSQL prefers to its own where
// the latter takes other types, or any. Each fails whoever calls it. $e: the schema.
const hostile = `CREATE FUNCTION $e.caught(what text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'the store calls % of another schema', what; END $f$;`

func hostileFunction(name, args, returns string) string {
	return fmt.Sprintf(`CREATE FUNCTION $e.%s(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM $e.caught('%[1]s'); RETURN; END $f$;`, name, args, returns)
}

func hostileOperator(name, left, right, returns string) string {
	function := fmt.Sprintf("op_%x_%s_%s", name, strings.ReplaceAll(left, " ", "_"), strings.ReplaceAll(right, " ", "_"))
	return fmt.Sprintf(`CREATE FUNCTION $e.%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM $e.caught('%s'); RETURN NULL; END $f$;
CREATE OPERATOR $e.%[5]s (leftarg = %[2]s, rightarg = %[3]s, function = $e.%[1]s);`, function, left, right, returns, name)
}

// Nothing that the store says is understood by what others have put on the search_path.
func TestHostileSearchPath(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	evil := schema + "_e"
	statements := []string{hostile}
	for _, array := range []string{"uuid", "integer", "bigint"} {
		statements = append(statements,
			hostileFunction("unnest", array+"[]", "SETOF "+array),
			strings.ReplaceAll(hostileFunction("array_position", array+"[], "+array, "integer"), "RETURN;", "RETURN NULL;"))
	}
	statements = append(statements, hostileFunction("unnest", "integer[], bigint[]", "SETOF integer"))
	for _, left := range []string{"numeric", "double precision", "bigint", "integer"} {
		for _, right := range []string{"numeric", "double precision", "bigint", "integer"} {
			for _, op := range []string{"*", "-", "+"} {
				statements = append(statements, hostileOperator(op, left, right, "bigint"))
			}
			for _, op := range []string{"<", ">", "<=", ">=", "="} {
				statements = append(statements, hostileOperator(op, left, right, "boolean"))
			}
		}
	}
	run(t, dsn, "CREATE SCHEMA "+evil)
	t.Cleanup(func() { run(t, dsn, "DROP SCHEMA "+evil+" CASCADE") })
	for _, text := range statements {
		run(t, dsn, strings.ReplaceAll(text, "$e", evil))
	}
	hostilely := with(t, dsn, "search_path", evil)
	if ask[string](t, hostilely, "SELECT pg_catalog.current_setting('search_path')") != evil {
		t.Fatal("control: the search_path is another")
	}
	fresh := func(t *testing.T) apikey.Store {
		empty(t, dsn, schema)
		s, err := pgstore.Open(t.Context(), hostilely, &pgstore.Options{Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	everyCall(t, fresh(t))
	storetest.RunWatcher(t, fresh)
	storetest.RunChangeLog(t, fresh)
	s := fresh(t).(*pgstore.Store)
	if _, err := pgstore.PruneSome(t.Context(), s); err != nil {
		t.Error(err)
	}
	pgstore.Age(s, 2*pgstore.KeptFor)
	if _, err := pgstore.PruneSome(t.Context(), s); err != nil {
		t.Error(err)
	}
	// And in migrations.
	run(t, dsn, "DROP SCHEMA "+schema+" CASCADE")
	m, err := pgstore.Open(t.Context(), hostilely, &pgstore.Options{Schema: schema, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

// everyCall makes each call of a store once, with every kind of filter.
func everyCall(t *testing.T, s apikey.Store) {
	ctx := t.Context()
	r := put(t, s, 1, nil)
	failed := func(call string, err error) {
		if err != nil {
			t.Errorf("%s: %v; else whoever may make a function may do what the store may", call, err)
		}
	}
	failed("RecordUse", s.RecordUse(ctx, []apikey.Use{{ID: r.ID, Number: 1, At: instant(5)}}))
	failed("Replace", s.Replace(ctx, r))
	for _, before := range []apikey.ID{{}, r.ID} {
		for _, f := range []apikey.Filter{{}, {Subject: r.Subject}, {Subject: r.Subject, Type: r.Type, NameFold: "k", ValidAt: instant(0)}} {
			_, _, err := s.List(ctx, f, before, 10)
			failed("List", err)
			_, err = s.Count(ctx, f)
			failed("Count", err)
		}
	}
	failed("SwapValue", s.SwapValue(ctx, "v", nil, []byte("1")))
	failed("SwapValue", s.SwapValue(ctx, "v", []byte("1"), []byte("2")))
	_, err := s.Value(ctx, "v")
	failed("Value", err)
	failed("SwapValue", s.SwapValue(ctx, "v", []byte("2"), nil))
	failed("Delete", s.Delete(ctx, r.ID))
}
