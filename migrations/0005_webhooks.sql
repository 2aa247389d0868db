-- Webhooks: endpoints that hear what happens, what is to be told to them, and how each try went.

CREATE TABLE webhooks (
    id                TEXT PRIMARY KEY,
    organization      TEXT NOT NULL REFERENCES organizations (id),
    name              TEXT NOT NULL,
    sort_name         TEXT NOT NULL,       -- the name in lower case
    url               TEXT NOT NULL,
    events            TEXT NOT NULL,       -- the words of the events that it hears, joined by spaces
    scope             TEXT NOT NULL,       -- global, scoped
    domains           TEXT NOT NULL,       -- names of the domains that a scoped one is for, joined by spaces
    enabled           SMALLINT NOT NULL,
    disabled_because  TEXT NOT NULL DEFAULT '', -- a sentence, where Gatepost switched it off by itself
    secret            TEXT NOT NULL,       -- whsec_…; readable, for it signs
    previous_secret   TEXT,                -- the one before the last rotation, while both sign
    previous_until    BIGINT,
    successes         BIGINT NOT NULL DEFAULT 0, -- of tries, as the next two
    failures          BIGINT NOT NULL DEFAULT 0,
    failures_in_a_row BIGINT NOT NULL DEFAULT 0,
    last_request_at   BIGINT,
    claimed_by        TEXT,                -- the process that delivers to it now: one at a time, so that the order is kept
    claimed_until     BIGINT,              -- when another may, should that one be gone
    created_at        BIGINT NOT NULL,
    created_by        TEXT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE INDEX webhooks_enabled ON webhooks (organization, enabled);

-- One report to one webhook, written in the transaction of what it reports.
CREATE TABLE webhook_deliveries (
    id           TEXT PRIMARY KEY,         -- the header webhook-id, unchanged on a retry
    organization TEXT NOT NULL REFERENCES organizations (id),
    webhook      TEXT NOT NULL,            -- no foreign key: deleting one must not fail what is told to it in that moment
    event        TEXT NOT NULL,            -- message.reception, …
    message      TEXT,                     -- the message that it is about; no foreign key: it may be forgotten
    is_test      SMALLINT NOT NULL,
    at           BIGINT NOT NULL,          -- when what it reports happened
    body         TEXT NOT NULL,            -- JSON, sent and signed byte by byte
    status       TEXT NOT NULL,            -- pending, delivered, failed
    tries        BIGINT NOT NULL,          -- since it was written, or redelivered
    next_at      BIGINT NOT NULL           -- of a pending one: not before then
);
CREATE INDEX webhook_deliveries_in_line ON webhook_deliveries (webhook, id) WHERE status = 'pending' AND tries < 2;
CREATE INDEX webhook_deliveries_passed ON webhook_deliveries (webhook, next_at) WHERE status = 'pending' AND tries >= 2;
CREATE INDEX webhook_deliveries_recent ON webhook_deliveries (organization, webhook, at, id);
CREATE INDEX webhook_deliveries_unfinished ON webhook_deliveries (organization, webhook, status, at, id) WHERE status <> 'delivered';
CREATE INDEX webhook_deliveries_message ON webhook_deliveries (message) WHERE message IS NOT NULL;
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (at);

-- What was sent, and what came back.
CREATE TABLE webhook_attempts (
    organization TEXT NOT NULL REFERENCES organizations (id),
    delivery     TEXT NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    number       BIGINT NOT NULL,          -- from 1
    at           BIGINT NOT NULL,
    url          TEXT NOT NULL,
    signature    TEXT NOT NULL,            -- the header webhook-signature
    status       BIGINT,                   -- of HTTP; NULL: no answer came
    error        TEXT NOT NULL,            -- why none came, a sentence; or ''
    answer       TEXT NOT NULL,            -- the first 2 KB of its body
    took         BIGINT NOT NULL,          -- microseconds
    PRIMARY KEY (delivery, number)
);

-- Webhooks that are deleted, until their deliveries are: a step at a time, however many there are.
CREATE TABLE webhooks_gone (
    organization TEXT NOT NULL REFERENCES organizations (id),
    webhook      TEXT PRIMARY KEY
);

-- When a credential was used for the first time; 0: never, or before this was kept.
ALTER TABLE credentials ADD COLUMN first_used_at BIGINT NOT NULL DEFAULT 0;

-- When many failures with a credential's username were last reported.
CREATE TABLE auth_alarms (
    organization TEXT NOT NULL REFERENCES organizations (id),
    credential   TEXT PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    at           BIGINT NOT NULL
);
