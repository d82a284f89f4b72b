-- The first schema. Instants are nanoseconds since 1970, hashes and ids are blobs.

-- Where the one internal order stands.
CREATE TABLE standing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    head INTEGER NOT NULL,
    -- The newest commit that changed policy.
    watermark INTEGER NOT NULL,
    -- The newest commit whose records were pruned.
    pruned INTEGER NOT NULL,
    -- The oldest commit as of which the rules can be read.
    floor INTEGER NOT NULL
) STRICT;
INSERT INTO standing VALUES (1, 0, 0, 0, 0);

-- AUTOINCREMENT: a number is never used again.
CREATE TABLE storages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root TEXT NOT NULL,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    newest INTEGER NOT NULL DEFAULT 0,
    pruned INTEGER NOT NULL DEFAULT 0,
    -- Its row stays as long as records of it do.
    deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX storages_by_root ON storages (root) WHERE NOT deleted;

-- Containers, documents and auxiliaries. Bodies come last, so that listings do not read over them.
CREATE TABLE resources (
    id INTEGER PRIMARY KEY,
    iri TEXT NOT NULL UNIQUE,
    storage INTEGER NOT NULL,
    -- None for a root and for auxiliaries: they are nobody's members.
    parent TEXT,
    class INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    version TEXT NOT NULL,
    listing INTEGER NOT NULL DEFAULT 0,
    modified INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT,
    body BLOB
) STRICT;
CREATE INDEX resources_by_parent ON resources (parent, iri) WHERE parent IS NOT NULL;
CREATE INDEX resources_by_digest ON resources (digest) WHERE digest IS NOT NULL;

-- Lives that are over.
CREATE TABLE ended (
    iri TEXT NOT NULL,
    generation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (iri, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_by_sequence ON ended (sequence);

-- ACLs (0) and group documents (1) as they were; without a body where one ended. `until` is the commit that
-- replaced or ended the entry, of an end itself its own.
CREATE TABLE policy (
    iri TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    until INTEGER,
    body TEXT,
    PRIMARY KEY (iri, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_by_end ON policy (until, sequence) WHERE until IS NOT NULL;

-- The log. Facts: 0 change, 1 ACL, 2 group, 3 storage created, 4 storage deleted.
CREATE TABLE records (
    sequence INTEGER NOT NULL,
    storage INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    published INTEGER NOT NULL,
    fact INTEGER NOT NULL,
    object TEXT NOT NULL,
    id BLOB,
    kind INTEGER,
    class INTEGER,
    generation INTEGER,
    state TEXT,
    container TEXT,
    container_generation INTEGER,
    container_state TEXT,
    actor TEXT,
    PRIMARY KEY (sequence, "offset")
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX records_by_position ON records (storage, epoch, "offset");

CREATE TABLE channels (
    id BLOB PRIMARY KEY,
    webid TEXT,
    client TEXT,
    issuer TEXT,
    origin TEXT,
    rendering INTEGER NOT NULL,
    capability BLOB UNIQUE,
    concurrent INTEGER NOT NULL,
    total INTEGER,
    uses INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    connect_by INTEGER,
    start_at INTEGER,
    end_at INTEGER,
    rate INTEGER,
    state TEXT
) STRICT;
CREATE INDEX channels_by_subject ON channels (webid, client);
CREATE INDEX channels_by_end ON channels (end_at) WHERE end_at IS NOT NULL;
CREATE INDEX channels_by_connect_by ON channels (connect_by) WHERE connect_by IS NOT NULL AND uses = 0;

CREATE TABLE topics (
    channel BLOB NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    storage INTEGER NOT NULL,
    resource TEXT NOT NULL,
    PRIMARY KEY (channel, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX topics_by_storage ON topics (storage);

-- What the provider keeps.
CREATE TABLE accounts (name TEXT PRIMARY KEY, webid TEXT NOT NULL UNIQUE, password TEXT) STRICT;

CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    secret BLOB NOT NULL,
    webid TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX credentials_by_webid ON credentials (webid, id);

-- The lists of URIs are JSON arrays of strings.
CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    secret BLOB,
    name TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL
) STRICT;
CREATE INDEX clients_by_use ON clients (last_used);

CREATE TABLE families (
    id BLOB PRIMARY KEY,
    current BLOB NOT NULL,
    client TEXT NOT NULL,
    webid TEXT NOT NULL,
    scope TEXT NOT NULL,
    jkt TEXT,
    algorithm TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX families_by_client ON families (client);
CREATE INDEX families_by_webid ON families (webid);
CREATE INDEX families_by_end ON families (expires);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL UNIQUE,
    pkcs8 BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;
