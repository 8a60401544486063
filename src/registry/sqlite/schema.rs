/// Marks the file as ours in the SQLite header ("ENDR").
pub(super) const APPLICATION_ID: i32 = 0x454e_4452;

/// The migrations, in order; `PRAGMA user_version` counts those that were applied.
/// One that was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[V1, V2];

const V1: &str = "
-- Files as received, for recheck and export.
CREATE TABLE file (
    sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE host (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL CHECK (length(name_key) > 0),
    foreign_key TEXT,
    guid TEXT,
    guid_key TEXT,
    serial TEXT,
    macs TEXT NOT NULL,
    file_sha256 BLOB NOT NULL REFERENCES file (sha256),
    trust TEXT NOT NULL CHECK (trust IN ('verified', 'forced')),
    policy_version TEXT NOT NULL CHECK (policy_version IN ('v1', 'v2')),
    state TEXT NOT NULL CHECK (state IN ('active', 'staged', 'superseded', 'removed')),
    waived TEXT NOT NULL,
    store BLOB NOT NULL CHECK (length(store) = 32),
    policy BLOB NOT NULL CHECK (length(policy) = 32),
    judged_at INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    registered_by TEXT NOT NULL,
    reason TEXT,
    imported INTEGER NOT NULL CHECK (imported IN (0, 1)),
    ended_at INTEGER,
    CHECK (trust = 'verified' OR (policy_version = 'v1' AND coalesce(length(trim(reason)), 0) > 0)),
    CHECK ((ended_at IS NULL) = (state IN ('active', 'staged')))
) STRICT;
CREATE UNIQUE INDEX host_name ON host (name_key) WHERE state IN ('active', 'staged');
CREATE INDEX host_guid ON host (guid_key) WHERE state IN ('active', 'staged');

CREATE TABLE ek (
    host_id INTEGER NOT NULL REFERENCES host (id),
    position INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    spki_sha256 BLOB NOT NULL CHECK (length(spki_sha256) = 32),
    windows_sha256 BLOB NOT NULL CHECK (length(windows_sha256) = 32),
    spki BLOB NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    PRIMARY KEY (host_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ek_spki ON ek (spki_sha256) WHERE current = 1;
CREATE INDEX ek_windows ON ek (windows_sha256) WHERE current = 1;

CREATE TABLE ekcert (
    host_id INTEGER NOT NULL REFERENCES host (id),
    position INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    der BLOB NOT NULL,
    PRIMARY KEY (host_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE recheck (
    host_id INTEGER PRIMARY KEY REFERENCES host (id),
    at INTEGER NOT NULL,
    judged_at INTEGER NOT NULL,
    trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
    codes TEXT NOT NULL,
    store BLOB NOT NULL CHECK (length(store) = 32),
    policy BLOB NOT NULL CHECK (length(policy) = 32)
) STRICT;

CREATE TABLE trail (
    seq INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    entry TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX trail_name ON trail (name_key);

CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    entries INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO head VALUES (1, 0, zeroblob(32));

-- A host that ends gives its EKs free.
CREATE TRIGGER host_ends AFTER UPDATE OF state ON host
WHEN NEW.state NOT IN ('active', 'staged')
BEGIN
    UPDATE ek SET current = 0 WHERE host_id = NEW.id;
END;

-- Registrations are ended, never rewritten or deleted; the trail only grows.
CREATE TRIGGER host_fixed BEFORE UPDATE OF
    id, name, name_key, foreign_key, guid, guid_key, serial, macs, file_sha256, trust,
    policy_version, waived, store, policy, judged_at, registered_at, registered_by, reason,
    imported
ON host BEGIN SELECT RAISE(ABORT, 'a registration is never rewritten'); END;
CREATE TRIGGER host_ended BEFORE UPDATE ON host
WHEN OLD.state NOT IN ('active', 'staged')
BEGIN SELECT RAISE(ABORT, 'an ended registration never changes'); END;
CREATE TRIGGER host_kept BEFORE DELETE ON host
BEGIN SELECT RAISE(ABORT, 'a registration is never deleted'); END;
CREATE TRIGGER ek_fixed BEFORE UPDATE OF
    host_id, position, algorithm, spki_sha256, windows_sha256, spki
ON ek BEGIN SELECT RAISE(ABORT, 'an EK is never rewritten'); END;
CREATE TRIGGER ek_kept BEFORE DELETE ON ek
BEGIN SELECT RAISE(ABORT, 'an EK is never deleted'); END;
CREATE TRIGGER ekcert_fixed BEFORE UPDATE ON ekcert
BEGIN SELECT RAISE(ABORT, 'an EKcert is never rewritten'); END;
CREATE TRIGGER ekcert_kept BEFORE DELETE ON ekcert
BEGIN SELECT RAISE(ABORT, 'an EKcert is never deleted'); END;
CREATE TRIGGER file_fixed BEFORE UPDATE ON file
BEGIN SELECT RAISE(ABORT, 'a file is never rewritten'); END;
CREATE TRIGGER file_kept BEFORE DELETE ON file
BEGIN SELECT RAISE(ABORT, 'a file is never deleted'); END;
CREATE TRIGGER trail_fixed BEFORE UPDATE ON trail
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER trail_kept BEFORE DELETE ON trail
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER head_kept BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
";

/// Challenges, and which hosts have proven that they hold their EKs.
const V2: &str = "
CREATE TABLE challenge (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    host TEXT NOT NULL,
    nonce BLOB NOT NULL CHECK (length(nonce) = 32),
    ak_name BLOB NOT NULL,
    -- SPKI SHA-256 of each EK, with the SHA-256 of its secret.
    eks TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX challenge_expires ON challenge (expires_at);

CREATE TABLE possession (
    host_id INTEGER PRIMARY KEY REFERENCES host (id),
    proven_at INTEGER NOT NULL,
    ak_name BLOB NOT NULL,
    challenge BLOB NOT NULL CHECK (length(challenge) = 16)
) STRICT;

-- A challenge is answered once and changes in nothing else.
CREATE TRIGGER challenge_fixed BEFORE UPDATE OF
    id, host, nonce, ak_name, eks, made_at, expires_at
ON challenge BEGIN SELECT RAISE(ABORT, 'a challenge is never rewritten'); END;
CREATE TRIGGER challenge_used BEFORE UPDATE ON challenge
WHEN OLD.used_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a challenge is answered once'); END;
CREATE TRIGGER possession_kept BEFORE DELETE ON possession
BEGIN SELECT RAISE(ABORT, 'a proof is never deleted'); END;
";
