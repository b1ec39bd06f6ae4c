-- The nouns: organs, people, accounts, sites, columns, documents. Both engines read this text.

CREATE TABLE organ (
    id          BIGINT PRIMARY KEY,
    slug        TEXT   NOT NULL UNIQUE,
    kind        TEXT   NOT NULL CHECK (kind IN ('government', 'department', 'town', 'authorised', 'party_unit', 'public_utility')),
    parent_id   BIGINT REFERENCES organ (id),
    division    TEXT   NOT NULL,
    credit_code TEXT,
    phone       TEXT   NOT NULL DEFAULT '',
    address     TEXT   NOT NULL DEFAULT '',
    hours       TEXT   NOT NULL DEFAULT '',
    duties      TEXT   NOT NULL DEFAULT '',
    sort        BIGINT NOT NULL,
    from_on     TEXT   NOT NULL,
    until_on    TEXT
);
CREATE INDEX organ_parent ON organ (parent_id);

-- What an organ was called when.
CREATE TABLE organ_name (
    organ_id   BIGINT NOT NULL REFERENCES organ (id),
    from_on    TEXT   NOT NULL,
    until_on   TEXT,
    name       TEXT   NOT NULL,
    short_name TEXT   NOT NULL,
    PRIMARY KEY (organ_id, from_on)
);

CREATE TABLE organ_change (
    id       BIGINT PRIMARY KEY,
    organ_id BIGINT NOT NULL REFERENCES organ (id),
    on_date  TEXT   NOT NULL,
    kind     TEXT   NOT NULL CHECK (kind IN ('create', 'rename', 'merge', 'split', 'abolish', 'move')),
    basis    TEXT   NOT NULL
);

-- Who took over from whom.
CREATE TABLE organ_succession (
    change_id      BIGINT NOT NULL REFERENCES organ_change (id),
    predecessor_id BIGINT NOT NULL REFERENCES organ (id),
    successor_id   BIGINT NOT NULL REFERENCES organ (id),
    PRIMARY KEY (change_id, predecessor_id, successor_id)
);

CREATE TABLE person (
    id       BIGINT PRIMARY KEY,
    name     TEXT   NOT NULL,
    organ_id BIGINT NOT NULL REFERENCES organ (id)
);

CREATE TABLE post (
    id       BIGINT PRIMARY KEY,
    organ_id BIGINT NOT NULL REFERENCES organ (id),
    title    TEXT   NOT NULL,
    sort     BIGINT NOT NULL
);

CREATE TABLE tenure (
    post_id   BIGINT NOT NULL REFERENCES post (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    from_on   TEXT   NOT NULL,
    until_on  TEXT,
    PRIMARY KEY (post_id, person_id, from_on)
);

CREATE TABLE account (
    id            BIGINT  PRIMARY KEY,
    username      TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    organ_id      BIGINT  NOT NULL REFERENCES organ (id),
    password_hash TEXT    NOT NULL,
    must_change   BOOLEAN NOT NULL,
    totp_secret   TEXT,
    totp_step     BIGINT  NOT NULL DEFAULT 0,
    failures      BIGINT  NOT NULL DEFAULT 0,
    locked_until  BIGINT,
    disabled_at   BIGINT,
    created_at    BIGINT  NOT NULL,
    signed_in_at  BIGINT
);

CREATE TABLE role_grant (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES account (id),
    role       TEXT   NOT NULL,
    scope_kind TEXT   NOT NULL CHECK (scope_kind IN ('city', 'organ', 'site')),
    scope_id   BIGINT,
    granted_at BIGINT NOT NULL,
    granted_by TEXT   NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX role_grant_account ON role_grant (account_id);

-- While it lasts, the second account also has the first one's roles.
CREATE TABLE delegation (
    id           BIGINT PRIMARY KEY,
    from_account BIGINT NOT NULL REFERENCES account (id),
    to_account   BIGINT NOT NULL REFERENCES account (id),
    from_at      BIGINT NOT NULL,
    until_at     BIGINT NOT NULL,
    reason       TEXT   NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX delegation_to ON delegation (to_account);

CREATE TABLE site (
    id          BIGINT  PRIMARY KEY,
    slug        TEXT    NOT NULL UNIQUE,
    organ_id    BIGINT  NOT NULL REFERENCES organ (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('portal', 'county', 'department', 'party')),
    name        TEXT    NOT NULL,
    short_name  TEXT    NOT NULL,
    theme       TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('planned', 'tested', 'registered', 'running', 'paused', 'closed')),
    id_code     TEXT    NOT NULL,
    sub         TEXT    NOT NULL DEFAULT '',
    icp         TEXT    NOT NULL DEFAULT '',
    psb         TEXT    NOT NULL DEFAULT '',
    psb_code    TEXT    NOT NULL DEFAULT '',
    conac       TEXT    NOT NULL DEFAULT '',
    sponsor     TEXT    NOT NULL DEFAULT '',
    operator    TEXT    NOT NULL DEFAULT '',
    phone       TEXT    NOT NULL DEFAULT '',
    hours       TEXT    NOT NULL DEFAULT '',
    address     TEXT    NOT NULL DEFAULT '',
    search_hint TEXT    NOT NULL DEFAULT '',
    grey        BOOLEAN NOT NULL,
    demo        BOOLEAN NOT NULL,
    sort        BIGINT  NOT NULL,
    lock_version BIGINT NOT NULL
);

CREATE TABLE site_domain (
    host    TEXT    PRIMARY KEY,
    site_id BIGINT  NOT NULL REFERENCES site (id),
    main    BOOLEAN NOT NULL
);
CREATE INDEX site_domain_site ON site_domain (site_id);

CREATE TABLE site_column (
    id          BIGINT PRIMARY KEY,
    site_id     BIGINT NOT NULL REFERENCES site (id),
    parent_id   BIGINT REFERENCES site_column (id),
    slug        TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    keywords    TEXT   NOT NULL,
    type        TEXT   NOT NULL,
    role        TEXT   NOT NULL DEFAULT '',
    sort        BIGINT NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('open', 'closed')),
    UNIQUE (site_id, path)
);

-- Paths that a column had before: they redirect.
CREATE TABLE column_address (
    site_id   BIGINT NOT NULL REFERENCES site (id),
    path      TEXT   NOT NULL,
    column_id BIGINT NOT NULL REFERENCES site_column (id),
    PRIMARY KEY (site_id, path)
);

CREATE TABLE document (
    id             BIGINT PRIMARY KEY,
    organ_id       BIGINT NOT NULL REFERENCES organ (id),
    site_id        BIGINT NOT NULL REFERENCES site (id),
    kind           TEXT   NOT NULL CHECK (kind IN ('news', 'notice', 'official', 'interpretation', 'profile')),
    source_key     TEXT   UNIQUE,
    lock_version   BIGINT NOT NULL,
    live_edition   BIGINT,
    draft_edition  BIGINT,
    published_on   TEXT,
    withdrawn_at   BIGINT,
    created_at     BIGINT NOT NULL
);
CREATE INDEX document_site ON document (site_id, id);
CREATE INDEX document_organ ON document (organ_id, published_on);

CREATE TABLE edition (
    id              BIGINT PRIMARY KEY,
    document_id     BIGINT NOT NULL REFERENCES document (id),
    no              BIGINT NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('draft', 'submitted', 'returned', 'approved', 'scheduled', 'published', 'superseded', 'withdrawn', 'discarded')),
    title           TEXT   NOT NULL,
    summary         TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    number          TEXT   NOT NULL,
    issuer          TEXT   NOT NULL,
    written_on      TEXT,
    effective_on    TEXT,
    expires_on      TEXT,
    validity        TEXT   NOT NULL,
    validity_basis  TEXT   NOT NULL CHECK (validity_basis IN ('own', 'source')),
    theme           TEXT   NOT NULL,
    genre           TEXT   NOT NULL,
    source          TEXT   NOT NULL,
    author          TEXT   NOT NULL,
    keywords        TEXT   NOT NULL,
    index_number    TEXT   NOT NULL,
    history         TEXT   NOT NULL,
    page_at         BIGINT,
    page_basis      TEXT   NOT NULL CHECK (page_basis IN ('own', 'source', 'import')),
    imported_on     TEXT,
    created_by      TEXT   NOT NULL,
    created_account BIGINT,
    created_at      BIGINT NOT NULL,
    saved_at        BIGINT NOT NULL,
    publish_at      BIGINT,
    released_by     TEXT,
    released_at     BIGINT,
    withdraw_ground TEXT,
    withdraw_reason TEXT,
    UNIQUE (document_id, no)
);
CREATE INDEX edition_state ON edition (state, saved_at);

CREATE TABLE edition_column (
    edition_id BIGINT NOT NULL REFERENCES edition (id),
    column_id  BIGINT NOT NULL REFERENCES site_column (id),
    sort       BIGINT NOT NULL,
    PRIMARY KEY (edition_id, column_id)
);

CREATE TABLE attachment (
    id          BIGINT PRIMARY KEY,
    edition_id  BIGINT NOT NULL REFERENCES edition (id),
    original    TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    media       TEXT   NOT NULL,
    extension   TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    file_id     BIGINT NOT NULL,
    sort        BIGINT NOT NULL
);
CREATE INDEX attachment_edition ON attachment (edition_id);

CREATE TABLE edition_step (
    id         BIGINT PRIMARY KEY,
    edition_id BIGINT NOT NULL REFERENCES edition (id),
    at         BIGINT NOT NULL,
    account_id BIGINT,
    actor      TEXT   NOT NULL,
    act        TEXT   NOT NULL,
    comment    TEXT   NOT NULL
);
CREATE INDEX edition_step_edition ON edition_step (edition_id, at);

-- Where live documents stand. sort_at orders lists: the page's date.
CREATE TABLE placement (
    column_id   BIGINT NOT NULL REFERENCES site_column (id),
    sort_at     BIGINT NOT NULL,
    document_id BIGINT NOT NULL REFERENCES document (id),
    site_id     BIGINT NOT NULL REFERENCES site (id),
    PRIMARY KEY (column_id, sort_at, document_id)
);
CREATE INDEX placement_document ON placement (document_id);
CREATE INDEX placement_site ON placement (site_id, sort_at, document_id);

-- Every address that a document ever had on a site; the current one shows it, the others lead there.
CREATE TABLE document_address (
    site_id     BIGINT  NOT NULL REFERENCES site (id),
    path        TEXT    NOT NULL,
    document_id BIGINT  NOT NULL REFERENCES document (id),
    current     BOOLEAN NOT NULL,
    PRIMARY KEY (site_id, path)
);
CREATE INDEX document_address_document ON document_address (document_id);

CREATE TABLE relation (
    from_document BIGINT NOT NULL REFERENCES document (id),
    kind          TEXT   NOT NULL CHECK (kind IN ('interprets', 'repeals', 'amends', 'replaces', 'annex', 'see')),
    to_document   BIGINT NOT NULL REFERENCES document (id),
    PRIMARY KEY (from_document, kind, to_document)
);
CREATE INDEX relation_to ON relation (to_document);

-- Holiday notices that an administrator loaded; the built-in years are project data.
CREATE TABLE calendar_year (
    year      BIGINT PRIMARY KEY,
    notice    TEXT   NOT NULL,
    loaded_at BIGINT NOT NULL,
    loaded_by TEXT   NOT NULL
);

-- What the city as a whole is called, and whether it is a demonstration.
CREATE TABLE city (
    id       BIGINT  PRIMARY KEY,
    name     TEXT    NOT NULL,
    demo     BOOLEAN NOT NULL,
    root_id  BIGINT  NOT NULL REFERENCES organ (id),
    -- Of a demonstration only: from it come the sample sign-ins that every start prints. A ciphertext.
    demo_seed TEXT
);
