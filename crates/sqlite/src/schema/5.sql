-- Where a channel of somebody who has not logged in was asked for: a keyed hash, for counting.
ALTER TABLE channels ADD COLUMN network BLOB;
CREATE INDEX channels_by_network ON channels (network) WHERE network IS NOT NULL;

-- Channels are counted by topic too.
CREATE INDEX topics_by_resource ON topics (storage, resource);
DROP INDEX topics_by_storage;
