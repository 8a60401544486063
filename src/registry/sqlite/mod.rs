//! The registry in one SQLite file.
//!
//! A rollback journal, not a write-ahead log: between transactions the registry is
//! one file, which can be read from a read-only place and copied as it is.
//! `synchronous=EXTRA` makes a committed change outlive a power cut.

mod error;
mod possession;
mod schema;
mod transaction;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior};

use crate::finding::Error;

use super::audit::Problem;
use super::backend::{Backend, Transaction};
use super::registrar::Mode;
use schema::{APPLICATION_ID, MIGRATIONS};
use transaction::SqliteTransaction;

/// How long to wait for another writer. A registration takes milliseconds; a
/// hundred of them may be queueing on a slow disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before asking again for a database that is being written.
const BACKUP_PAUSE: Duration = Duration::from_millis(20);

/// What every SQLite database starts with (SQLite file format, section 1.3.1).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Statements kept prepared; the room uses about thirty.
const STATEMENTS: usize = 64;

/// An open SQLite registry.
#[derive(Debug)]
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

/// What lies at a path.
enum Found {
    Nothing,
    Empty,
    Sqlite,
}

impl Sqlite {
    /// Opens the registry at `path`.
    pub(super) fn open(path: &Path, mode: Mode) -> Result<Self, Error> {
        let shown = path.display();
        let found = look(path)?;
        let in_memory = match (found, mode) {
            (Found::Sqlite, _) | (_, Mode::Create) => false,
            (_, Mode::WhatIf) => true,
            (Found::Nothing, _) => return Err(error::missing(&shown)),
            (Found::Empty, Mode::ReadOnly) => return Err(error::empty(&shown)),
            (Found::Empty, Mode::ReadWrite) => false,
        };
        let trouble = |error| error::trouble(path, &error);
        let connection = if in_memory {
            Connection::open_in_memory()
        } else {
            connect(
                path,
                match mode {
                    Mode::ReadOnly | Mode::WhatIf => OpenFlags::SQLITE_OPEN_READ_ONLY,
                    Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
                    Mode::Create => {
                        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
                    }
                },
            )
        }
        .map_err(trouble)?;
        let mut sqlite = Self {
            connection,
            path: path.to_owned(),
        };
        sqlite.undo_what_was_interrupted()?;
        sqlite.configure().map_err(trouble)?;
        if mode == Mode::WhatIf && !in_memory {
            sqlite.version()?;
            sqlite.connection = sqlite.copy().map_err(trouble)?;
            sqlite.configure().map_err(trouble)?;
        }
        if mode != Mode::ReadOnly && sqlite.connection.is_readonly(MAIN_DB).map_err(trouble)? {
            return Err(error::read_only(&shown));
        }
        sqlite.migrate(mode)?;
        Ok(sqlite)
    }

    /// After a `kill -9` or a power cut a journal may be left that undoes a change
    /// which is half in the file. A connection that only reads cannot undo it, and
    /// must not read past it.
    fn undo_what_was_interrupted(&self) -> Result<(), Error> {
        match touch(&self.connection) {
            Err(error) if error::is_interrupted(&error) => {
                connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
                    .and_then(|writer| touch(&writer))
                    .map_err(|error| error::trouble(&self.path, &error))
            }
            // Other trouble is told by who comes upon it next.
            _ => Ok(()),
        }
    }

    /// The whole database in memory.
    fn copy(&self) -> rusqlite::Result<Connection> {
        let mut copy = Connection::open_in_memory()?;
        // In one step, so that it is of one moment; another writer is waited for.
        Backup::new(&self.connection, &mut copy)?.run_to_completion(
            i32::MAX,
            BACKUP_PAUSE,
            None,
        )?;
        Ok(copy)
    }

    /// Makes the database as good as on a full disk when it has this many pages.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
    }

    /// Makes it give up at once where it would wait for another writer.
    #[cfg(test)]
    pub(super) fn wait_for_nobody(&self) {
        self.connection.busy_timeout(Duration::ZERO).unwrap();
    }

    fn configure(&self) -> rusqlite::Result<()> {
        let db = &self.connection;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        // The file may come from somebody else: no writable_schema, no functions
        // with side effects from its schema.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        db.pragma_update(None, "trusted_schema", false)?;
        db.pragma_update(None, "cell_size_check", true)?;
        db.pragma_update(None, "foreign_keys", true)?;
        // So that the triggers against deletion see INSERT OR REPLACE too.
        db.pragma_update(None, "recursive_triggers", true)?;
        db.pragma_update(None, "synchronous", "EXTRA")
    }

    /// Brings the schema up to date, or says why it cannot be.
    fn migrate(&self, mode: Mode) -> Result<(), Error> {
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let version = self.version()?;
        if version == Some(known) {
            return Ok(());
        }
        if mode == Mode::ReadOnly {
            return Err(match version {
                None => error::empty(&self.path.display()),
                Some(version) => error::older(&self.path.display(), version, known),
            });
        }
        let trouble = |error| error::trouble(&self.path, &error);
        let transaction =
            rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
                .map_err(trouble)?;
        // Again under the lock: another process may have been quicker.
        let version = self.version()?.unwrap_or(0);
        let done = usize::try_from(version).unwrap_or(usize::MAX);
        for migration in MIGRATIONS.iter().skip(done) {
            transaction.execute_batch(migration).map_err(trouble)?;
        }
        if version < known {
            transaction
                .pragma_update(None, "application_id", APPLICATION_ID)
                .and_then(|()| transaction.pragma_update(None, "user_version", known))
                .map_err(trouble)?;
        }
        transaction.commit().map_err(trouble)
    }

    /// The schema version: `None` for a database without anything in it.
    fn version(&self) -> Result<Option<i64>, Error> {
        let number = |pragma: &str| -> Result<i64, Error> {
            self.connection
                .pragma_query_value(None, pragma, |row| row.get(0))
                .map_err(|error| error::trouble(&self.path, &error))
        };
        let tables: i64 = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
            .map_err(|error| error::trouble(&self.path, &error))?;
        let (application, version) = (number("application_id")?, number("user_version")?);
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if application == 0 && version == 0 && tables == 0 {
            return Ok(None);
        }
        if application != i64::from(APPLICATION_ID) {
            return Err(error::foreign(&self.path.display()));
        }
        if version > known {
            return Err(error::newer(&self.path.display(), version, known));
        }
        if version < 1 {
            return Err(error::damaged(
                &self.path.display(),
                &"it has no schema version",
            ));
        }
        Ok(Some(version))
    }

    fn begin(&self, behavior: TransactionBehavior) -> Result<Box<dyn Transaction + '_>, Error> {
        let transaction = rusqlite::Transaction::new_unchecked(&self.connection, behavior)
            .map_err(|error| error::trouble(&self.path, &error))?;
        Ok(Box::new(SqliteTransaction::new(transaction, &self.path)))
    }

    /// Kind, name and text of everything in a schema.
    fn schema(connection: &Connection) -> rusqlite::Result<BTreeSet<(String, String, String)>> {
        connection
            .prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_master")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
    }

    fn find_problems(&self, problems: &mut Vec<String>) -> rusqlite::Result<()> {
        let db = &self.connection;
        let texts = |sql: &str| -> rusqlite::Result<Vec<String>> {
            db.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        for text in texts("PRAGMA integrity_check")? {
            if text != "ok" {
                problems.push(format!("the database is damaged: {text}"));
            }
        }
        for text in texts("PRAGMA foreign_key_check")? {
            problems.push(format!(
                "a row of the table {text} refers to one that is not there"
            ));
        }
        for text in texts(
            "SELECT host.name FROM ek JOIN host ON host.id = ek.host_id
             WHERE ek.current <> (host.state IN ('active', 'staged')) LIMIT 100",
        )? {
            problems.push(format!(
                "an EK of the host {text} is not in the state its host is in"
            ));
        }
        let fresh = Connection::open_in_memory()?;
        for migration in MIGRATIONS {
            fresh.execute_batch(migration)?;
        }
        let (ours, expected) = (Self::schema(db)?, Self::schema(&fresh)?);
        for (kind, name, _) in expected.difference(&ours) {
            problems.push(format!(
                "the {kind} {name} of the schema is missing or changed"
            ));
        }
        // A trigger may have the name of a table, so names alone tell nothing.
        let known: BTreeSet<(&str, &str)> = expected
            .iter()
            .map(|(kind, name, _)| (kind.as_str(), name.as_str()))
            .collect();
        for (kind, name, _) in ours.difference(&expected) {
            let own = (kind.as_str(), name.as_str());
            // ANALYZE, which an administrator may run, adds its own tables.
            let statistics = matches!(own, ("table", "sqlite_stat1" | "sqlite_stat4"));
            if !known.contains(&own) && !statistics {
                problems.push(format!("the {kind} {name} does not belong to the schema"));
            }
        }
        Ok(())
    }
}

impl Backend for Sqlite {
    fn read(&self) -> Result<Box<dyn Transaction + '_>, Error> {
        self.begin(TransactionBehavior::Deferred)
    }

    fn write(&self) -> Result<Box<dyn Transaction + '_>, Error> {
        // A writer that starts by reading and then finds the file changed cannot go
        // on; taking the lock first makes writers queue instead.
        self.begin(TransactionBehavior::Immediate)
    }

    fn inspect(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Err(error) = self.find_problems(&mut problems) {
            problems.push(error::trouble(&self.path, &error).message);
        }
        problems
            .into_iter()
            .map(|message| Problem {
                seq: None,
                host: None,
                message,
            })
            .collect()
    }
}

/// Opens the file at `path`.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // Without SQLITE_OPEN_URI a path is never taken for a URI with options.
    Connection::open_with_flags(plain(path), OpenFlags::SQLITE_OPEN_NO_MUTEX | flags)
}

/// Reads something, which first undoes what was interrupted if that is allowed.
fn touch(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
}

/// SQLite takes `:memory:` for a database in memory; as a path it is a file.
fn plain(path: &Path) -> PathBuf {
    if path.as_os_str().to_string_lossy().starts_with(':') {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}

/// Looks at the file before SQLite does, whose answers to odd files are less clear.
fn look(path: &Path) -> Result<Found, Error> {
    let shown = path.display();
    #[allow(clippy::disallowed_methods, reason = "the registry is a file")]
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            return match parent {
                Some(parent) if !parent.is_dir() => Err(Error::environment(
                    format!(
                        "there is no registry {shown}, and no directory {}",
                        parent.display()
                    ),
                    format!(
                        "make it: mkdir -p '{}'; or give another path with --registry",
                        parent.display()
                    ),
                )),
                _ => Ok(Found::Nothing),
            };
        }
        Err(error) => {
            return Err(Error::environment(
                format!("the registry {shown} cannot be opened: {error}"),
                "look at the path and at who may read it",
            ));
        }
    };
    let unreadable = |error| {
        Error::environment(
            format!("the registry {shown} cannot be read: {error}"),
            "look at the path and at the disk",
        )
    };
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(Error::environment(
            format!("the registry {shown} is a directory"),
            "give the path of a file in it",
        ));
    }
    let mut start = Vec::new();
    file.by_ref()
        .take(16)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    if start.is_empty() {
        Ok(Found::Empty)
    } else if start == MAGIC {
        Ok(Found::Sqlite)
    } else {
        Err(error::not_a_database(&shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every query that a registration makes finds its rows by an index, so that a
    /// large registry is no slower than a small one.
    #[test]
    fn queries_use_indexes() {
        let dir = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&dir.path().join("registry.db"), Mode::Create).unwrap();
        for sql in transaction::QUERIES {
            let mut statement = sqlite
                .connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(!plan.is_empty());
            assert!(
                plan.iter().all(|step| !step.starts_with("SCAN")),
                "{sql}: {plan:?}"
            );
        }
    }
}
