-- How many of a message's recipients were refused by themselves, whatever became of the message.
ALTER TABLE messages ADD COLUMN refused BIGINT NOT NULL DEFAULT 0;
UPDATE messages SET refused = (SELECT COUNT(*) FROM message_recipients r WHERE r.message = messages.id AND r.outcome <> messages.outcome)
    WHERE recipients > 1;
