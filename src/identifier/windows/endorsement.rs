//! The part of a registry export that is about the endorsement key: the key
//! `…\Services\TPM\WMI\Endorsement`, in whichever control set, and the certificate
//! stores below it.

use std::collections::HashSet;

use super::super::classify::{self, Material};
use super::super::gather::{add, within};
use super::super::limits::{MAX_NAME_LEN, too_large};
use super::super::model::{Identifier, Kind};
use super::{blob, digest_mismatch, done, export_help, reg_file, reg_query};
use crate::finding::{Code, Error};

/// One value of an export.
pub(super) struct Entry<'a> {
    /// The key's path, as written.
    pub(super) key: &'a str,
    /// The value's name; empty for the default value.
    pub(super) name: &'a str,
    pub(super) data: Data,
    /// The line it starts in, from 1.
    pub(super) line: usize,
}

/// What a value holds.
pub(super) enum Data {
    /// REG_BINARY; `None` if its text is not hexadecimal.
    Binary(Option<Vec<u8>>),
    /// Another type.
    Other,
}

/// Whether a text is an export: what regedit or `reg export` write, or what `reg query`
/// prints.
pub(in crate::identifier) fn is_export(text: &str) -> bool {
    reg_file::starts_as_reg_file(text) || reg_query::starts_as_query(text)
}

/// Reads an export.
pub(in crate::identifier) fn read(text: &str) -> Result<Identifier, Error> {
    let mut endorsement = Endorsement {
        identifier: Identifier::empty(Kind::RegistryExport),
        seen: HashSet::new(),
        there: false,
    };
    let take = |entry: Entry<'_>| endorsement.take(&entry);
    match reg_file::starts_as_reg_file(text) {
        true => reg_file::entries(text, take)?,
        false => reg_query::entries(text, take)?,
    }
    let identifier = endorsement.identifier;
    if identifier.ekpubs.is_empty() && identifier.ekcerts.is_empty() {
        let what = match endorsement.there {
            true => "Windows keeps no EK certificate and no EKpub in what was exported",
            false => "the export has nothing of the key Endorsement below Services, TPM, WMI",
        };
        return Err(Error::malformed(
            Code::NoEkpub,
            format!("there is no EKpub and no EKcert in the input: {what}"),
            export_help(),
        ));
    }
    done(identifier)
}

/// A text that is no export as Windows writes them.
pub(super) fn malformed(what: impl Into<String>, line: usize) -> Error {
    Error::malformed(
        Code::RegMalformed,
        what,
        "export the key again with reg export, and do not edit the file",
    )
    .at(format!("line {line}"))
}

struct Endorsement {
    identifier: Identifier,
    /// Keys and values that were taken, in lower case.
    seen: HashSet<(String, String)>,
    /// Whether anything of the endorsement key was there.
    there: bool,
}

impl Endorsement {
    fn take(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        match Place::of(entry.key) {
            Some(Place::Endorsement) => {
                self.there = true;
                match names_ekpub(entry.name) {
                    true => self.ekpub(entry),
                    false => Ok(()),
                }
            }
            Some(Place::Certificate { store, thumbprint }) => {
                self.there = true;
                match entry.name.eq_ignore_ascii_case("Blob") {
                    true => self.certificate(entry, store, thumbprint),
                    false => Ok(()),
                }
            }
            None => Ok(()),
        }
    }

    /// A public key. Which encoding Windows uses is not publicly known, so that is told
    /// by content; what is none, such as a digest, is passed over.
    fn ekpub(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.once(entry)?;
        let place = format!("Endorsement/{}", bounded(entry.name)?);
        let Some(bytes) = binary(entry, &place)? else {
            return Ok(());
        };
        match classify::bytes(bytes).map_err(|error| within(error, &place))? {
            Some(material) => add(&mut self.identifier, material, &place),
            None => Ok(()),
        }
    }

    /// A certificate of a store; its key is named after it.
    fn certificate(
        &mut self,
        entry: &Entry<'_>,
        store: &str,
        thumbprint: &str,
    ) -> Result<(), Error> {
        self.once(entry)?;
        let place = format!("{}/{}/Blob", bounded(store)?, bounded(thumbprint)?);
        let bytes = binary(entry, &place)?.ok_or_else(|| {
            malformed(
                format!("{place} is of another type than REG_BINARY"),
                entry.line,
            )
        })?;
        let certificate = blob::certificate(bytes).map_err(|error| within(error, &place))?;
        let actual = certificate.thumbprint_sha1();
        if !actual.to_string().eq_ignore_ascii_case(thumbprint) {
            return Err(digest_mismatch(format!(
                "the key of the registry is not named after the certificate in it, whose thumbprint \
                 is {actual}"
            ))
            .at(place));
        }
        let material = Material::EkCert(Box::new(certificate), Vec::new());
        add(&mut self.identifier, material, &place)
    }

    /// Of two values with one name, some readers take the first and some the last.
    fn once(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let id = (
            entry.key.to_ascii_lowercase(),
            entry.name.to_ascii_lowercase(),
        );
        match self.seen.insert(id) {
            true => Ok(()),
            false => Err(malformed(
                format!("the value {} is there twice in one key", entry.name),
                entry.line,
            )),
        }
    }
}

/// Where a key of interest is.
enum Place<'a> {
    /// The endorsement key itself.
    Endorsement,
    /// A certificate in one of its stores.
    Certificate { store: &'a str, thumbprint: &'a str },
}

impl<'a> Place<'a> {
    fn of(key: &'a str) -> Option<Self> {
        // Every value is asked for its place, so a long path would be read very often.
        if key.len() > MAX_PATH_LEN {
            return None;
        }
        if is_endorsement(key.rsplit('\\')) {
            return Some(Self::Endorsement);
        }
        let mut parts = key.rsplit('\\');
        let thumbprint = parts.next()?;
        let certificates = parts.next()?;
        let store = parts.next()?;
        (certificates.eq_ignore_ascii_case("Certificates") && is_endorsement(parts))
            .then_some(Self::Certificate { store, thumbprint })
    }
}

/// The longest path of interest, in bytes. Genuine ones have 140; a hive that was loaded
/// under another name adds a little.
const MAX_PATH_LEN: usize = 512;

/// Whether a path, from its end, is that of the endorsement key.
fn is_endorsement<'a>(mut parts: impl Iterator<Item = &'a str>) -> bool {
    let mut names = ["Endorsement", "WMI", "TPM", "Services"].into_iter();
    names.all(|name| {
        parts
            .next()
            .is_some_and(|part| part.eq_ignore_ascii_case(name))
    })
}

/// Whether a value is named as the EKpub. `LastEkPub` is what was seen at an earlier
/// time, perhaps of another TPM.
fn names_ekpub(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("ekpub") && !name.starts_with("last")
}

/// The octets of a value: `None` if it is of another type.
fn binary<'a>(entry: &'a Entry<'_>, place: &str) -> Result<Option<&'a [u8]>, Error> {
    match &entry.data {
        Data::Binary(Some(bytes)) => Ok(Some(bytes)),
        Data::Binary(None) => Err(malformed(
            format!("{place} is not in hexadecimal, two digits an octet"),
            entry.line,
        )),
        Data::Other => Ok(None),
    }
}

/// A name that goes into sources and messages.
fn bounded(name: &str) -> Result<&str, Error> {
    match name.len() <= MAX_NAME_LEN {
        true => Ok(name),
        false => Err(too_large(format!(
            "a name in the registry is longer than {MAX_NAME_LEN} bytes"
        ))),
    }
}
