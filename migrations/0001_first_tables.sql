-- Portable between SQLite and PostgreSQL. Times are BIGINT, microseconds since 1970 in UTC. Ids are UUID v7 as text.
-- Every table but members and sessions carries its organization.

CREATE TABLE organizations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    operates   SMALLINT,                   -- 1 for the one that runs this installation, else NULL
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX organizations_operates ON organizations (operates);

-- A person who logs in to the dashboard.
CREATE TABLE members (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL,           -- lower case
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,           -- Argon2id, PHC string
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX members_email ON members (email);

-- The role of a member in an organization: owner or member.
CREATE TABLE memberships (
    organization TEXT NOT NULL REFERENCES organizations (id),
    member       TEXT NOT NULL REFERENCES members (id),
    role         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (organization, member)
);
CREATE INDEX memberships_member ON memberships (member);

-- Dashboard sessions. The cookie holds the key; the table only its SHA-256.
CREATE TABLE sessions (
    key_hash     TEXT PRIMARY KEY,
    id           TEXT NOT NULL,            -- names the session on pages; opens nothing
    member       TEXT REFERENCES members (id),
    data         TEXT NOT NULL,
    address      TEXT NOT NULL,
    agent        TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_member ON sessions (member, last_seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Links that create the first owner. Worth nothing once there is a member.
CREATE TABLE setup_links (
    token_hash   TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    created_at   BIGINT NOT NULL
);

CREATE TABLE domains (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    name         TEXT NOT NULL,            -- A-labels, lower case, no final dot
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL
);
CREATE UNIQUE INDEX domains_name ON domains (organization, name);

CREATE TABLE credentials (
    id                    TEXT PRIMARY KEY,
    organization          TEXT NOT NULL REFERENCES organizations (id),
    name                  TEXT NOT NULL,   -- '' when it has none
    sort_name             TEXT NOT NULL,   -- the name in lower case, for order and search
    username              TEXT NOT NULL,
    status                TEXT NOT NULL,   -- active, revoked
    mode                  TEXT NOT NULL,   -- production, sandbox
    scope                 TEXT NOT NULL,   -- global, scoped
    password_id           TEXT NOT NULL,   -- changes at each rotation
    password_hash         TEXT NOT NULL,   -- Argon2id, PHC string
    previous_id           TEXT,            -- the password before the last rotation, while its grace lasts
    previous_hash         TEXT,
    previous_until        BIGINT,
    created_at            BIGINT NOT NULL,
    created_by            TEXT NOT NULL,
    updated_at            BIGINT NOT NULL,
    rotated_at            BIGINT,
    expires_at            BIGINT,
    expiry_noted          SMALLINT NOT NULL DEFAULT 0,
    last_used_at          BIGINT NOT NULL DEFAULT 0,  -- 0: never
    last_used_address     TEXT NOT NULL DEFAULT '',
    last_used_door        TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX credentials_username ON credentials (username);
CREATE UNIQUE INDEX credentials_name ON credentials (organization, name) WHERE name <> '';
-- One for each column that the table of credentials is sorted by.
-- (The first holds the username too, so that a search reads the index alone until a row matches.)
CREATE INDEX credentials_by_name ON credentials (organization, sort_name, id, username);
CREATE INDEX credentials_by_username ON credentials (organization, username, id);
CREATE INDEX credentials_by_status ON credentials (organization, status, id);
CREATE INDEX credentials_by_mode ON credentials (organization, mode, id);
CREATE INDEX credentials_by_scope ON credentials (organization, scope, id);
CREATE INDEX credentials_by_last_used ON credentials (organization, last_used_at, id);
CREATE INDEX credentials_by_created ON credentials (organization, created_at, id);
CREATE INDEX credentials_by_expiry ON credentials (organization, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX credentials_expiry ON credentials (expires_at) WHERE expires_at IS NOT NULL AND expiry_noted = 0;

CREATE INDEX credentials_grace ON credentials (previous_until) WHERE previous_until IS NOT NULL;

-- The domains that a scoped credential is for.
CREATE TABLE credential_domains (
    organization TEXT NOT NULL REFERENCES organizations (id),
    credential   TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    domain       TEXT NOT NULL REFERENCES domains (id),
    PRIMARY KEY (credential, domain)
);
CREATE INDEX credential_domains_domain ON credential_domains (domain);

-- Successful log-ins, one line for each credential, password, door and client address.
CREATE TABLE logins (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    credential   TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    password     TEXT NOT NULL,            -- credentials.password_id at the time
    door         TEXT NOT NULL,
    address      TEXT NOT NULL,
    hello        TEXT NOT NULL,            -- the newest EHLO name
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    times        BIGINT NOT NULL
);
CREATE UNIQUE INDEX logins_who ON logins (credential, password, door, address);
CREATE INDEX logins_recent ON logins (credential, last_at);
CREATE INDEX logins_age ON logins (last_at);

-- Denied log-ins with their true reason. Those of unknown usernames belong to the first organization.
CREATE TABLE denials (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    reference    TEXT NOT NULL,            -- what the SMTP reply carried
    at           BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    username     TEXT NOT NULL,            -- as it was sent, cut to 64 characters
    credential   TEXT,                     -- no foreign key: it may be deleted
    door         TEXT NOT NULL,
    address      TEXT NOT NULL,
    hello        TEXT NOT NULL
);
CREATE INDEX denials_recent ON denials (organization, at, id);
CREATE INDEX denials_reference ON denials (organization, reference);
CREATE INDEX denials_credential ON denials (credential, at);
CREATE INDEX denials_age ON denials (at);

-- The audit log: who did what, when, from where. Written in the transaction of what it reports.
CREATE TABLE events (
    id            TEXT PRIMARY KEY,
    organization  TEXT NOT NULL REFERENCES organizations (id),
    at            BIGINT NOT NULL,
    actor_kind    TEXT NOT NULL,           -- member, operator (the command line), system
    actor         TEXT NOT NULL,           -- an id, or ''
    actor_label   TEXT NOT NULL,
    address       TEXT NOT NULL,
    action        TEXT NOT NULL,           -- credential.created, …
    subject       TEXT NOT NULL,           -- the id of what it was done to
    subject_label TEXT NOT NULL,           -- its name at the time
    detail        TEXT NOT NULL            -- a sentence, or ''
);
CREATE INDEX events_recent ON events (organization, at, id);
