-- Keys with which programs use the API. Of the key itself only its SHA-256 is kept: it is random, and can't be guessed.
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    label        TEXT NOT NULL,
    public_key   TEXT NOT NULL,            -- names it where the key must not be; opens nothing
    key_hash     TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    updated_at   BIGINT NOT NULL,
    last_used_at BIGINT                    -- NULL: never; to a few minutes
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);
CREATE INDEX api_keys_recent ON api_keys (organization, created_at, id);

-- What it may do.
CREATE TABLE api_key_scopes (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    api_key      TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    scope        TEXT NOT NULL,            -- smtp-credentials:read:all, smtp-credentials:read:{shop.example}, *, …
    domain       TEXT REFERENCES domains (id), -- the one that the scope names
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX api_key_scopes_once ON api_key_scopes (api_key, scope);
CREATE INDEX api_key_scopes_domain ON api_key_scopes (domain);

-- From where; from anywhere when there is none.
CREATE TABLE api_key_networks (
    organization TEXT NOT NULL REFERENCES organizations (id),
    api_key      TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    network      TEXT NOT NULL,            -- 192.0.2.0/24
    PRIMARY KEY (api_key, network)
);

-- Answers to requests that carried an Idempotency-Key, for the same request to be answered likewise.
CREATE TABLE idempotent_answers (
    organization TEXT NOT NULL REFERENCES organizations (id),
    api_key      TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,            -- SHA-256 of the Idempotency-Key
    request      TEXT NOT NULL,            -- SHA-256 of method, path and body
    status       BIGINT NOT NULL,
    body         TEXT NOT NULL,            -- JSON; where it holds a secret: sealed, Base64
    sealed       SMALLINT NOT NULL,
    until        BIGINT NOT NULL,
    PRIMARY KEY (api_key, name)
);
CREATE INDEX idempotent_answers_age ON idempotent_answers (until);
