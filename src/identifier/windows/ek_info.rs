//! The object that Get-TpmEndorsementKeyInfo returns, in any export that holds octets.

use super::super::classify::{self, Material};
use super::super::gather::{add, within};
use super::super::model::{Identifier, Kind};
use super::value::Value;
use super::{digest_mismatch, done, export_help};
use crate::ek::{Certificate, EkPub, Encoding, Key};
use crate::finding::{Code, Error};

/// The members by which the object is known, as documented for the cmdlet. That there
/// is a `PublicKey` is true of many other things.
pub(super) const MEMBERS: [&str; 4] =
    ["IsPresent", "PublicKeyHash", COLLECTIONS[0], COLLECTIONS[1]];

/// The two members that hold certificates: those that came with the TPM, and those that
/// Windows fetched.
const COLLECTIONS: [&str; 2] = ["ManufacturerCertificates", "AdditionalCertificates"];

const PUBLIC_KEY: &str = "PublicKey";

/// Reads the object.
pub(super) fn read(info: &Value) -> Result<Identifier, Error> {
    let mut identifier = Identifier::empty(Kind::EkInfo);
    if let Some((key, encoding)) = public_key(info)? {
        check_hash(info, &key)?;
        add(&mut identifier, Material::EkPub(key, encoding), PUBLIC_KEY)?;
    }
    for name in COLLECTIONS {
        for (place, certificate) in certificates(info, name)? {
            let material = Material::EkCert(Box::new(certificate), Vec::new());
            add(&mut identifier, material, &place)?;
        }
    }
    if identifier.ekpubs.is_empty() && identifier.ekcerts.is_empty() {
        let present = match info.member("IsPresent") {
            Some(Value::Bool(present)) => Some(*present),
            _ => None,
        };
        return Err(nothing(present, "there is no key and no certificate in it"));
    }
    done(identifier)
}

/// The output holds no key and no certificate; what it says of that.
pub(super) fn nothing(present: Option<bool>, what: &str) -> Error {
    let (what, help) = match present {
        Some(false) => (
            "Get-TpmEndorsementKeyInfo says that Windows knows no endorsement key (IsPresent is \
             False)"
                .to_owned(),
            format!(
                "see on the host that Get-Tpm says TpmPresent and TpmReady; then {}",
                export_help()
            ),
        ),
        _ => (
            format!("the output of Get-TpmEndorsementKeyInfo cannot be judged: {what}"),
            export_help(),
        ),
    };
    Error::malformed(Code::NoEkpub, what, help)
}

/// The key. Windows returns an RSAPublicKey for RSA; its encoding is told by content.
fn public_key(info: &Value) -> Result<Option<(EkPub, Encoding)>, Error> {
    let Some(value) = info.member(PUBLIC_KEY) else {
        return Ok(None);
    };
    let Some(octets) = octets(value, PUBLIC_KEY, Code::EkpubMalformed)? else {
        return Ok(None);
    };
    match classify::bytes(&octets).map_err(|error| within(error, PUBLIC_KEY))? {
        Some(Material::EkPub(key, encoding)) => Ok(Some((key, encoding))),
        _ => Err(incomplete(
            Code::EkpubMalformed,
            "the public key is in no encoding that is known",
        )
        .at(PUBLIC_KEY)),
    }
}

/// The hash that stands beside the key is that of the key. What Windows hashes for
/// elliptic curves is not known, so there nothing can be compared.
fn check_hash(info: &Value, key: &EkPub) -> Result<(), Error> {
    let Some(stated) = info.text("PublicKeyHash") else {
        return Ok(());
    };
    let actual = key.windows_sha256().to_string();
    if matches!(key.key(), Key::Rsa { .. }) && !actual.eq_ignore_ascii_case(stated) {
        return Err(digest_mismatch(format!(
            "the PublicKeyHash is not that of the public key, {actual}"
        ))
        .at("PublicKeyHash"));
    }
    Ok(())
}

/// The certificates of a collection, each with its place.
fn certificates(info: &Value, name: &str) -> Result<Vec<(String, Certificate)>, Error> {
    let Some(collection) = info.member(name) else {
        return Ok(Vec::new());
    };
    // PowerShell makes one item of a list that has one.
    let items = match collection.items() {
        Some(items) => items,
        None => std::slice::from_ref(collection),
    };
    let numbered = (1usize..).zip(items);
    let certificates = numbered.map(|(number, item)| {
        let place = format!("{name}[{number}]");
        let certificate = certificate(item, &place)?;
        Ok(certificate.map(|certificate| (place, certificate)))
    });
    certificates.filter_map(Result::transpose).collect()
}

fn certificate(item: &Value, place: &str) -> Result<Option<Certificate>, Error> {
    let Some(der) = octets(item, place, Code::EkcertMalformed)? else {
        return Ok(None);
    };
    let certificate = Certificate::from_der(&der).map_err(|error| within(error, place))?;
    let actual = certificate.thumbprint_sha1();
    match item.text("Thumbprint") {
        Some(stated) if !actual.to_string().eq_ignore_ascii_case(stated) => Err(digest_mismatch(
            format!("the Thumbprint is not that of the certificate beside it, {actual}"),
        )
        .at(place)),
        _ => Ok(Some(certificate)),
    }
}

/// The octets of an object that has RawData, or that were put in its place: `None` if
/// there is none. An object that is only described is an error, so that what Windows
/// knows is not lost unseen.
fn octets(value: &Value, place: &str, code: Code) -> Result<Option<Vec<u8>>, Error> {
    match value {
        // An empty list beyond the depth of an export is an empty text.
        Value::Null => return Ok(None),
        Value::Text(text) if text.trim().is_empty() => return Ok(None),
        _ => {}
    }
    let octets = value.member("RawData").unwrap_or(value).octets();
    match octets {
        Some(octets) => Ok(Some(octets)),
        None => Err(incomplete(
            code,
            "it is only described here, without its octets (RawData)",
        )
        .at(place)),
    }
}

fn incomplete(code: Code, what: &str) -> Error {
    Error::malformed(code, what, export_help())
}
