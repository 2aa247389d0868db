-- What the API lists and filters beyond the pages.

-- The one domain that a message was sent from; '' where there is none, or several. API keys are scoped by it.
ALTER TABLE messages ADD COLUMN sender_domain TEXT NOT NULL DEFAULT '';
-- What stands behind the last @ of the return path.
UPDATE messages SET sender_domain = lower(replace(sender, rtrim(sender, replace(sender, '@', '')), '')) WHERE sender LIKE '%@%';
CREATE INDEX messages_by_sender_domain ON messages (organization, sender_domain, at, id);

-- The newest change or look-up.
ALTER TABLE domains ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE domains SET updated_at = COALESCE(checked_at, created_at);

CREATE INDEX events_by_action ON events (organization, action, at, id);
CREATE INDEX events_by_subject ON events (organization, subject, at, id);
