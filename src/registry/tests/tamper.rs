//! What somebody does to the database behind the program's back is found.

use rusqlite::Connection;

use super::*;
use crate::hash::Sha256Digest;
use crate::registry::CheckReport;

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_update(None, "foreign_keys", false)
        .unwrap();
    connection
        .pragma_update(None, "synchronous", "OFF")
        .unwrap();
    connection
}

/// A registry in which every kind of thing has happened.
fn eventful() -> Bench {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    bench.add(&bare("hv2", "b"), &force());
    bench.add(&trusted("hv1", "c"), &replace());
    bench.register(&trusted("hv3", "d"), &stage());
    let id = bench.registry.show("hv2").unwrap().id;
    let again = bare("hv2", "b");
    bench
        .registry
        .record_recheck(id, &again, at(), WHO)
        .unwrap();
    bench.add(&trusted("hv4", "e"), &Options::default());
    bench
        .registry
        .remove("hv4", Some("scrapped"), at(), WHO, false)
        .unwrap();
    bench.add(&trusted("hv5", "f"), &Options::default());
    bench.assert_whole();
    bench
}

/// Runs `sql` with the triggers out of the way, as somebody would who knows them.
fn tamper(path: &Path, sql: &str) {
    let connection = connect(path);
    connection.execute_batch("BEGIN").unwrap();
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (name, _) in &triggers {
        connection
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .unwrap();
    }
    connection.execute_batch(sql).unwrap();
    for (_, sql) in &triggers {
        connection.execute_batch(sql).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
}

fn check(bench: &Bench) -> CheckReport {
    open(&bench.path(), Mode::ReadOnly).check(None).unwrap()
}

#[test]
fn tampering_is_found_and_named() {
    let cases = [
        // The trail.
        ("UPDATE trail SET entry = replace(entry, 'operator', 'somebody') WHERE seq = 2", "hash does not fit"),
        ("UPDATE trail SET hash = zeroblob(32) WHERE seq = 2", "hash does not fit"),
        ("UPDATE trail SET entry = 'x' WHERE seq = 2", "cannot be read"),
        ("UPDATE trail SET entry = entry || ' ' WHERE seq = 2", "canonical"),
        ("UPDATE trail SET name_key = 'hv9' WHERE seq = 2", "filed under another"),
        ("UPDATE trail SET host_id = 9 WHERE seq = 2", "filed under another"),
        ("DELETE FROM trail WHERE seq = 1", "entry 1 should come here"),
        ("DELETE FROM trail WHERE seq = 4", "entry 4 should come here"),
        ("DELETE FROM trail WHERE seq = (SELECT max(seq) FROM trail)", "its head says 8"),
        ("DELETE FROM trail", "has 0 entries, its head says 8"),
        (
            "INSERT INTO trail SELECT seq + 1, host_id, name_key, entry, hash FROM trail WHERE seq = 8",
            "its head says 8",
        ),
        (
            "UPDATE trail SET seq = -2 WHERE seq = 2; UPDATE trail SET seq = 2 WHERE seq = 3;
             UPDATE trail SET seq = 3 WHERE seq = -2",
            "hash does not fit",
        ),
        // The head.
        ("UPDATE head SET hash = zeroblob(32)", "does not end in the hash"),
        ("UPDATE head SET entries = 7", "its head says 7"),
        ("DELETE FROM head", "head of the audit trail is missing"),
        // The end of the trail, with the head set back to fit.
        (
            "DELETE FROM trail WHERE seq = 8;
             UPDATE head SET entries = 7, hash = (SELECT hash FROM trail WHERE seq = 7)",
            "is not in the trail",
        ),
        // The hosts.
        ("UPDATE host SET trust = 'verified' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET name = 'hv9', name_key = 'hv9' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET foreign_key = 'x' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET guid = 'x', guid_key = 'X' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET serial = NULL WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET macs = '[]' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET waived = '[]' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET reason = 'x' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET registered_by = 'x' WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET registered_at = 0 WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET judged_at = 0 WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET store = policy WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET policy = store WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET imported = 1 WHERE name = 'hv2'", "not what the trail says"),
        ("UPDATE host SET policy_version = 'v1' WHERE name = 'hv5'", "not what the trail says"),
        ("UPDATE host SET name_key = 'hv9' WHERE name = 'hv2'", "filed under another"),
        ("UPDATE host SET guid_key = 'X' WHERE name = 'hv2'", "filed under another"),
        ("UPDATE host SET state = 'active' WHERE name = 'hv3'", "by the trail it is staged"),
        (
            "UPDATE host SET state = 'active', ended_at = NULL WHERE name = 'hv4';
             UPDATE ek SET current = 1 WHERE host_id = 5",
            "by the trail it is removed",
        ),
        ("UPDATE host SET ended_at = 0 WHERE name = 'hv4'", "did not end when"),
        ("UPDATE host SET macs = 'x' WHERE name = 'hv2'", "damaged"),
        ("DELETE FROM host WHERE name = 'hv5'", "not among the hosts"),
        (
            "INSERT INTO host SELECT 99, 'hv9', 'hv9', foreign_key, guid, guid_key, serial, macs, file_sha256,
                trust, policy_version, state, waived, store, policy, judged_at, registered_at,
                registered_by, reason, imported, ended_at FROM host WHERE name = 'hv5'",
            "is not in the trail",
        ),
        // What belongs to a host.
        ("UPDATE ek SET spki_sha256 = zeroblob(32) WHERE host_id = 2", "not what the trail says"),
        ("UPDATE ek SET windows_sha256 = zeroblob(32) WHERE host_id = 2", "not what the trail says"),
        ("UPDATE ek SET spki = x'00' WHERE host_id = 2", "digest of an EKpub"),
        ("UPDATE ek SET algorithm = 'ecc-p256' WHERE host_id = 2", "not what the trail says"),
        ("UPDATE ek SET current = 0 WHERE host_id = 2", "not in the state its host is in"),
        ("DELETE FROM ek WHERE host_id = 2", "not what the trail says"),
        ("INSERT INTO ek SELECT 2, 1, algorithm, zeroblob(32), windows_sha256, spki, 1 FROM ek WHERE host_id = 2", "not what the trail says"),
        ("UPDATE ekcert SET der = x'00' WHERE host_id = 1", "digest of an EKpub or EKcert"),
        ("UPDATE ekcert SET sha256 = zeroblob(32) WHERE host_id = 1", "digest of an EKpub or EKcert"),
        ("DELETE FROM ekcert WHERE host_id = 1", "not what the trail says"),
        ("UPDATE file SET bytes = x'00' WHERE sha256 = (SELECT file_sha256 FROM host WHERE id = 2)", "not the one it was registered from"),
        ("DELETE FROM file WHERE sha256 = (SELECT file_sha256 FROM host WHERE id = 2)", "its file is missing"),
        ("UPDATE recheck SET trusted = 1", "the last recheck"),
        ("UPDATE recheck SET codes = '[]'", "the last recheck"),
        ("UPDATE recheck SET at = 0", "the last recheck"),
        ("DELETE FROM recheck", "the last recheck"),
        ("INSERT INTO recheck SELECT 1, at, judged_at, trusted, codes, store, policy FROM recheck", "the last recheck"),
        // The schema.
        ("DROP INDEX ek_spki", "index ek_spki of the schema is missing"),
        ("DROP INDEX host_name; CREATE INDEX host_name ON host (name_key)", "index host_name of the schema is missing or changed"),
        ("CREATE TABLE more (x)", "table more does not belong"),
        (
            "CREATE TRIGGER quiet AFTER INSERT ON trail BEGIN UPDATE host SET reason = NULL; END",
            "trigger quiet does not belong",
        ),
    ];
    let bench = eventful();
    let whole = bench.bytes();
    for (sql, expected) in cases {
        std::fs::write(bench.path(), &whole).unwrap();
        tamper(&bench.path(), sql);
        let problems = check(&bench).problems;
        let found = problems
            .iter()
            .any(|problem| problem.message.contains(expected));
        assert!(found, "{sql}\nexpected: {expected}\nfound: {problems:#?}");
    }
}

#[test]
fn the_place_of_a_break_is_told() {
    let bench = eventful();
    tamper(
        &bench.path(),
        "UPDATE trail SET entry = replace(entry, 'lab machine', 'laboratory') WHERE seq = 2",
    );
    let problems = check(&bench).problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].seq, Some(2));
}

#[test]
fn the_database_itself_refuses() {
    let bench = eventful();
    let connection = connect(&bench.path());
    for sql in [
        "UPDATE trail SET entry = ''",
        "DELETE FROM trail",
        "DELETE FROM head",
        "UPDATE host SET trust = 'verified'",
        "UPDATE host SET state = 'active' WHERE name = 'hv4'",
        "DELETE FROM host",
        "UPDATE ek SET spki = x'00'",
        "DELETE FROM ek",
        "UPDATE ekcert SET der = x'00'",
        "DELETE FROM ekcert",
        "UPDATE file SET bytes = x'00'",
        "DELETE FROM file",
        // Two current hosts of one name, and one EK in two current hosts.
        "INSERT INTO host SELECT 99, name, name_key, foreign_key, guid, guid_key, serial, macs, file_sha256,
            trust, policy_version, state, waived, store, policy, judged_at, registered_at,
            registered_by, reason, imported, ended_at FROM host WHERE name = 'hv5'",
        "INSERT INTO ek SELECT 2, 9, algorithm, spki_sha256, windows_sha256, spki, 1 FROM ek
            WHERE host_id = (SELECT id FROM host WHERE name = 'hv5')",
        // Forced under v2, or without a reason.
        "INSERT INTO host SELECT 99, 'x', 'x', foreign_key, guid, guid_key, serial, macs, file_sha256,
            'forced', 'v2', state, waived, store, policy, judged_at, registered_at,
            registered_by, 'why', imported, ended_at FROM host WHERE name = 'hv5'",
        "INSERT INTO host SELECT 99, 'x', 'x', foreign_key, guid, guid_key, serial, macs, file_sha256,
            'forced', 'v1', state, waived, store, policy, judged_at, registered_at,
            registered_by, NULL, imported, ended_at FROM host WHERE name = 'hv5'",
    ] {
        assert!(connection.execute_batch(sql).is_err(), "{sql}");
    }
    bench.assert_whole();
}

#[test]
fn a_dropped_trigger_is_found() {
    let bench = eventful();
    connect(&bench.path())
        .execute_batch("DROP TRIGGER trail_kept")
        .unwrap();
    let problems = check(&bench).problems;
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.contains("trigger trail_kept"),
        "{problems:?}"
    );
}

#[test]
fn a_head_kept_elsewhere_shows_an_older_copy_put_back() {
    let bench = eventful();
    let older = bench.bytes();
    let early = check(&bench).head;
    bench.add(&trusted("hv6", "g"), &Options::default());
    let late = check(&bench).head;
    // A head noted earlier is still in the chain, with what came after.
    let report = bench.registry.check(Some(early)).unwrap();
    assert!(report.is_ok());
    assert_eq!((report.expected_at, report.entries), (Some(8), 9));

    std::fs::write(bench.path(), older).unwrap();
    assert!(check(&bench).is_ok());
    let report = open(&bench.path(), Mode::ReadOnly)
        .check(Some(late))
        .unwrap();
    assert!(!report.is_ok());
    assert_eq!(report.expected_at, None);
    assert!(report.problems[0].message.contains(&late.to_string()));
}

#[test]
fn the_chain_is_what_the_documentation_says() {
    // SHA-256 over the previous hash and the entry's bytes, from 32 zero bytes on.
    let bench = eventful();
    let mut previous = Sha256Digest([0; 32]);
    for (index, entry) in bench.registry.history(None).unwrap().iter().enumerate() {
        assert_eq!(entry.entry.seq, index as i64 + 1);
        assert_eq!(entry.entry.previous, previous.to_string());
        let mut bytes = previous.0.to_vec();
        bytes.extend(entry.json.as_bytes());
        assert_eq!(entry.hash, sha256(&bytes));
        previous = entry.hash;
    }
    assert_eq!(check(&bench).head, previous);
    // The form of an entry is fixed: it was hashed.
    let first = &bench.registry.history(None).unwrap()[0].json;
    let fields: Vec<&str> = first
        .split('"')
        .filter(|part| ["seq", "at", "who", "action", "host", "previous"].contains(part))
        .collect();
    assert_eq!(fields, ["seq", "at", "who", "action", "host", "previous"]);
}

/// Triggers have names of their own, and may have that of a table.
#[test]
fn triggers_that_do_not_belong_are_found_whatever_their_name() {
    for name in ["host", "trail", "host_name", "sqlitestat1", "ek_kept2"] {
        let bench = eventful();
        connect(&bench.path())
            .execute_batch(&format!(
                "CREATE TRIGGER {name} BEFORE INSERT ON host
                 WHEN NEW.name = 'hv9' BEGIN SELECT RAISE(IGNORE); END"
            ))
            .unwrap();
        let problems = check(&bench).problems;
        assert_eq!(problems.len(), 1, "{name}: {problems:#?}");
        assert!(problems[0].message.contains("does not belong"), "{name}");
    }
    // What only somebody who writes the file itself can name so.
    let bench = eventful();
    let connection = connect(&bench.path());
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON;
             INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql)
             VALUES ('trigger', 'sqlite_stat9', 'host', 0, 'CREATE TRIGGER sqlite_stat9
                BEFORE INSERT ON host WHEN NEW.name = ''hv9'' BEGIN SELECT RAISE(IGNORE); END')",
        )
        .unwrap();
    drop(connection);
    let problems = check(&bench).problems;
    assert!(!problems.is_empty());
}

/// ANALYZE leaves tables behind that are nobody's fault.
#[test]
fn statistics_are_no_problem() {
    let bench = eventful();
    connect(&bench.path()).execute_batch("ANALYZE").unwrap();
    bench.assert_whole();
}
