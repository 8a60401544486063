use std::panic::{AssertUnwindSafe, catch_unwind};

use evtx::{EvtxParser, ParserSettings};

use super::{Log, xml};
use crate::finding::{Code, Error};

/// What a log starts with.
const MAGIC: &[u8] = b"ElfFile\0";

/// Whether these are a log in the binary form of Windows (EVTX).
pub(in super::super) fn is_evtx(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads one. The crate turns a record into XML, within bounds of its own for each record
/// and each chunk of 64 KiB, and the rest is as with XML. It is fenced: a panic in it would
/// be an error of this file.
pub(in super::super) fn read(bytes: &[u8]) -> Result<Log, Error> {
    match catch_unwind(AssertUnwindSafe(|| read_unfenced(bytes))) {
        Ok(read) => read,
        Err(_) => Err(damaged("the reader of event logs failed on it")),
    }
}

fn read_unfenced(bytes: &[u8]) -> Result<Log, Error> {
    let settings = ParserSettings::new().num_threads(1).indent(false);
    let mut parser = EvtxParser::from_read_seek(std::io::Cursor::new(bytes))
        .map_err(|error| damaged(format!("the log has no head: {error}")))?
        .with_configuration(settings);
    let mut log = Log::default();
    for record in parser.records() {
        log.take(match record {
            Ok(record) => xml::of_text(&record.data),
            Err(error) => Err(error.to_string()),
        })?;
    }
    Ok(log)
}

fn damaged(what: impl Into<String>) -> Error {
    Error::malformed(
        Code::InputUnrecognised,
        what,
        "save the log again: wevtutil epl, or Save All Events As in the Event Viewer",
    )
}
