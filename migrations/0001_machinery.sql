-- Machinery: the audit chain, the outbox, jobs, sessions, published routes. Both engines read this text.

CREATE TABLE chain_head (
    id         BIGINT PRIMARY KEY,
    audit_seq  BIGINT NOT NULL,
    audit_hash TEXT   NOT NULL,
    event_seq  BIGINT NOT NULL
);
INSERT INTO chain_head (id, audit_seq, audit_hash, event_seq) VALUES (1, 0, 'genesis', 0);

CREATE TABLE audit_entry (
    seq         BIGINT PRIMARY KEY,
    at          BIGINT NOT NULL,
    account_id  BIGINT,
    actor       TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    object_kind TEXT   NOT NULL,
    object_id   BIGINT,
    site_id     BIGINT,
    outcome     TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    hash        TEXT   NOT NULL
);
CREATE INDEX audit_entry_object ON audit_entry (object_kind, object_id, seq);

CREATE TABLE outbox (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    payload TEXT   NOT NULL
);

CREATE TABLE outbox_cursor (
    follower TEXT   PRIMARY KEY,
    seq      BIGINT NOT NULL
);

CREATE TABLE job (
    id           BIGINT PRIMARY KEY,
    kind         TEXT   NOT NULL,
    payload      TEXT   NOT NULL,
    dedupe       TEXT,
    state        TEXT   NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    lease_until  BIGINT,
    lease_owner  TEXT,
    last_error   TEXT,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX job_due ON job (state, run_at);

CREATE TABLE session (
    key        TEXT    PRIMARY KEY,
    account_id BIGINT  NOT NULL,
    complete   BOOLEAN NOT NULL,
    csrf       TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL
);
CREATE INDEX session_account ON session (account_id);

-- Every version of every public address: what the public saw on a day. The live one has no until_seq.
CREATE TABLE route (
    site_id   BIGINT NOT NULL,
    path      TEXT   NOT NULL,
    from_seq  BIGINT NOT NULL,
    until_seq BIGINT,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT,
    status    BIGINT NOT NULL,
    media     TEXT   NOT NULL,
    target    TEXT,
    hash      TEXT   NOT NULL,
    blob      TEXT   NOT NULL,
    seg_start BIGINT NOT NULL,
    seg_len   BIGINT NOT NULL,
    lost_at   BIGINT,
    PRIMARY KEY (site_id, path, from_seq)
);
CREATE UNIQUE INDEX route_live ON route (site_id, path) WHERE until_seq IS NULL;
CREATE INDEX route_blob ON route (blob);

-- What the publisher last rendered with: another program version or other templates mean a full rebuild.
CREATE TABLE publisher_state (
    id          BIGINT PRIMARY KEY,
    fingerprint TEXT   NOT NULL,
    version     BIGINT NOT NULL
);
INSERT INTO publisher_state (id, fingerprint, version) VALUES (1, '', 0);
