-- Links by which people become members. One that was used, taken back or replaced is gone.
CREATE TABLE invitations (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    email        TEXT NOT NULL,            -- lower case
    role         TEXT NOT NULL,
    token_hash   TEXT NOT NULL,            -- SHA-256 of what stands in the link
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitations_email ON invitations (organization, email);
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
CREATE INDEX invitations_expiry ON invitations (expires_at);
