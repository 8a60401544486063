//! The folders and files of a cabinet ([MS-CAB] 2.2 to 2.4), and their data unpacked.

use std::collections::HashSet;
use std::ops::Range;

use super::cabinet::{Frame, Numbers};
use super::error::{malformed, trailing, unsupported};
use super::unpack::{Compression, unpack};
use crate::finding::{Code, Error};

/// The most files in a package. Microsoft's of November 2024 has 2,193.
pub const MAX_FILES: u16 = 20_000;

/// The most folders (streams of data) in a package. Microsoft's has one.
pub const MAX_FOLDERS: u16 = 64;

/// The most bytes that all files may have together, unpacked. Microsoft's have 5 MB.
pub const MAX_UNPACKED_LEN: usize = 64 * 1024 * 1024;

/// The longest name of a file: Windows has no longer paths without a special prefix.
const MAX_NAME_LEN: usize = 260;
/// Attribute: the name is UTF-8. Others are in whatever code page the maker had.
const NAME_IS_UTF8: u16 = 0x0080;
/// Folder indices from here on mean that a file continues in another cabinet.
const CONTINUED: u16 = 0xfffd;

/// The files of a cabinet, unpacked.
#[derive(Debug)]
pub(super) struct Members {
    folders: Vec<Vec<u8>>,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    /// With `/` between the parts.
    path: String,
    folder: usize,
    place: Range<usize>,
}

/// A folder's entry: where its data lie, in how many blocks, packed how.
struct Folder {
    data_at: usize,
    blocks: u16,
    compression: Compression,
}

impl Members {
    /// Unpacks every file. There is nothing between folders, files and data, nothing
    /// after them, and no data that is no file's.
    pub(super) fn read(bytes: &[u8], frame: &Frame) -> Result<Self, Error> {
        let cabinet = bytes.get(..frame.end).unwrap_or_default();
        let (entries, folders_end) = read_folders(cabinet, frame)?;
        if folders_end != frame.files_at {
            return Err(trailing(format!(
                "the folders end at byte {folders_end}, the files begin at byte {}",
                frame.files_at
            )));
        }
        let (files, files_end) = read_files(cabinet, frame)?;
        let mut position = files_end;
        let mut folders = Vec::with_capacity(entries.len());
        let mut budget = MAX_UNPACKED_LEN;
        for entry in &entries {
            if entry.data_at != position {
                return Err(trailing(format!(
                    "data end at byte {position}, the next begin at byte {}",
                    entry.data_at
                )));
            }
            let data = cabinet.get(position..).unwrap_or_default();
            let (unpacked, rest) = unpack(
                data,
                entry.blocks,
                frame.block_reserve,
                entry.compression,
                budget,
            )?;
            budget = budget.saturating_sub(unpacked.len());
            position = cabinet.len().saturating_sub(rest.len());
            folders.push(unpacked);
        }
        if position != cabinet.len() {
            return Err(trailing(format!(
                "the data end at byte {position}, the cabinet at byte {}",
                cabinet.len()
            )));
        }
        let members = Self { folders, files };
        members.check_places()?;
        Ok(members)
    }

    /// Path and content of every file, in the order of the cabinet.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|file| {
            let folder = self.folders.get(file.folder);
            let content = folder.and_then(|data| data.get(file.place.clone()));
            // The places were checked.
            (file.path.as_str(), content.unwrap_or_default())
        })
    }

    /// In each folder the files follow one another from the first byte to the last.
    fn check_places(&self) -> Result<(), Error> {
        let mut ends = vec![0usize; self.folders.len()];
        for file in &self.files {
            let end = ends.get_mut(file.folder).ok_or_else(|| {
                malformed(
                    format!(
                        "'{}' is said to be in a folder that is not there",
                        file.path
                    ),
                    "get the package again",
                )
            })?;
            if *end != file.place.start {
                return Err(malformed(
                    format!("'{}' does not follow the file before it", file.path),
                    "get the package again",
                ));
            }
            *end = file.place.end;
        }
        for (end, data) in ends.iter().zip(&self.folders) {
            if *end != data.len() {
                return Err(malformed(
                    format!("{} bytes of data for files of {end} bytes", data.len()),
                    "get the package again",
                ));
            }
        }
        Ok(())
    }
}

/// The folders' entries, and where they end.
fn read_folders(cabinet: &[u8], frame: &Frame) -> Result<(Vec<Folder>, usize), Error> {
    if frame.folders > MAX_FOLDERS {
        return Err(too_many("folders", frame.folders, MAX_FOLDERS));
    }
    let table = cabinet.get(frame.folders_at..).unwrap_or_default();
    let mut entries = Numbers::new(table, "the table of folders");
    let mut folders = Vec::new();
    for _ in 0..frame.folders {
        let data_at = entries.size()?;
        let blocks = entries.u16()?;
        let kind = entries.u16()?;
        entries.bytes(frame.folder_reserve)?;
        let compression = match kind & 0x000f {
            0 => Compression::Stored,
            1 => Compression::MsZip,
            2 => return Err(unsupported("the cabinet is packed with Quantum")),
            3 => return Err(unsupported("the cabinet is packed with LZX")),
            _ => {
                return Err(unsupported(format!(
                    "the cabinet is packed in an unknown way ({kind:#06x})"
                )));
            }
        };
        folders.push(Folder {
            data_at,
            blocks,
            compression,
        });
    }
    Ok((folders, cabinet.len().saturating_sub(entries.rest().len())))
}

/// The files' entries, and where they end.
fn read_files(cabinet: &[u8], frame: &Frame) -> Result<(Vec<File>, usize), Error> {
    if frame.files > MAX_FILES {
        return Err(too_many("files", frame.files, MAX_FILES));
    }
    let table = cabinet.get(frame.files_at..).unwrap_or_default();
    let mut entries = Numbers::new(table, "the table of files");
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for _ in 0..frame.files {
        let size = entries.size()?;
        let start = entries.size()?;
        let folder = entries.u16()?;
        // Date and time of the file say nothing that is used here.
        entries.bytes(4)?;
        let attributes = entries.u16()?;
        let rest = entries.rest();
        let length = rest
            .iter()
            .take(MAX_NAME_LEN.saturating_add(1))
            .position(|&byte| byte == 0)
            .ok_or_else(|| {
                malformed(
                    format!("a file's name does not end within {MAX_NAME_LEN} bytes"),
                    "get the package again",
                )
            })?;
        let path = path(entries.bytes(length)?, attributes & NAME_IS_UTF8 != 0)?;
        entries.u8()?;
        if folder >= CONTINUED {
            return Err(unsupported(format!(
                "'{path}' continues in another cabinet of a set"
            )));
        }
        // Windows takes names that differ in case alone for the same.
        if !seen.insert(path.to_lowercase()) {
            return Err(malformed(
                format!("'{path}' is in the package twice"),
                "do not use it: which of the two is meant, nobody can tell",
            ));
        }
        let end = start.checked_add(size).ok_or_else(|| {
            malformed(
                format!("'{path}' is said to end beyond all data"),
                "get the package again",
            )
        })?;
        files.push(File {
            path,
            folder: usize::from(folder),
            place: start..end,
        });
    }
    Ok((files, cabinet.len().saturating_sub(entries.rest().len())))
}

/// A name with `/` for `\`. Nothing is ever written under it, but what names another
/// place than one below the package's own top was made to do harm.
fn path(name: &[u8], is_utf8: bool) -> Result<String, Error> {
    let refuse = |why: &str| {
        malformed(
            format!("the file name '{}' {why}", String::from_utf8_lossy(name)),
            "do not use the package: no tool of Microsoft's writes such names",
        )
    };
    if !is_utf8 && !name.is_ascii() {
        return Err(refuse("is in an unknown encoding"));
    }
    let text = std::str::from_utf8(name).map_err(|_| refuse("is not UTF-8"))?;
    let path = text.replace('\\', "/");
    if path.contains(|c: char| c.is_control() || c == ':') {
        return Err(refuse("has a character that file names do not have"));
    }
    if path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err(refuse("does not name a place below the package's top"));
    }
    Ok(path)
}

fn too_many(what: &str, found: u16, most: u16) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        format!("a package of {found} {what}; at most {most} are read"),
        "check what the file is: Microsoft's package is smaller",
    )
}
