package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// config is what the flags and the environment say.
type config struct {
	addr, token       string
	db                string // the file, where dsn is ""
	dsn, schema       string
	tokenIsNew        bool
	issuer, audiences string // "": the address; the issuer
	discard           bool   // the signing keys
	keyring           *apikey.Keyring
}

// configure reads the flags and the environment. Its errors repeat no value of the latter.
func configure(args []string, env func(string) (string, bool), stderr io.Writer) (*config, error) {
	var c config
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	flags.StringVar(&c.db, "db", "keys.db", "`file` of the keys; it is made if there is none")
	flags.StringVar(&c.dsn, "store", "", "PostgreSQL that holds the keys in place of a file, postgres://user@host/database; APIKEY_STORE is the same `URL` where it holds a password")
	flags.StringVar(&c.schema, "schema", "apikey", "`name` of the schema in PostgreSQL; it is made if there is none")
	flags.StringVar(&c.issuer, "issuer", "", "`URL` that names the server in tokens, and below which others reach it (default http:// and the address)")
	flags.StringVar(&c.audiences, "audiences", "", "`names`, with commas between them, that tokens are made for; the first is this server's own (default the issuer)")
	flags.BoolVar(&c.discard, "discard-signing-keys", false, "forget what tokens were signed with, because it has leaked, or the keyring is lost")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, errUsage
	}
	misuse := func(what string) (*config, error) {
		fmt.Fprintln(stderr, what)
		flags.Usage()
		return nil, errUsage
	}
	if flags.NArg() > 0 {
		return misuse("server takes flags and no other arguments")
	}
	set := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if dsn, given := env("APIKEY_STORE"); given && !set["store"] {
		if c.dsn = strings.TrimSpace(dsn); c.dsn == "" { // got lost on the way: a file that is empty is not what is wanted
			return nil, errors.New("APIKEY_STORE is set, but empty")
		}
	} else if set["store"] && c.dsn == "" {
		return nil, errors.New("-store is empty")
	}
	switch {
	case set["db"] && c.dsn != "":
		return misuse("the keys are in the file of -db or in the database of -store, or APIKEY_STORE: name one of them")
	case set["schema"] && c.dsn == "":
		return misuse("-schema is a part of the database of -store, or APIKEY_STORE, which is not named")
	}

	if c.addr == "" { // which would be every address of the machine
		return nil, errors.New("-addr is empty")
	}

	token, given := env("APIKEY_ADMIN_TOKEN")
	c.token = strings.TrimSpace(token) // files end in a line break
	switch {
	case !given:
		c.token, c.tokenIsNew = rand.Text(), true
	case c.token == "": // a secret that got lost on the way, not the wish for a new one
		return nil, errors.New("APIKEY_ADMIN_TOKEN is set, but empty")
	}
	if text, given := env("APIKEY_KEYRING"); given {
		keyring, err := apikey.ParseKeyring(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("APIKEY_KEYRING: %w", err)
		}
		c.keyring = keyring
	}
	return &c, nil
}
