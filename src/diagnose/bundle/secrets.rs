//! Whether a file holds a secret. It errs on the side of leaving a file out: a bundle travels
//! by mail, and what was left out is named.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::from_hex;

/// Octets at the start that tell what the whole is.
const STARTS: &[(&[u8], &str)] = &[
    (
        b"\x07\x02\x00\x00",
        "it is a private key of Windows CryptoAPI",
    ),
    (b"RSA2", "it is a private key of Windows CNG"),
    (b"RSA3", "it is a private key of Windows CNG"),
    (b"ECS2", "it is a private key of Windows CNG"),
    (b"ECS4", "it is a private key of Windows CNG"),
    (b"ECS6", "it is a private key of Windows CNG"),
    (b"ECK2", "it is a private key of Windows CNG"),
    (b"ECK4", "it is a private key of Windows CNG"),
    (b"ECK6", "it is a private key of Windows CNG"),
    (b"\x05\x01", "it is a Kerberos keytab"),
    (b"\x05\x02", "it is a Kerberos keytab"),
    (b"\x05\x04", "it is a cache of Kerberos tickets"),
    (b"\xfe\xed\xfe\xed", "it is a Java key store"),
    (b"\xce\xce\xce\xce", "it is a Java key store"),
    (b"regf", "it is a registry hive, which may hold secrets"),
    (b"PAGEDU", "it is a memory dump, which may hold secrets"),
    (b"MDMP", "it is a memory dump, which may hold secrets"),
    (b"PK\x03\x04", "it is an archive, which is not looked into"),
    (b"\x1f\x8b", "it is an archive, which is not looked into"),
    (
        b"7z\xbc\xaf\x27\x1c",
        "it is an archive, which is not looked into",
    ),
    (b"MSCF", "it is an archive, which is not looked into"),
];

/// The provider of every blob of the Windows Data Protection API: as octets, and as
/// ConvertFrom-SecureString writes it.
const DPAPI: &[u8] = b"\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb";
const DPAPI_HEX: &str = "01000000d08c9ddf0115d1118c7a00c04fc297eb";
const DPAPI_BASE64: &str = "AQAAANCMnd8BFdERjHoAwE/Cl+s";

const PEM: &str = "it has a private key in PEM";
const DER: &str = "it has a private key in DER";
const PFX: &str = "it has a PKCS#12 (PFX) in it, which holds private keys";
const PROTECTED: &str = "it has something that the Windows Data Protection API encrypted";
const SECURE_STRING: &str = "it has a SecureString";
const PASSWORD: &str = "it has a password or another secret in a field of that name";
const TOKEN: &str = "it has a token or credentials for a server";
const RECOVERY: &str = "it has a BitLocker recovery password";
const JWK: &str = "it has a private key as JSON Web Key";

/// How a field with a secret is called at its end, in lower case.
const FIELDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "api_key",
    "api-key",
    "access_token",
    "refresh_token",
    "privatekey",
    "private_key",
];

/// How far what belongs to a name is looked for behind it, in octets, so that a text full of
/// names takes no more than a few passes.
const LOOKAHEAD: usize = 256;

/// Octets that show the kind of what they start.
const SHOWN_LEN: usize = 24;

/// Why these bytes may not travel, if they hold a secret or may hold one: private keys, PKCS#12,
/// passwords, tokens, tickets, and what cannot be looked into.
pub fn secret_in(bytes: &[u8]) -> Option<&'static str> {
    let start = STARTS.iter().find(|(start, _)| bytes.starts_with(start));
    start
        .map(|(_, why)| *why)
        .or_else(|| key_shape(bytes))
        .or_else(|| {
            let protected = bytes.windows(DPAPI.len()).any(|window| window == DPAPI);
            protected.then_some(PROTECTED)
        })
        .or_else(|| in_text(&as_ascii(bytes)))
}

/// Without zeros, so that UTF-16 can be searched like UTF-8.
fn as_ascii(bytes: &[u8]) -> String {
    let not_zero = bytes.iter().filter(|byte| **byte != 0);
    not_zero
        .map(|byte| match byte.is_ascii() {
            true => char::from(*byte),
            false => '?',
        })
        .collect()
}

fn in_text(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    has_pem_key(&lower)
        .then_some(PEM)
        .or_else(|| (lower.contains(DPAPI_HEX) || text.contains(DPAPI_BASE64)).then_some(PROTECTED))
        .or_else(|| encoded_key(text))
        .or_else(|| has_token(text, &lower).then_some(TOKEN))
        .or_else(|| has_recovery_password(text).then_some(RECOVERY))
        // Words prove nothing in what is not text, such as an event log.
        .or_else(|| is_text(text).then(|| in_fields(&lower)).flatten())
}

fn is_text(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_ascii_control() && !c.is_ascii_whitespace())
}

fn in_fields(lower: &str) -> Option<&'static str> {
    let secure =
        after_each(lower, "<ss").any(|rest| rest.starts_with(['>', ' ', '\t', '\n', '\r']));
    if secure {
        return Some(SECURE_STRING);
    }
    let jwk = lower.contains("\"kty\"")
        && ["\"d\"", "\"k\""]
            .iter()
            .any(|field| after_each(lower, field).any(|rest| rest.trim_start().starts_with(':')));
    if jwk {
        return Some(JWK);
    }
    FIELDS
        .iter()
        .any(|field| after_each(lower, field).any(holds_value))
        .then_some(PASSWORD)
}

/// What follows each place where `what` is, as far as it matters.
fn after_each<'a>(text: &'a str, what: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(what)?;
        rest = after;
        Some(after.get(..LOOKAHEAD).unwrap_or(after))
    })
}

fn has_pem_key(lower: &str) -> bool {
    let mut begins = after_each(lower, "-----begin ");
    let key = |rest: &str| {
        let label = rest.split('-').next().unwrap_or_default();
        label.contains("private key") || label.contains("pkcs12")
    };
    begins.any(key) || lower.contains("putty-user-key-file-")
}

/// Whether what follows the name of a field is a value: after `=`, `:` or `>`.
fn holds_value(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['"', '\'']);
    let rest = rest.trim_start_matches([' ', '\t']);
    if let Some(content) = rest.strip_prefix('>') {
        let content = content.trim_start();
        let content = content.strip_prefix("<value>").unwrap_or(content);
        return !is_harmless(content.split('<').next().unwrap_or_default());
    }
    let Some(value) = rest.strip_prefix([':', '=']) else {
        return false;
    };
    let value = value.trim_start_matches(['=', ' ', '\t']);
    let value = value.trim_start_matches(['"', '\'']);
    let end = ['"', '\'', ',', ';', '<', '\r', '\n'];
    !is_harmless(value.split(end).next().unwrap_or_default())
}

/// Settings about passwords are no passwords, and neither is a place for one.
fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    let number = |c: char| c.is_ascii_digit() || "-.:t z".contains(c);
    matches!(
        value,
        "true"
            | "false"
            | "yes"
            | "no"
            | "null"
            | "none"
            | "(null)"
            | "not set"
            | "system.security.securestring"
    ) || value.chars().all(|c| c == '*' || number(c)) && value.len() <= 32
        || value.starts_with(['$', '%', '<', '{', '['])
}

fn has_token(text: &str, lower: &str) -> bool {
    let header = after_each(lower, "authorization:").any(|rest| {
        let rest = rest.trim_start_matches([' ', '\t']);
        ["bearer ", "basic ", "negotiate ", "ntlm ", "digest "]
            .iter()
            .any(|scheme| rest.starts_with(scheme))
    });
    let run = |rest: &str| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        end.unwrap_or(rest.len())
    };
    let bearer = after_each(lower, "bearer ").any(|rest| run(rest) >= 20);
    // A JSON Web Token: two JSON objects and a signature.
    let mut runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    let web_token = runs.any(|run| {
        let mut parts = run.split('.');
        let mut object = || parts.next().is_some_and(|part| part.starts_with("eyJ"));
        object() && object() && parts.next().is_some_and(|part| part.len() >= 8)
    });
    // A URL with a password.
    let url = after_each(text, "://").any(|rest| {
        let end = rest.find(|c: char| c.is_ascii_whitespace() || "/\"'<>?#".contains(c));
        let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty() && password.len() < 256)
    });
    header || bearer || web_token || url
}

/// Eight groups of six digits.
fn has_recovery_password(text: &str) -> bool {
    let runs = text.split(|c: char| !(c.is_ascii_digit() || c == '-'));
    runs.filter(|run| run.len() >= 55).any(|run| {
        let groups: Vec<_> = run.split('-').collect();
        groups
            .windows(8)
            .any(|groups| groups.iter().all(|group| group.len() == 6))
    })
}

/// A key or PKCS#12 in base64 or hex, wherever it starts.
fn encoded_key(text: &str) -> Option<&'static str> {
    let mut runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '+' || c == '/'));
    runs.find_map(|run| {
        // What a SEQUENCE starts with.
        let decoded = match run.as_bytes() {
            [b'M', ..] => STANDARD.decode(run.get(..SHOWN_LEN / 3 * 4)?).ok()?,
            [b'3', b'0', ..] => from_hex(run.get(..SHOWN_LEN * 2)?)?,
            _ => return None,
        };
        key_shape(&decoded)
    })
}

/// Whether DER that starts like this is a private key or a PKCS#12. The start is enough.
fn key_shape(bytes: &[u8]) -> Option<&'static str> {
    let inside = sequence(bytes)?;
    match inside {
        // PFX, version 3 (RFC 7292 section 4).
        [2, 1, 3, 0x30, ..] => Some(PFX),
        // PrivateKeyInfo (RFC 5958), RSAPrivateKey (RFC 8017 A.1.2), ECPrivateKey (RFC 5915).
        [2, 1, 0 | 1, 0x30, ..] | [2, 1, 0 | 1, 2, ..] | [2, 1, 1, 4, ..] => Some(DER),
        // EncryptedPrivateKeyInfo: an algorithm of PKCS#5 or PKCS#12.
        _ => match sequence(inside)? {
            [6, _, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, ..]
            | [6, _, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 0x0c, 1, ..] => Some(DER),
            _ => None,
        },
    }
}

/// What follows the identifier and the length of a SEQUENCE.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, 0x81, _, rest @ ..]
        | [0x30, 0x82, _, _, rest @ ..]
        | [0x30, 0x83, _, _, _, rest @ ..]
        | [0x30, 0x84, _, _, _, _, rest @ ..]
        | [0x30, ..=0x80, rest @ ..] => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    clippy::string_slice,
    reason = "OpenSSL makes the keys"
)]
mod tests;
