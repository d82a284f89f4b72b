-- Channels over what lies below their topics, and filters of what they hear.
ALTER TABLE channels ADD COLUMN recursive INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN kinds INTEGER NOT NULL DEFAULT 31;
ALTER TABLE channels ADD COLUMN not_by_subject INTEGER NOT NULL DEFAULT 0;

-- The newest commit whose records of this storage were pruned.
ALTER TABLE storages ADD COLUMN pruned_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX records_of_storage ON records (storage, sequence);
UPDATE storages SET pruned_at = (SELECT pruned FROM standing);

-- Keys of this history: a restored copy begins with others.
CREATE TABLE keys (name TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
