-- Whether this became of a message or of one of its recipients. Few have it: their indexes hold no other lines.
ALTER TABLE messages ADD COLUMN has_bounced SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN has_deferred SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN has_suppressed SMALLINT NOT NULL DEFAULT 0;
UPDATE messages SET has_bounced = 1
    WHERE outcome = 'bounced' OR id IN (SELECT message FROM message_recipients WHERE outcome = 'bounced');
UPDATE messages SET has_deferred = 1
    WHERE outcome = 'deferred' OR id IN (SELECT message FROM message_recipients WHERE outcome = 'deferred');
UPDATE messages SET has_suppressed = 1
    WHERE outcome = 'suppressed' OR id IN (SELECT message FROM message_recipients WHERE outcome = 'suppressed');
CREATE INDEX messages_bounced ON messages (organization, at, id) WHERE has_bounced = 1;
CREATE INDEX messages_deferred ON messages (organization, at, id) WHERE has_deferred = 1;
CREATE INDEX messages_suppressed ON messages (organization, at, id) WHERE has_suppressed = 1;
