-- The message log: every message that was taken or handed on, one line each.
CREATE TABLE messages (
    id                TEXT PRIMARY KEY,
    organization      TEXT NOT NULL REFERENCES organizations (id),
    at                BIGINT NOT NULL,
    credential        TEXT NOT NULL,       -- no foreign key: it may be deleted
    credential_label  TEXT NOT NULL,       -- its name at the time, or its username
    mode              TEXT NOT NULL,       -- production, sandbox: what the message was treated as
    outcome           TEXT NOT NULL,       -- delivered, deferred, bounced, failed, suppressed, unknown
    answer            TEXT NOT NULL,       -- the next hop's answer to the whole message, or ''
    sender            TEXT NOT NULL,       -- the return path; '' where it is empty
    recipients        BIGINT NOT NULL,     -- how many
    first_recipient   TEXT NOT NULL,
    header_from       TEXT NOT NULL,
    subject           TEXT NOT NULL,
    message_id_header TEXT NOT NULL,
    size              BIGINT NOT NULL,     -- bytes, as the client sent it
    address           TEXT NOT NULL,       -- the client's
    hello             TEXT NOT NULL,
    search            TEXT NOT NULL,       -- sender, recipients and subject in lower case
    has_content       SMALLINT NOT NULL    -- 1 while message_contents holds it
);
CREATE INDEX messages_recent ON messages (organization, at, id);
CREATE INDEX messages_by_credential ON messages (organization, credential, at, id);
CREATE INDEX messages_by_mode ON messages (organization, mode, at, id);
CREATE INDEX messages_by_outcome ON messages (organization, outcome, at, id);
-- What is old, for forgetting it. In two parts, so that no list is read by them, over lines of other organizations.
CREATE INDEX messages_age ON messages (at) WHERE has_content = 0;
CREATE INDEX messages_content_age ON messages (at) WHERE has_content = 1;

CREATE TABLE message_recipients (
    organization TEXT NOT NULL REFERENCES organizations (id),
    message      TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position     BIGINT NOT NULL,
    address      TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    answer       TEXT NOT NULL,            -- the next hop's, or ''
    PRIMARY KEY (message, position)
);

-- What sandbox messages hold, in pieces: no statement carries a whole message.
CREATE TABLE message_contents (
    organization TEXT NOT NULL REFERENCES organizations (id),
    message      TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position     BIGINT NOT NULL,
    data         TEXT NOT NULL,            -- Base64
    PRIMARY KEY (message, position)
);
