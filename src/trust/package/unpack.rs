//! The data of a folder: blocks with a checksum, stored or packed with MSZIP
//! ([MS-CAB] 2.4, [MS-MCI]).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::cabinet::Numbers;
use super::error::malformed;
use super::members::MAX_UNPACKED_LEN;
use crate::finding::{Code, Error};

/// The most bytes that one block has when it is unpacked ([MS-CAB] 2.4).
const MAX_BLOCK_LEN: usize = 32 * 1024;
/// What each block begins with that is packed with MSZIP ([MS-MCI] 2.1).
const MSZIP_SIGNATURE: &[u8] = b"CK";

/// How the data of a folder are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// As they are.
    Stored,
    /// Deflate, block by block, each with the data before it as its history.
    MsZip,
}

/// Unpacks a folder of so many blocks, of at most `budget` bytes; gives what follows it.
pub(super) fn unpack(
    data: &[u8],
    blocks: u16,
    reserve: usize,
    compression: Compression,
    budget: usize,
) -> Result<(Vec<u8>, &[u8]), Error> {
    let mut entries = Numbers::new(data, "the data");
    let mut unpacked = Vec::new();
    for number in 1..=blocks {
        let checksum = entries.u32()?;
        let sizes = entries.bytes(4)?;
        let mut fields = Numbers::new(sizes, "the data");
        let (packed_len, len) = (usize::from(fields.u16()?), usize::from(fields.u16()?));
        let reserved = entries.bytes(reserve)?;
        let packed = entries.bytes(packed_len)?;
        // A cabinet may have no checksums; zero says so.
        if checksum != 0 && checksum != sum(sizes, reserved, packed) {
            return Err(broken(number, "does not have the checksum that it states"));
        }
        if len == 0 || len > MAX_BLOCK_LEN {
            return Err(broken(number, "states a size that no block has"));
        }
        let start = unpacked.len();
        let end = start.saturating_add(len);
        if end > budget {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!("the package holds more than {MAX_UNPACKED_LEN} bytes unpacked"),
                "check what the file is: Microsoft's package holds some megabytes",
            ));
        }
        match compression {
            Compression::Stored if packed.len() == len => unpacked.extend_from_slice(packed),
            Compression::Stored => return Err(broken(number, "is not as long as it states")),
            Compression::MsZip => {
                unpacked.resize(end, 0);
                inflate(packed, &mut unpacked, start)
                    .ok_or_else(|| broken(number, "cannot be unpacked"))?;
            }
        }
    }
    Ok((unpacked, entries.rest()))
}

/// Unpacks one block to the end of `out`, from `start` on; it must fill that exactly.
fn inflate(packed: &[u8], out: &mut [u8], start: usize) -> Option<()> {
    let deflated = packed.strip_prefix(MSZIP_SIGNATURE)?;
    let room = out.len().checked_sub(start)?;
    let (status, consumed, written) = decompress(
        &mut DecompressorOxide::new(),
        deflated,
        out,
        start,
        TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
    );
    let whole = status == TINFLStatus::Done && consumed == deflated.len() && written == room;
    whole.then_some(())
}

/// The checksum of a block ([MS-CAB] 2.4): the exclusive or of its little-endian
/// words, over the data, then over the sizes and what is reserved.
fn sum(sizes: &[u8], reserved: &[u8], packed: &[u8]) -> u32 {
    let mut head = sizes.to_vec();
    head.extend_from_slice(reserved);
    words(packed) ^ words(&head)
}

fn words(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let whole = words
        .iter()
        .fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    // What is left over counts the other way round.
    let last = rest
        .iter()
        .fold(0u32, |word, &byte| (word << 8) | u32::from(byte));
    whole ^ last
}

fn broken(number: u16, what: &str) -> Error {
    malformed(
        format!("block {number} of the package's data {what}"),
        "get the package again",
    )
}
