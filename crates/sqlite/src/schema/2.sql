-- How much each storage holds and may hold, and whether it is finished.

-- The size of all its resources. Kept by the triggers below, in the transaction of whatever writes them.
ALTER TABLE storages ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
-- In bytes; none for what every storage may hold, -1 for what the disk holds.
ALTER TABLE storages ADD COLUMN quota INTEGER;
-- One that is not is found by nobody.
ALTER TABLE storages ADD COLUMN unfinished INTEGER NOT NULL DEFAULT 0;

UPDATE storages SET used = held.bytes
    FROM (SELECT storage, sum(size) AS bytes FROM resources GROUP BY storage) AS held
    WHERE held.storage = storages.id;

CREATE TRIGGER used_by_new AFTER INSERT ON resources WHEN new.size <> 0 BEGIN
    UPDATE storages SET used = used + new.size WHERE id = new.storage;
END;
CREATE TRIGGER used_by_changed AFTER UPDATE OF size ON resources WHEN new.size <> old.size BEGIN
    UPDATE storages SET used = used + new.size - old.size WHERE id = new.storage;
END;
CREATE TRIGGER used_by_deleted AFTER DELETE ON resources WHEN old.size <> 0 BEGIN
    UPDATE storages SET used = used - old.size WHERE id = old.storage;
END;
