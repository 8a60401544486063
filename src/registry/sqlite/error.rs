use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_READONLY_ROLLBACK;

use crate::finding::Error;

/// What failed, and what to do next, for trouble with the file at `path`.
pub(super) fn trouble(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.display();
    if is_interrupted(error) {
        return interrupted(&path);
    }
    let (what, help) = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => return not_a_database(&path),
        Some(ErrorCode::DatabaseCorrupt) => return damaged(&path, error),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => return read_only(&path),
        Some(ErrorCode::DiskFull) => (
            "has no room to grow: the disk or the quota is full".to_owned(),
            "free some space and run the command again; nothing of this change was kept".to_owned(),
        ),
        Some(ErrorCode::CannotOpen) => (
            "or a journal beside it cannot be opened".to_owned(),
            "the directory must exist, and whoever runs this must be allowed to write in it"
                .to_owned(),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            "is in use: another program kept it locked for too long".to_owned(),
            "run the command again; if it stays locked, look for a backup or an editor that holds it"
                .to_owned(),
        ),
        Some(ErrorCode::SystemIoFailure) => (
            format!("cannot be read or written: {error}"),
            "look at the disk, the quota, the file size limit and the mount; nothing of this change was kept"
                .to_owned(),
        ),
        _ => (
            format!("gave an error: {error}"),
            "run 'endorse hosts history --check'; if the registry is whole, report this as a fault of the program"
                .to_owned(),
        ),
    };
    Error::environment(format!("the registry {path} {what}"), help)
}

/// Whether a journal that undoes an interrupted change is in the way of a reader.
pub(super) fn is_interrupted(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
        if failure.extended_code == SQLITE_READONLY_ROLLBACK)
}

pub(super) fn interrupted(path: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("a change of the registry {path} was interrupted and has to be undone first"),
        "run the same command once as somebody who may write the file and its directory; that undoes it",
    )
}

pub(super) fn not_a_database(path: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("{path} is no registry: it is not an SQLite database"),
        "give the path of a registry, or of a file that does not exist yet",
    )
}

pub(super) fn foreign(path: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("{path} is no registry: it is an SQLite database of another program"),
        "give the path of a registry, or of a file that does not exist yet",
    )
}

pub(super) fn missing(path: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("there is no registry {path}"),
        "register a host first, or give another path with --registry",
    )
}

pub(super) fn empty(path: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("the registry {path} is an empty file"),
        "register a host first, or give another path with --registry",
    )
}

pub(super) fn newer(path: &dyn std::fmt::Display, version: i64, known: i64) -> Error {
    Error::environment(
        format!(
            "the registry {path} was written by a newer version of this program (schema {version}, known here {known})"
        ),
        "use that version; a registry cannot be taken back to an older schema",
    )
}

pub(super) fn older(path: &dyn std::fmt::Display, version: i64, known: i64) -> Error {
    Error::environment(
        format!("the registry {path} has the older schema {version}, needed is {known}"),
        "every command that writes to it brings it up to date, for example 'endorse hosts recheck'",
    )
}

pub(super) fn read_only(path: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("the registry {path} cannot be written to"),
        "whoever runs this must be allowed to write the file and the directory it is in",
    )
}

pub(super) fn damaged(path: &dyn std::fmt::Display, what: &dyn std::fmt::Display) -> Error {
    Error::environment(
        format!("the registry {path} is damaged: {what}"),
        "put back a backup; a copy of the damaged file may help to find out what happened",
    )
}
