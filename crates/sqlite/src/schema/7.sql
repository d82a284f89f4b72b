-- The keys that this server signs with as the sender of what it pushes: each signs from a time on until another of its
-- purpose does.
CREATE TABLE sender_keys (
    kid TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    pkcs8 BLOB NOT NULL,
    created INTEGER NOT NULL,
    signs INTEGER NOT NULL
) STRICT;
