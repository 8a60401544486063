//! The file for Windows' `certreq -new` (an INF), written, and read as far as the rules need it.
//! No certreq read what is written here; the reader is our own.

use std::fmt::Write as _;
use std::net::IpAddr;

use ::der::oid::ObjectIdentifier;

use super::super::provider::ProviderHint;
use super::super::words::{key_usage_octet, key_usage_of_octets};
use super::super::{Candidate, CandidateKind, KeyKind, SignatureKind};
use super::RequestPlan;
use crate::diagnose::certificate::CertificateRole;
use crate::finding::{Code, Error};
use crate::identifier::decode_text;

/// The largest file that is read, in octets.
const MAX_CERTREQ_LEN: usize = 64 * 1024;

pub(super) fn write(plan: &RequestPlan) -> Result<String, Error> {
    let mut subject = Vec::new();
    for part in &plan.subject {
        subject.push(format!("{}={}", part.kind.as_str(), plain(&part.value)?));
    }
    // What goes into a PFX file is replicated by the service; a host key stays where it is.
    let exportable = match plan.role {
        CertificateRole::HostKey => "FALSE",
        _ => "TRUE",
    };
    let mut text = format!(
        "; A request for the {} certificate of a Host Guardian Service:\n\
         ;   certreq -new FILE REQUEST\n\
         ; To renew with the same key add to [NewRequest]:\n\
         ;   RenewalCert = THUMBPRINT\n\
         ;   UseExistingKeySet = TRUE\n\
         [Version]\n\
         Signature = \"$Windows NT$\"\n\
         \n\
         [NewRequest]\n\
         Subject = \"{}\"\n\
         KeyAlgorithm = RSA\n\
         KeyLength = {}\n\
         KeyUsage = {:#04x}\n\
         ProviderName = \"{}\"\n\
         MachineKeySet = TRUE\n\
         Exportable = {exportable}\n\
         HashAlgorithm = SHA256\n\
         RequestType = PKCS10\n\
         SMIME = FALSE\n\
         \n\
         [EnhancedKeyUsageExtension]\n\
         OID = {}\n",
        plan.role.as_str(),
        subject.join(","),
        plan.key_bits,
        key_usage_octet(plan.key_usage()),
        plain(&plan.provider)?,
        plan.purpose(),
    );
    if !plan.names.is_empty() {
        text.push_str("\n[Extensions]\n2.5.29.17 = \"{text}\"\n");
        for name in &plan.names {
            let kind = match name.parse::<IpAddr>() {
                Ok(_) => "ipaddress",
                Err(_) => "dns",
            };
            // Writing to a String does not fail.
            let _ = writeln!(text, "_continue_ = \"{kind}={name}&\"");
        }
    }
    // Windows' own line ends.
    Ok(text.replace('\n', "\r\n"))
}

/// A text that means the same in quotes of an INF, in an X.500 name and by itself. How these
/// quote in one another is documented too poorly to rely on.
fn plain(text: &str) -> Result<&str, Error> {
    let odd = |c: char| {
        !matches!(c, ' '..='~')
            || matches!(
                c,
                '"' | '%' | ';' | ',' | '+' | '<' | '>' | '#' | '=' | '\\'
            )
    };
    match text.find(odd) {
        None => Ok(text),
        Some(_) => Err(Error::misuse(
            format!("'{text}' has characters that a file for certreq cannot hold safely"),
            "leave out quotes, percent signs, commas, semicolons, +, <, >, #, =, backslashes and \
             what is beyond ASCII, or take another --format",
        )),
    }
}

/// Whether a text looks like a file for certreq.
pub(in super::super) fn is_likely(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_CERTREQ_LEN
        && matches!(decode_text(bytes), Ok(Some((text, _)))
            if text.lines().any(|line| line.trim().eq_ignore_ascii_case("[NewRequest]")))
}

/// Reads a file for certreq as far as the rules need it.
///
/// # Errors
/// `csr-malformed`.
pub fn read_certreq(bytes: &[u8]) -> Result<Candidate, Error> {
    let malformed = |what: String| {
        Error::malformed(
            Code::CsrMalformed,
            format!("the file for certreq cannot be read: {what}"),
            "compare it with what endorse make-request --format certreq writes",
        )
    };
    let Some((text, _)) = decode_text(bytes)? else {
        return Err(malformed("it is no text".to_owned()));
    };
    let mut candidate = Candidate::unknown(CandidateKind::Request);
    // certreq makes RSA keys unless told otherwise.
    candidate.key = KeyKind::Rsa;
    let mut section = String::new();
    let mut names = String::new();
    let mut in_names = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.trim().to_ascii_lowercase();
            in_names = false;
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| malformed(format!("a line without an equals sign: '{line}'")))?;
        let key = key.trim().to_ascii_lowercase();
        let value = unquoted(value);
        match (section.as_str(), key.as_str()) {
            ("newrequest", "subject") => candidate.take_written_subject(value),
            ("newrequest", "keyalgorithm") if !value.eq_ignore_ascii_case("RSA") => {
                candidate.key = KeyKind::Elliptic(value.to_owned());
            }
            ("newrequest", "keylength") => {
                let bits = value.parse();
                let bits = bits.map_err(|_| malformed(format!("KeyLength is '{value}'")))?;
                candidate.rsa_bits = Some(bits);
            }
            ("newrequest", "keyusage") => {
                candidate.key_usage =
                    Some(usage(value).ok_or_else(|| malformed(format!("KeyUsage is '{value}'")))?);
            }
            ("newrequest", "providername") => candidate.providers.push(ProviderHint::named(
                value,
                "ProviderName in the file for certreq",
            )),
            ("newrequest", "hashalgorithm") => {
                let sound = ["SHA256", "SHA384", "SHA512"];
                candidate.signature = Some(SignatureKind {
                    name: value.to_owned(),
                    is_sound: sound.iter().any(|known| value.eq_ignore_ascii_case(known)),
                });
            }
            ("enhancedkeyusageextension", "oid") => {
                let oid = ObjectIdentifier::new(value)
                    .map_err(|_| malformed(format!("'{value}' is no OID")))?;
                candidate.purposes.get_or_insert_default().push(oid);
            }
            ("extensions", "_continue_") if in_names => names.push_str(value),
            ("extensions", key) => {
                in_names = key == "2.5.29.17";
                if in_names {
                    names.push_str(value.strip_prefix("{text}").unwrap_or(value));
                }
            }
            _ => {}
        }
    }
    for name in names.split('&').filter(|name| !name.is_empty()) {
        candidate.names.has_alternatives = true;
        match name.split_once('=') {
            Some((kind, name)) if kind.trim().eq_ignore_ascii_case("dns") => {
                candidate.names.dns.push(name.to_owned());
            }
            Some((kind, name)) if kind.trim().eq_ignore_ascii_case("ipaddress") => {
                candidate.names.addresses.extend(name.parse::<IpAddr>());
            }
            _ => {}
        }
    }
    Ok(candidate)
}

/// A value without its quotes, or without the remark behind it.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    match value.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or(rest),
        None => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// Key usage in a file for certreq: a number, or names with a bar between them.
fn usage(value: &str) -> Option<u16> {
    const NAMES: [(&str, u8); 8] = [
        ("CERT_DIGITAL_SIGNATURE_KEY_USAGE", 0x80),
        ("CERT_NON_REPUDIATION_KEY_USAGE", 0x40),
        ("CERT_KEY_ENCIPHERMENT_KEY_USAGE", 0x20),
        ("CERT_DATA_ENCIPHERMENT_KEY_USAGE", 0x10),
        ("CERT_KEY_AGREEMENT_KEY_USAGE", 0x08),
        ("CERT_KEY_CERT_SIGN_KEY_USAGE", 0x04),
        ("CERT_CRL_SIGN_KEY_USAGE", 0x02),
        ("CERT_ENCIPHER_ONLY_KEY_USAGE", 0x01),
    ];
    let mut octet = 0u8;
    for word in value.split('|').map(str::trim) {
        let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        octet |= match hexadecimal {
            Some(digits) => u8::from_str_radix(digits, 16).ok()?,
            None => match word.parse::<u8>() {
                Ok(number) => number,
                Err(_) => {
                    let mut names = NAMES.iter();
                    names.find(|(name, _)| name.eq_ignore_ascii_case(word))?.1
                }
            },
        };
    }
    Some(key_usage_of_octets(octet, 0))
}
