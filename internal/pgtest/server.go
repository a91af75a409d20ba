package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Server is a PostgreSQL of the test's own, which may be stopped and started. One goroutine at a time may call its
// methods.
type Server struct {
	account  account
	binaries string
	folder   string // of the account's: the cluster, the socket and the log
	port     int
	process  *process // nil while it is stopped
	primary  *Server  // of a standby
}

// NewServer makes a cluster and starts it. Settings are lines of postgresql.conf, like "max_connections=20". The
// server and all that it knows end with the test, which is skipped where DSN skips it, and where PostgreSQL is not
// installed.
func NewServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := prepare(t)
	s.account.run(t, s.folder, s.program("initdb"), "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	// No test stops the machine, so nothing is lost that the operating system has taken.
	settings = append([]string{"fsync=off", "shared_buffers=32MB"}, settings...)
	conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conf.WriteString("\n" + strings.Join(settings, "\n") + "\n")
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Start(t)
	return s
}

// prepare makes room for a cluster, and sees to the end of its server.
func prepare(t testing.TB) *Server {
	t.Helper()
	DSN(t)
	s := &Server{binaries: binaries(t), account: unprivileged(t), port: freePort(t)}
	s.folder = s.account.folder(t)
	t.Cleanup(func() {
		if t.Failed() && s.process != nil {
			t.Logf("PostgreSQL on port %d said\n%s", s.port, s.process.tail())
		}
		s.Stop(t)
	})
	return s
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) program(name string) string { return filepath.Join(s.binaries, name) }

// DSN tells how a superuser connects. It stays the same when the server is stopped and started.
func (s *Server) DSN() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

// Start starts the server if it is stopped, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.process != nil {
		return
	}
	// Not in postgresql.conf, which a standby gets from its primary.
	s.process = s.account.start(t, s.folder, s.program("postgres"), "-D", s.data(), "-c", "listen_addresses=127.0.0.1",
		"-c", "port="+strconv.Itoa(s.port), "-c", "unix_socket_directories="+s.folder)
	s.process.await(t, s.DSN())
}

// Stop stops the server at once, as a crash does: clients are told nothing of use, and the next start has to recover.
// It returns when the server has ended.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.stop(t, syscall.SIGQUIT)
}

// StopFast stops the server as its operators do: transactions are rolled back, clients are told, and what was
// committed is written.
func (s *Server) StopFast(t testing.TB) {
	t.Helper()
	s.stop(t, syscall.SIGINT)
}

func (s *Server) stop(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if s.process == nil {
		return
	}
	s.process.stop(t, signal)
	s.process = nil
}
