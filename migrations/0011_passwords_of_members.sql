-- When a member's password was set: a session that began with an earlier one is over. 0: before this was kept.
ALTER TABLE members ADD COLUMN password_set_at BIGINT NOT NULL DEFAULT 0;
