package pgstore

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What pgx leaves to the operating system, unless the DSN says it.
const (
	connectTime = 5 * time.Second // for each host
	pingTime    = time.Second     // for a connection that was idle to show that it is alive
	// lateTime is what a statement gets for its answer when its context has ended. To cut it off costs the connection, and
	// closing that occupies its place in the pool for as long as the server takes to notice.
	lateTime = 50 * time.Millisecond
)

const (
	asURL   = "postgres://user@host:5432/database"
	asWords = "host=… user=… dbname=…"
)

// parse reads a DSN. Its errors repeat none of it: there may be a password in it, where a mistake has put it.
func parse(dsn string) (*pgxpool.Config, error) {
	switch strings.TrimRight(strings.TrimSpace(dsn), "/") {
	case "", "postgres:", "postgresql:": // pgx would take whatever database is near
		return nil, errors.New("pgstore: the DSN is empty; is a variable not set? It is a URL, " + asURL + ", or keywords and values, " + asWords)
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil || misread(dsn, &config.ConnConfig.Config) || config.ConnConfig.ConnectTimeout < 0 { // it overflows in pgx
		return nil, errors.New("pgstore: the DSN is neither a URL, " + asURL + ", nor keywords and values, " + asWords +
			", that pgx understands, or a value in it can't be; in a URL's password, write %40 for @ and %2F for /")
	}
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = isPrimary // with several hosts, the next one is tried
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTime
	}
	config.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn(), DeadlineDelay: lateTime}
	}
	return config, nil
}

var parameter = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.]*$`)

// misread reports whether a part of a password may have become another part of the DSN. pgx takes any name for one of a
// parameter, also all of a URL up to its first =, and sends it to a server, which repeats it, as the errors of
// pgx repeat a host and a database.
func misread(dsn string, c *pgconn.Config) bool {
	for name := range c.RuntimeParams {
		if !parameter.MatchString(name) {
			return true
		}
	}
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	isURL := strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
	return isURL && (strings.Contains(strings.Join(hosts, ""), "@") ||
		strings.Contains(c.Database, "@") && strings.Contains(dsn, c.Database)) // that is, not escaped
}

func isPrimary(ctx context.Context, c *pgconn.PgConn) error {
	result := c.ExecParams(ctx, `SELECT pg_catalog.pg_is_in_recovery()`, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if len(result.Rows) != 1 || string(result.Rows[0][0]) != "f" {
		return ErrStandby
	}
	return nil
}
