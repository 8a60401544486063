//! The frame of a cabinet ([MS-CAB] 2.1): its header, and where its signature lies.
//!
//! All numbers are little-endian.

use std::ops::Range;

use super::error::{malformed, trailing, unsupported};
use crate::finding::{Code, Error};
use crate::trust::signature::Hash;

/// The largest package that is read. Microsoft's of November 2024 has 2.5 MB.
pub const MAX_PACKAGE_LEN: usize = 64 * 1024 * 1024;

/// What a cabinet begins with.
pub const MAGIC: &[u8] = b"MSCF";

/// The fixed part of the header.
const FIXED_LEN: usize = 36;
/// The fixed part, the sizes of the reserved areas and the one that states a signature.
const SIGNED_HEADER_LEN: usize = 60;
/// The size that the header's reserved area has in a signed cabinet.
const SIGNED_RESERVE_LEN: u16 = 20;
/// What the reserved area of a signed cabinet begins with.
const SIGNED_RESERVE_START: u32 = 0x0010_0000;

/// Flag: part of a set, with a cabinet before or after it.
const PART_OF_A_SET: u16 = 0x0003;
/// Flag: there are reserved areas.
const RESERVE_PRESENT: u16 = 0x0004;

/// Reads fixed-size numbers one after another, from a slice.
pub(super) struct Numbers<'a> {
    rest: &'a [u8],
    what: &'static str,
}

/// The header, and what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The offset of the first folder's entry.
    pub(super) folders_at: usize,
    pub(super) folders: u16,
    /// The offset of the first file's entry.
    pub(super) files_at: usize,
    pub(super) files: u16,
    /// The bytes of reserved area with each folder, and with each block of data.
    pub(super) folder_reserve: usize,
    pub(super) block_reserve: usize,
    /// The end of the cabinet as such; a signature follows it.
    pub(super) end: usize,
    /// Where the signature lies, padding included.
    pub(super) signature: Option<Range<usize>>,
}

impl Frame {
    /// Reads the header. Every byte of the file is then in the cabinet or in the
    /// signature that follows it at once.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_PACKAGE_LEN {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!(
                    "a package of {} bytes; at most {MAX_PACKAGE_LEN} are read",
                    bytes.len()
                ),
                "Microsoft's package has some megabytes: check what the file is",
            ));
        }
        let mut header = Numbers::new(bytes, "the cabinet's header");
        if header.bytes(4).ok() != Some(MAGIC) {
            return Err(malformed(
                "it is no cabinet: it does not begin with MSCF",
                "give the file TrustedTpm.cab as Microsoft publishes it",
            ));
        }
        // Nothing of what is not signed may mean anything, so it has the one value that
        // it has to have: here and below.
        zero(header.u32()?, "reserved1")?;
        let end = header.size()?;
        zero(header.u32()?, "reserved2")?;
        let files_at = header.size()?;
        zero(header.u32()?, "reserved3")?;
        let (minor, major) = (header.u8()?, header.u8()?);
        if (major, minor) != (1, 3) {
            return Err(unsupported(format!(
                "a cabinet of version {major}.{minor}; version 1.3 is read here"
            )));
        }
        let folders = header.u16()?;
        let files = header.u16()?;
        let flags = header.u16()?;
        if flags & PART_OF_A_SET != 0 {
            return Err(unsupported("the cabinet is one of a set of cabinets"));
        }
        if flags & !RESERVE_PRESENT != 0 {
            return Err(unsupported(format!("unknown flags {flags:#06x}")));
        }
        header.u16()?;
        zero(u32::from(header.u16()?), "iCabinet")?;

        let mut frame = Self {
            folders_at: FIXED_LEN,
            folders,
            files_at,
            files,
            folder_reserve: 0,
            block_reserve: 0,
            end,
            signature: None,
        };
        if flags & RESERVE_PRESENT != 0 {
            let header_reserve = header.u16()?;
            frame.folder_reserve = usize::from(header.u8()?);
            frame.block_reserve = usize::from(header.u8()?);
            let area = header.bytes(usize::from(header_reserve))?;
            frame.folders_at = bytes.len().saturating_sub(header.rest.len());
            if header_reserve == SIGNED_RESERVE_LEN {
                frame.read_signature_place(area)?;
            }
        }
        frame.check_extent(bytes)?;
        Ok(frame)
    }

    /// The reserved area that signing tools write: a constant, offset and size of the
    /// signature, and 8 bytes of zero.
    fn read_signature_place(&mut self, area: &[u8]) -> Result<(), Error> {
        let mut fields = Numbers::new(area, "the reserved area of the cabinet's header");
        let start = fields.u32()?;
        let offset = fields.size()?;
        let size = fields.size()?;
        let rest = (fields.u32()?, fields.u32()?);
        if (offset, size) == (0, 0) {
            return Ok(());
        }
        if start != SIGNED_RESERVE_START || rest != (0, 0) {
            return Err(malformed(
                "the reserved area of the cabinet's header is not the one that signing writes",
                "get the package again",
            ));
        }
        if (self.folder_reserve, self.block_reserve) != (0, 0) {
            return Err(unsupported(
                "a signed cabinet with reserved areas in its folders or data",
            ));
        }
        if offset != self.end {
            return Err(trailing(format!(
                "the signature is said to lie at byte {offset}, but the cabinet ends at byte {}",
                self.end
            )));
        }
        let signature_end = offset.checked_add(size).ok_or_else(|| {
            malformed(
                "the signature is said to end beyond every file",
                "get the package again",
            )
        })?;
        self.signature = Some(offset..signature_end);
        Ok(())
    }

    /// Holds the stated sizes to the file's.
    fn check_extent(&self, bytes: &[u8]) -> Result<(), Error> {
        let end = self.signature.as_ref().map_or(self.end, |place| place.end);
        if bytes.len() < end {
            return Err(malformed(
                format!(
                    "the package is cut short: {} bytes of {end} are there",
                    bytes.len()
                ),
                "get the package again",
            ));
        }
        if bytes.len() > end {
            return Err(trailing(format!(
                "{} bytes follow the end of the package at byte {end}",
                bytes.len().saturating_sub(end)
            )));
        }
        Ok(())
    }

    /// The digest that Authenticode signs for a cabinet: over all of it, except for the
    /// checksum-like `reserved1`, the cabinet's number in its set, and the sizes of
    /// reserved areas with place and size of the signature, which signing fills in.
    /// [`read`](Self::read) has fixed the value of each of those. `None` if there is no
    /// signature, or SHA-1 is asked for.
    pub(super) fn digest(&self, bytes: &[u8], hash: Hash) -> Option<Vec<u8>> {
        self.signature.as_ref()?;
        let parts = [
            bytes.get(..4)?,
            bytes.get(8..34)?,
            bytes.get(56..SIGNED_HEADER_LEN)?,
            bytes.get(SIGNED_HEADER_LEN..self.end)?,
        ];
        hash.digest(&parts)
    }
}

fn zero(value: u32, field: &str) -> Result<(), Error> {
    if value == 0 {
        return Ok(());
    }
    Err(malformed(
        format!("the field {field} of the cabinet's header is not zero"),
        "get the package again",
    ))
}

impl<'a> Numbers<'a> {
    /// Reads from the start of `bytes`; `what` they are is for the error.
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| {
            malformed(
                format!("{} is cut short", self.what),
                "get the package again",
            )
        })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A size or an offset, of 32 bits.
    pub(super) fn size(&mut self) -> Result<usize, Error> {
        usize::try_from(self.u32()?).map_err(|_| {
            malformed(
                format!("{} names a place beyond every file", self.what),
                "get the package again",
            )
        })
    }
}
