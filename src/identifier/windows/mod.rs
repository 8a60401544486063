//! What Windows itself stores and prints about an endorsement key: the certificate
//! stores in its registry, and the output of Get-TpmEndorsementKeyInfo. None of it
//! names the host. `docs/identifier.md` says how each form is known.

mod blob;
mod clixml;
mod ek_info;
mod ek_text;
mod endorsement;
mod json;
mod reg_file;
mod reg_query;
mod value;

#[cfg(feature = "diagnose")]
pub(crate) use blob::head as property_head;
pub(super) use blob::{read as read_blob, starts_as_blob};
pub(crate) use clixml::is_clixml;
pub(super) use clixml::read as read_clixml;
#[cfg(feature = "diagnose")]
pub(crate) use clixml::{attribute, elements};
pub(super) use ek_text::explain as explain_text;
pub(super) use endorsement::{is_export, read as read_export};
pub(super) use json::{is_ek_info, read as read_json};

use super::gather::finish;
use super::limits::{MAX_MATERIAL_LEN, too_large};
use super::model::Identifier;
use crate::finding::{Code, Error};

/// The command whose output carries every octet that Get-TpmEndorsementKeyInfo knows.
/// It uses nothing but the properties that are documented, so it does not depend on how
/// PowerShell writes out objects.
const EXPORT_COMMAND: &str = "& { $k = Get-TpmEndorsementKeyInfo; '-----BEGIN RSA PUBLIC KEY-----', \
     [Convert]::ToBase64String($k.PublicKey.RawData), '-----END RSA PUBLIC KEY-----'; \
     foreach ($c in @($k.ManufacturerCertificates) + @($k.AdditionalCertificates)) { \
     '-----BEGIN CERTIFICATE-----', [Convert]::ToBase64String($c.RawData), \
     '-----END CERTIFICATE-----' } } | Set-Content ek.pem";

/// What to do to get the octets.
fn export_help() -> String {
    format!("run this in an elevated PowerShell on the host, and give ek.pem: {EXPORT_COMMAND}")
}

/// The last step for these forms: no more than can be written as a platform identifier
/// and read again.
fn done(identifier: Identifier) -> Result<Identifier, Error> {
    let keys = identifier.ekpubs.iter().map(|entry| entry.key.to_bcrypt());
    let keys = keys.map(|blob| blob.len());
    let certificates = identifier.ekcerts.iter();
    let certificates = certificates.map(|entry| entry.certificate.der().len());
    let octets = keys.chain(certificates).fold(0usize, usize::saturating_add);
    if octets > MAX_MATERIAL_LEN {
        return Err(too_large(format!(
            "certificates and keys have {octets} bytes together; at most {MAX_MATERIAL_LEN} are read"
        )));
    }
    finish(identifier)
}

/// Two statements of one thing that differ: another reader could believe the other.
fn digest_mismatch(what: impl Into<String>) -> Error {
    Error::malformed(
        Code::DigestMismatch,
        what,
        "get it from the host again, and find out who changed it in between",
    )
}
