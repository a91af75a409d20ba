// Package pgstore keeps API keys in PostgreSQL, for a service that runs on more than one machine.
//
//	store, err := pgstore.Open(ctx, "postgres://user@host:5432/database", &pgstore.Options{Migrate: true})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	issuer, err := apikey.NewIssuer(store, nil)
//
// # Revocation
//
// Each process has a Store of its own. Through one and the same, a revoked key is dead when Revoke
// returns. In the others it is dead when they have seen the change, which takes some milliseconds with LISTEN and
// up to [Options].Poll without, and never longer than the Verifier's MaxStaleness, 1 s if nothing is said: no
// Verify that begins later than that after Revoke returned accepts the key, whatever happens to notifications,
// connections, the server or the process. A Verifier that has not heard of the log for that long, because the server
// is down, the network is, or the process was stopped, trusts nothing that it remembers and reads the record at
// each call. If that fails, too, the answer is ErrUnavailable. What a warm key costs does not depend on the store.
//
// Every change of a key is logged in the statement that makes it. The log's numbers have no gaps and become visible in
// their order, as each change holds the row with the last number until its commit. So changes are committed
// one after the other, each with a flush of its own; creates, last uses and reads do not wait for that. (A transaction that
// stays open for long, a dump for one, keeps the row's old versions: until it ends, many changes meanwhile make the next ones
// slower.) Processes read
// what follows the last number that they know, over a connection of their own beside the pool's. What is older than an
// hour is pruned, by a process that has been there for that long, or than a day, by any. One that slept for longer, or finds that the database was taken
// back to an earlier state, distrusts everything it has read.
//
// # What to know
//
// PostgreSQL 13 or newer; it is tested with 15. Of what it has beyond the SQL of others, LISTEN and NOTIFY may be missing: they are a hint to
// look now. A pooler in transaction mode, like PgBouncer, is fine, too; before PgBouncer 1.21 add
// default_query_exec_mode=exec to the DSN, since that does not know of prepared statements.
//
// Connections must be to the primary. A standby may lag and say that a revoked key is not; what one says is no answer,
// but [ErrStandby]. After a failover to a standby that lacks what was acknowledged last, as asynchronous replication
// allows, revocations are lost with all else that it lacks: make replication synchronous if that must not be. The same is true of fsync
// = off. With synchronous_commit = off Open refuses to work.
//
// A client that dies in the middle of a change, or its network, may keep all others from changing any key until the server notices: have
// tcp_keepalives_idle, which is two hours if nothing is said, be a minute there.
//
// The pool has max(4, cores) connections, unless the DSN says pool_max_conns; a store that is watched takes one more. A network that
// is silent is waited for as long as the context allows, but for no longer than 5 seconds to read a key, and a minute to write one or to list
// many. Open and Migrate have what their context gives. When the context of a write
// ends, the write may go on for one more second, so that nearly always it is known whether it was done.
//
// A role that doesn't migrate needs USAGE on the schema, and on its tables SELECT, INSERT, UPDATE and DELETE. The tables are
// apikey_keys, apikey_values, apikey_feed, apikey_changes and apikey_schema, made by [Migrate] or by a tool of your own from [Migrations]. Programs
// of one version and the next may run beside each other, as long as the older ones were there first: a program refuses tables that are newer than it is.
//
// The tables hold no secret: of a key's secret only the argon2id hash, and, with a keyring, a MAC. They do hold names, subjects and
// claims, and who can write them can make keys. Columns beside the body are what statements search by; to read them is fine. A key can't be changed by
// hand: one whose row says another subject, type, expiry or revocation than its body is an error to whoever reads it, and as the log has
// nothing of it, it stays as it was where it is remembered. Revoke with an Issuer, in a program of ten lines if need be.
//
// A backup that is restored brings back the keys that were revoked since; revoke them again.
package pgstore
