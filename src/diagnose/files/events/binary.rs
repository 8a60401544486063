use std::panic::{AssertUnwindSafe, catch_unwind};

use evtx::{EvtxParser, ParserSettings};

use super::super::limits::{MAX_RENDERED, too_large};
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
    let mut rendered = 0usize;
    for record in parser.records() {
        log.take(match record {
            Ok(record) => {
                rendered = rendered.saturating_add(record.data.len());
                if rendered > MAX_RENDERED {
                    return Err(too_large(format!(
                        "the log becomes more than {MAX_RENDERED} bytes of XML"
                    )));
                }
                xml::of_text(&record.data)
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &[u8] = include_bytes!("../../../../testdata/diagnose/events/attempts.evtx");

    #[test]
    fn every_event_is_read_and_those_that_matter_are_kept() {
        assert!(is_evtx(OURS));
        let log = read(OURS).unwrap();
        assert_eq!((log.count, log.events.len(), log.broken), (8, 7, 0));
        let first = &log.events[0];
        assert_eq!(
            (first.id, first.computer.as_str()),
            (1203, "hgs01.bastion.test")
        );
        assert_eq!(first.data, [("EkHash".to_owned(), "11".repeat(32))]);
    }

    /// A chunk with damage in one record gives the others.
    #[test]
    fn a_damaged_record_is_lost_alone() {
        let mut bytes = OURS.to_vec();
        // The second record, with its binary XML overwritten.
        let records: Vec<usize> = (4096 + 512..bytes.len() - 4)
            .filter(|place| bytes[*place..].starts_with(b"**\0\0"))
            .collect();
        bytes[records[1] + 24..records[1] + 64].fill(0xff);
        let log = read(&bytes).unwrap();
        assert_eq!((log.count, log.broken), (8, 1));
        assert!(log.why.is_some());
    }

    #[test]
    fn what_has_no_head_is_refused() {
        for end in [8, 100, 4095] {
            let error = read(&OURS[..end]).unwrap_err();
            assert_eq!(error.code, Some(Code::InputUnrecognised), "{end}");
        }
        // A head without chunks is an empty log.
        assert_eq!(read(&OURS[..4096]).unwrap().count, 0);
    }
}
