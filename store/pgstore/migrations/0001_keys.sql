-- Times are milliseconds since 1970, UTC; 0: none.

CREATE TABLE apikey_schema (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- body is the record in the encoding of the Go package, which has its own checksum. The other
-- columns are what statements search by, and what is changed without reading the body: the last
-- uses, whose places in the body are empty.
CREATE TABLE apikey_keys (
    id         uuid PRIMARY KEY,
    version    bigint NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    type       text COLLATE "C" NOT NULL,
    name_fold  text COLLATE "C" NOT NULL,
    unique_key bytea UNIQUE,
    expires_at bigint NOT NULL,
    revoked_at bigint NOT NULL,
    body       bytea NOT NULL,
    last_used  bigint NOT NULL,
    numbers    integer[] NOT NULL, -- of the credentials, in the order of the body
    used       bigint[] NOT NULL   -- when each of them was used last
) WITH (fillfactor = 85); -- so that a last use finds room on its page, and no index is written

CREATE INDEX apikey_keys_subject ON apikey_keys (subject, id);

CREATE TABLE apikey_values (
    name  bytea PRIMARY KEY,
    value bytea NOT NULL
);

-- The latest change's number. Whoever changes a key holds this row until the commit, so numbers
-- become visible in their order, and none is missing.
CREATE TABLE apikey_feed (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    head  bigint NOT NULL,
    stamp bigint NOT NULL
) WITH (fillfactor = 10);

-- Every change of a key, but for creates: kept for an hour at least. tag is random: a log that was
-- taken back and went on differs in it. stamp never goes down, wall is what the clock said.
CREATE TABLE apikey_changes (
    sequence bigint PRIMARY KEY,
    tag      bigint NOT NULL,
    id       uuid NOT NULL,
    stamp    bigint NOT NULL,
    wall     bigint NOT NULL
);

-- Entry 0 is no change: it is there so that the log has an end from the beginning.
INSERT INTO apikey_feed (head, stamp)
    VALUES (0, (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000::float8)::bigint);
INSERT INTO apikey_changes (sequence, tag, id, stamp, wall)
    SELECT head, (pg_catalog.random() * 9e18::float8)::bigint, '00000000-0000-0000-0000-000000000000', stamp, stamp FROM apikey_feed;
INSERT INTO apikey_schema (version) VALUES (1);
