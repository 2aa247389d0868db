-- A domain is verified by a TXT record at _gatepost-challenge.<name> that holds the domain's id.

ALTER TABLE domains ADD COLUMN verified_at BIGINT;                 -- NULL: never
ALTER TABLE domains ADD COLUMN forced SMALLINT NOT NULL DEFAULT 0; -- 1: an operator vouches for it; not looked up
ALTER TABLE domains ADD COLUMN checked_at BIGINT;                  -- the newest look-up
ALTER TABLE domains ADD COLUMN next_check_at BIGINT;               -- NULL: not looked up by itself
ALTER TABLE domains ADD COLUMN lost_at BIGINT;                     -- since when the record of a verified domain is gone
ALTER TABLE domains ADD COLUMN usable_until BIGINT;                -- end of the grace that began then
ALTER TABLE domains ADD COLUMN loss_noted SMALLINT NOT NULL DEFAULT 0; -- 1: that this end has come is in the audit log
ALTER TABLE domains ADD COLUMN problem TEXT NOT NULL DEFAULT '';   -- what the newest look-up found instead; a sentence
CREATE INDEX domains_next_check ON domains (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX domains_loss ON domains (usable_until) WHERE usable_until IS NOT NULL AND loss_noted = 0;

-- Those that are there already: once, soon.
UPDATE domains SET next_check_at = created_at;
