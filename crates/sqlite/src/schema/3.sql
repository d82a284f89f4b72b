-- Leave to make an account. The secret is a hash; `begun` is the name that a sign-up has begun with.
CREATE TABLE invitations (
    secret BLOB PRIMARY KEY,
    name TEXT,
    begun TEXT,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_end ON invitations (expires);
