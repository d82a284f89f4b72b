-- What is pushed: to whom, what is owed, and how they fare.

-- Up to which commit it is known what is owed.
ALTER TABLE standing ADD COLUMN derived INTEGER NOT NULL DEFAULT 0;
UPDATE standing SET derived = head;

-- The channels whose deliveries led to a record, one id after the other; none for most.
ALTER TABLE records ADD COLUMN causes BLOB;

-- One for each channel that pushes. Secrets are a JSON array of pairs: as it is shown, and until when. An outcome is its
-- kind times 65536 and the status: 0 acknowledged, 1 refused, 2 forbidden, 3 unreachable, 4 timed out.
CREATE TABLE pushes (
    channel BLOB PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    send_to TEXT NOT NULL,
    auth TEXT,
    p256dh TEXT,
    secrets TEXT NOT NULL,
    lifecycle TEXT,
    since INTEGER NOT NULL,
    -- When the channel ends, and whether it was told so.
    ends INTEGER,
    told INTEGER NOT NULL DEFAULT 0,
    last_success INTEGER,
    failed_at INTEGER,
    failed_took INTEGER,
    failed_outcome INTEGER,
    failing_since INTEGER,
    disabled INTEGER,
    -- 0 for failing.
    reason INTEGER,
    missed INTEGER NOT NULL DEFAULT 0,
    -- How much of that it was told.
    missed_told INTEGER NOT NULL DEFAULT 0,
    -- Kept by the triggers below.
    pending INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX pushes_by_end ON pushes (told, ends) WHERE ends IS NOT NULL AND lifecycle IS NOT NULL;

CREATE INDEX pushes_by_disabled ON pushes (disabled) WHERE disabled IS NOT NULL;
CREATE INDEX pushes_that_missed ON pushes (channel) WHERE missed > missed_told AND lifecycle IS NOT NULL;

CREATE TRIGGER push_ends_otherwise AFTER UPDATE OF end_at ON channels WHEN new.end_at IS NOT old.end_at BEGIN
    UPDATE pushes SET ends = new.end_at, told = 0 WHERE channel = new.id;
END;

-- The topics of channels that push, apart from those of the many that do not; and when each was due last.
CREATE TABLE push_topics (
    storage INTEGER NOT NULL,
    resource TEXT NOT NULL,
    channel BLOB NOT NULL REFERENCES pushes (channel) ON DELETE CASCADE,
    due INTEGER,
    PRIMARY KEY (storage, resource, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX push_topics_by_channel ON push_topics (channel);

-- Where deliveries go: 0 what changed, 1 pings, 2 what becomes of the channel; of the last two, only where there was one.
-- Without a channel: its last words, see `farewells`.
CREATE TABLE targets (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    channel BLOB REFERENCES pushes (channel) ON DELETE CASCADE,
    purpose INTEGER NOT NULL,
    lane TEXT NOT NULL,
    -- Nothing of it is due.
    off INTEGER NOT NULL DEFAULT 0,
    -- When something was tried last: who waited longer goes first.
    served INTEGER,
    -- When its first delivery is due, or it was served if that is later; none if it waits for nothing.
    ready INTEGER,
    UNIQUE (channel, purpose)
) STRICT;
CREATE INDEX targets_by_turn ON targets (lane, ready) WHERE ready IS NOT NULL;

CREATE TABLE farewells (
    target INTEGER PRIMARY KEY REFERENCES targets (number) ON DELETE CASCADE,
    channel BLOB NOT NULL,
    webid TEXT,
    client TEXT,
    issuer TEXT,
    origin TEXT,
    rendering INTEGER NOT NULL,
    created INTEGER NOT NULL,
    send_to TEXT NOT NULL,
    secrets TEXT NOT NULL,
    lifecycle TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;
CREATE INDEX farewells_by_agent ON farewells (webid);

-- The lanes in which something waits, and since or until when. Kept by the triggers below.
CREATE TABLE lanes (lane TEXT PRIMARY KEY, ready INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_by_turn ON lanes (ready);

CREATE TRIGGER lane_of_ready AFTER UPDATE OF ready ON targets WHEN new.ready IS NOT old.ready BEGIN
    DELETE FROM lanes WHERE lane = new.lane
        AND NOT EXISTS (SELECT 1 FROM targets WHERE lane = new.lane AND ready IS NOT NULL);
    INSERT INTO lanes SELECT lane, ready FROM targets WHERE lane = new.lane AND ready IS NOT NULL ORDER BY ready LIMIT 1
        ON CONFLICT (lane) DO UPDATE SET ready = excluded.ready WHERE ready <> excluded.ready;
END;
CREATE TRIGGER lane_of_gone AFTER DELETE ON targets WHEN old.ready IS NOT NULL BEGIN
    DELETE FROM lanes WHERE lane = old.lane
        AND NOT EXISTS (SELECT 1 FROM targets WHERE lane = old.lane AND ready IS NOT NULL);
    INSERT INTO lanes SELECT lane, ready FROM targets WHERE lane = old.lane AND ready IS NOT NULL ORDER BY ready LIMIT 1
        ON CONFLICT (lane) DO UPDATE SET ready = excluded.ready WHERE ready <> excluded.ready;
END;

-- AUTOINCREMENT: what is younger has the higher number, and none is used again.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target INTEGER NOT NULL REFERENCES targets (number) ON DELETE CASCADE,
    message BLOB NOT NULL,
    -- Of one object, one goes after the other: only the oldest, the head, is ever due.
    object TEXT NOT NULL,
    head INTEGER NOT NULL,
    due INTEGER NOT NULL,
    -- 0 a change, 1 a state, 2 a ping, 3 a lifecycle message.
    kind INTEGER NOT NULL,
    mergeable INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    -- Given up then: a dead letter.
    died INTEGER,
    -- Of the last attempt.
    outcome INTEGER,
    -- By what it is judged; need: 0 to read, 1 to control.
    storage INTEGER,
    topic TEXT,
    resource TEXT,
    generation INTEGER,
    need INTEGER,
    -- Its place in the log.
    sequence INTEGER,
    part INTEGER,
    causes BLOB NOT NULL,
    cursor_at INTEGER,
    body BLOB NOT NULL,
    UNIQUE (target, message)
) STRICT;
CREATE INDEX deliveries_by_object ON deliveries (target, object) WHERE died IS NULL;
CREATE INDEX deliveries_by_turn ON deliveries (target, due) WHERE head;
CREATE INDEX deliveries_by_due ON deliveries (due) WHERE head;
CREATE INDEX deliveries_by_place ON deliveries (target, sequence, part) WHERE died IS NULL AND sequence IS NOT NULL;
CREATE INDEX dead_letters ON deliveries (target) WHERE died IS NOT NULL;
CREATE INDEX dead_letters_by_age ON deliveries (died) WHERE died IS NOT NULL;

CREATE TRIGGER pending_more AFTER INSERT ON deliveries BEGIN
    UPDATE pushes SET pending = pending + 1 WHERE channel = (SELECT channel FROM targets WHERE number = new.target);
END;
CREATE TRIGGER pending_less AFTER DELETE ON deliveries BEGIN
    UPDATE pushes SET pending = pending - (old.died IS NULL), dead = dead - (old.died IS NOT NULL)
        WHERE channel = (SELECT channel FROM targets WHERE number = old.target);
END;
CREATE TRIGGER pending_or_dead AFTER UPDATE OF died ON deliveries BEGIN
    UPDATE pushes SET pending = pending + (new.died IS NULL) - (old.died IS NULL),
                      dead = dead + (new.died IS NOT NULL) - (old.died IS NOT NULL)
        WHERE channel = (SELECT channel FROM targets WHERE number = new.target);
END;

CREATE TABLE attempts (
    channel BLOB NOT NULL REFERENCES pushes (channel) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    message BLOB NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    PRIMARY KEY (channel, number)
) STRICT, WITHOUT ROWID;
