-- What each credential sent in each month.
CREATE TABLE usage (
    organization     TEXT NOT NULL REFERENCES organizations (id),
    month            TEXT NOT NULL,        -- 2026-11, UTC
    credential       TEXT NOT NULL,        -- no foreign key: it may be deleted
    credential_label TEXT NOT NULL,        -- its newest name, or its username
    mode             TEXT NOT NULL,        -- production, sandbox
    messages         BIGINT NOT NULL,
    recipients       BIGINT NOT NULL,      -- of production messages: one credit each
    PRIMARY KEY (organization, month, credential, mode)
);
CREATE INDEX usage_by_credential ON usage (organization, credential, month);

-- How many credits an organization may use in a month; NULL: any number.
ALTER TABLE organizations ADD COLUMN monthly_credits BIGINT;

-- Credits used in a month, written together with the messages that they paid for.
CREATE TABLE credits (
    organization TEXT NOT NULL REFERENCES organizations (id),
    month        TEXT NOT NULL,
    used         BIGINT NOT NULL,
    PRIMARY KEY (organization, month)
);

-- Credits held for recipients of a message that is still on its way. What its session leaves behind in a crash counts until then.
CREATE TABLE credit_holds (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    month        TEXT NOT NULL,
    credits      BIGINT NOT NULL,
    until        BIGINT NOT NULL
);
CREATE INDEX credit_holds_month ON credit_holds (organization, month, until);
CREATE INDEX credit_holds_age ON credit_holds (until);
