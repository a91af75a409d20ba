package pgstore

import (
	"strings"
	"testing"
)

// Whatever a DSN is, its errors are two, which repeat nothing of it; and what is taken has its deadlines.
func FuzzParseDSN(f *testing.F) {
	_, empty := parse("")
	_, misread := parse("hunter.db")
	for _, seed := range []string{
		"", "postgres://", "postgres://app:hunter@127.0.0.1:5432/test?sslmode=disable", "host=127.0.0.1 port=1 user=app password=hunter dbname=test",
		"postgres://app:hunter@hunter@127.0.0.1:1/test", "postgres://app:1/2?hunter@127.0.0.1:1/test", "postgres://app:%hunter@127.0.0.1:1/test", "mysql://app:hunter@127.0.0.1:1/test",
		"host=127.0.0.1 port=1 user=app password=hun hunter dbname=test", "password='hun'hunter", "postgres://[::1]:1,127.0.0.1:2/test?target_session_attrs=read-write",
		"host='a b' port=1", "host=a connect_timeout=-1", "postgres://a/b?connect_timeout=9223372037", "host=a\x00b", "postgres://a/b?application_name=\xff", "host=a pool_max_conns=0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		if strings.Contains(dsn, "file") || strings.Contains(dsn, "ssl") && !strings.Contains(dsn, "sslmode=disable") {
			t.Skip("pgx would read files of this machine")
		}
		config, err := parse(dsn)
		switch {
		case err == nil && (config.ConnConfig.ConnectTimeout <= 0 || config.PingTimeout <= 0 || config.ConnConfig.ValidateConnect == nil):
			t.Errorf("%q: no deadline, or a standby may be asked: %v, %v", dsn, config.ConnConfig.ConnectTimeout, config.PingTimeout)
		case err != nil && (config != nil || err.Error() != empty.Error() && err.Error() != misread.Error()):
			t.Errorf("%q: %v, %v", dsn, config, err)
		}
	})
}
