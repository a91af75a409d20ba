package pgtest

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// redirect returns dsn with another port of this machine as the server's, where nobody speaks TLS.
func redirect(dsn string, port int) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return fmt.Sprintf("%s host=127.0.0.1 port=%d sslmode=disable", dsn, port), nil // the last of a name counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("dsn: %w", err)
	}
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	query := u.Query()
	query.Del("host") // it would win
	query.Del("port")
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return u.String(), nil
}
