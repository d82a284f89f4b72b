-- Channels that end with their last connection, or so long after it; and when, for those that had one when the server
-- stopped.
ALTER TABLE channels ADD COLUMN linger INTEGER;
ALTER TABLE channels ADD COLUMN stranded INTEGER;
CREATE INDEX channels_by_stranded ON channels (stranded) WHERE stranded IS NOT NULL;
CREATE INDEX channels_that_linger ON channels (uses) WHERE linger IS NOT NULL;
