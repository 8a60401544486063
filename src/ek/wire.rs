//! Reading the fixed layouts of TPM structures (big-endian) and of Windows CNG
//! blobs (little-endian).

use crate::finding::{Code, Error};

/// What to do about an EKpub that breaks while it is read.
pub(super) const HELP: &str = "take the EKpub from the TPM again; bytes may have been lost when it \
    was copied or cut out";

/// Reads fields one after another and knows where it is.
#[derive(Clone, Debug)]
pub(crate) struct Wire<'a> {
    structure: &'static str,
    code: Code,
    help: &'static str,
    offset: usize,
    rest: &'a [u8],
}

impl<'a> Wire<'a> {
    /// Reads `bytes`, which are a `structure` that starts `offset` octets into
    /// the input: an EKpub, or part of one.
    pub(super) fn new(structure: &'static str, bytes: &'a [u8], offset: usize) -> Self {
        Self::of(structure, bytes, Code::EkpubMalformed, HELP).starting_at(offset)
    }

    /// Reads `bytes`, which are a `structure`. If it breaks, the error has this code
    /// and this help.
    pub(crate) fn of(
        structure: &'static str,
        bytes: &'a [u8],
        code: Code,
        help: &'static str,
    ) -> Self {
        Self {
            structure,
            code,
            help,
            offset: 0,
            rest: bytes,
        }
    }

    fn starting_at(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// How many octets are left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Reads `length` octets.
    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.error(format!(
                "it ends in {field}, which should have {length} octets and has {}",
                self.rest.len()
            )));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(length);
        Ok(taken)
    }

    /// Reads a fixed number of octets.
    pub(crate) fn take_array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], Error> {
        let error = self.error(format!("{field} is cut short"));
        self.take(N, field)?.try_into().map_err(|_| error)
    }

    /// Reads a big-endian 16-bit number.
    pub(crate) fn u16_be(&mut self, field: &'static str) -> Result<u16, Error> {
        self.take_array(field).map(u16::from_be_bytes)
    }

    /// Reads one octet.
    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Error> {
        self.take_array(field).map(u8::from_be_bytes)
    }

    /// Reads a big-endian 32-bit number.
    pub(crate) fn u32_be(&mut self, field: &'static str) -> Result<u32, Error> {
        self.take_array(field).map(u32::from_be_bytes)
    }

    /// Reads a little-endian 32-bit length.
    pub(super) fn length_le(&mut self, field: &'static str) -> Result<usize, Error> {
        let length = u32::from_le_bytes(self.take_array(field)?);
        usize::try_from(length).map_err(|_| self.error(format!("{field} is too large")))
    }

    /// Reads a TPM2B: a 16-bit length and as many octets.
    pub(crate) fn sized(&mut self, field: &'static str) -> Result<&'a [u8], Error> {
        let length = self.u16_be(field)?;
        self.take(usize::from(length), field)
    }

    /// Fails if anything is left.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error(format!("{} octets are left over after it", self.rest.len())))
        }
    }

    /// An error at the present place.
    pub(crate) fn error(&self, what: impl AsRef<str>) -> Error {
        Error::malformed(
            self.code,
            format!("{} cannot be read: {}", self.structure, what.as_ref()),
            self.help,
        )
        .at(format!("byte {}", self.offset))
    }
}
