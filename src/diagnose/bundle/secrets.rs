//! Whether a file holds a secret. It errs on the side of leaving a file out: a bundle travels
//! by mail, and what was left out is named.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::from_hex;
use crate::identifier::decode_text;

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
    (
        b"\x1f\x8b\x08",
        "it is an archive, which is not looked into",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        "it is an archive, which is not looked into",
    ),
    (b"MSCF", "it is an archive, which is not looked into"),
    (b"BZh", "it is an archive, which is not looked into"),
    (b"Rar!", "it is an archive, which is not looked into"),
    (b"\xfd7zXZ\0", "it is an archive, which is not looked into"),
    (
        b"\x28\xb5\x2f\xfd",
        "it is an archive, which is not looked into",
    ),
    (b"Salted__", "it is encrypted, and not looked into"),
    (b"\x03\xd9\xa2\x9a", "it is a store of passwords of KeePass"),
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
const PRIVATE_PART: &str = "it has the private parts of an RSA key";
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

/// What stands within DER only where a private key is: the algorithm RSA before an OCTET STRING
/// (RFC 5958), before which a public key has a BIT STRING; PBES2 (RFC 8018), with which keys are
/// encrypted; the bag of a PKCS#12 with an encrypted key (RFC 7292).
const WITHIN: &[&[u8]] = &[
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04",
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d",
    b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02",
];

/// Words for the private parts of an RSA key, in lower case: of .NET in XML, of `openssl -text`.
const PRIVATE_PARTS: &[&str] = &["inverseq", "privateexponent", "private-exponent"];

/// Options of commands that a password follows after a blank, in lower case.
const OPTIONS: &[&str] = &["-password", "-passwd", "-passphrase", "-asplaintext"];

/// How far what belongs to a name is looked for behind it, in octets, so that a text full of
/// names takes no more than a few passes.
const LOOKAHEAD: usize = 256;

/// Octets that show the kind of what they start, and the fewest that do.
const SHOWN_LEN: usize = 24;
const MIN_SHOWN_LEN: usize = 9;

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
        .or_else(|| {
            let within = |what: &&[u8]| bytes.windows(what.len()).any(|window| window == *what);
            (WITHIN.iter().any(within) || bytes.windows(10).any(is_rsa_key)).then_some(DER)
        })
        .or_else(|| {
            in_text(&match decode_text(bytes) {
                Ok(Some((text, _))) => text.replace(|c: char| !c.is_ascii(), "?"),
                _ => as_ascii(bytes),
            })
        })
}

/// The start of an RSAPrivateKey (RFC 8017 A.1.2): a long SEQUENCE, version 0, a long number.
fn is_rsa_key(window: &[u8]) -> bool {
    matches!(window, [0x30, 0x82, _, _, 2, 1, 0, 2, 0x81 | 0x82, ..])
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
    // As JSON in JSON or in XML has them.
    let lower = text
        .to_ascii_lowercase()
        .replace("\\\"", "\"")
        .replace("&quot;", "\"");
    has_pem_key(&lower)
        .then_some(PEM)
        .or_else(|| (lower.contains(DPAPI_HEX) || text.contains(DPAPI_BASE64)).then_some(PROTECTED))
        .or_else(|| encoded_key(text))
        .or_else(|| listed_key(&lower))
        .or_else(|| has_token(text, &lower).then_some(TOKEN))
        .or_else(|| has_recovery_password(text).then_some(RECOVERY))
        // Words prove nothing in what is not text, such as an event log.
        .or_else(|| is_text(text).then(|| in_fields(&lower)).flatten())
}

/// Whether it is text: colours of a terminal and some spoiled octets make nothing else of it. Of
/// an event log one character in six is a control character.
fn is_text(text: &str) -> bool {
    /// One in so many characters may be a control character.
    const SHARE: usize = 20;
    let others = text
        .chars()
        .filter(|c| c.is_ascii_control() && !c.is_ascii_whitespace());
    others.count().saturating_mul(SHARE) <= text.len()
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
    if PRIVATE_PARTS.iter().any(|part| lower.contains(part)) {
        return Some(PRIVATE_PART);
    }
    let field = FIELDS
        .iter()
        .any(|field| after_each(lower, field).any(holds_value));
    let option = OPTIONS
        .iter()
        .any(|option| after_each(lower, option).any(is_argument));
    let spelled_out = after_each(lower, "convertto-securestring").any(|rest| {
        let rest = rest.trim_start_matches([' ', '\t']);
        let rest = rest.strip_prefix("-string").unwrap_or(rest);
        let rest = rest.trim_start_matches([' ', '\t']);
        rest.starts_with(['"', '\'']) && !rest.starts_with("\"$")
    });
    (field || option || spelled_out).then_some(PASSWORD)
}

/// Whether what follows an option is its argument, and no other option, variable or expression.
fn is_argument(rest: &str) -> bool {
    let Some(value) = rest.strip_prefix([' ', '\t']) else {
        return false;
    };
    let value = value.trim_start_matches([' ', '\t']);
    let value = value.split(['\r', '\n']).next().unwrap_or_default();
    !value.is_empty() && !value.starts_with(['-', '$', '(', '<', '|', ')', '*'])
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
    // RFC 4716 has four hyphens and a blank.
    let mut ssh = after_each(lower, "---- begin ");
    begins.any(key) || ssh.any(key) || lower.contains("putty-user-key-file-")
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
    // `<add name="password" value="…"/>`
    let named = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let rest = named.strip_prefix("value").unwrap_or(rest);
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
    // When it was set, or whether there has to be one.
    let date = |c: char| c.is_ascii_digit() || "-.:t z".contains(c);
    let is_date = value.len() >= 10 && value.len() <= 32 && value.contains('-');
    let is_flag = matches!(value, "0" | "1");
    let is_place = [('<', '>'), ('{', '}'), ('[', ']'), ('%', '%')]
        .into_iter()
        .any(|(open, close)| value.starts_with(open) && value.ends_with(close))
        // A variable has a name or an expression; a password that starts so is told by nothing.
        || value.starts_with("$env:")
        || value.starts_with("$(")
        || value.starts_with("${");
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
    ) || value.chars().all(|c| c == '*')
        || is_date && value.chars().all(date)
        || is_flag
        || is_place
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
        let hex = run.strip_prefix("0x").unwrap_or(run);
        let hex = hex.get(..SHOWN_LEN * 2).and_then(from_hex);
        start_of_key(&hex.unwrap_or_default())
            .or_else(|| start_of_key(&from_base64(run, SHOWN_LEN)))
            .or_else(|| {
                // PEM in base64, as secrets of clusters are kept.
                let pem = from_base64(run, SHOWN_LEN * 2);
                let pem = pem.starts_with(b"-----BEGIN ").then_some(pem)?;
                has_pem_key(&as_ascii(&pem).to_ascii_lowercase()).then_some(PEM)
            })
    })
}

/// A key as a list of octets: in hex as the registry editor and dumps write it, or in decimal.
fn listed_key(lower: &str) -> Option<&'static str> {
    // How long keys start, short ones on a curve, and a blob of CryptoAPI.
    const STARTS: [&[u8]; 5] = [
        &[0x30, 0x82],
        &[0x30, 0x81],
        &[0x30, 0x77, 2, 1],
        &[0x30, 0x2e, 2, 1],
        &[7, 2, 0, 0],
    ];
    const SEPARATORS: [&str; 5] = [",", " ", ":", "-", ", "];
    let joined = |octets: Vec<String>| SEPARATORS.map(|separator| octets.join(separator));
    STARTS.into_iter().find_map(|start| {
        let hex = joined(start.iter().map(|octet| format!("{octet:02x}")).collect());
        let hex = hex.iter().find_map(|written| {
            after_each(lower, written).find_map(|rest| {
                let digits = rest.chars().filter(char::is_ascii_hexdigit);
                let digits: String = digits.take(SHOWN_LEN * 2).collect();
                start_of_key(&[start, &from_hex(&digits)?].concat())
            })
        });
        let decimal = || {
            let decimal = joined(start.iter().map(u8::to_string).collect());
            decimal.iter().find_map(|written| {
                after_each(lower, written).find_map(|rest| {
                    let numbers = rest.split(',').skip(1).take(SHOWN_LEN);
                    let numbers = numbers.map_while(|number| number.trim().parse::<u8>().ok());
                    start_of_key(&[start, &numbers.collect::<Vec<_>>()].concat())
                })
            })
        };
        hex.or_else(decimal)
    })
}

/// The first octets of a run of base64. In the variant for URLs it ends at the first octets
/// that another character stands for.
fn from_base64(run: &str, octets: usize) -> Vec<u8> {
    let whole = run.len().min(octets.div_ceil(3).saturating_mul(4)) & !3;
    let shown = run.get(..whole).unwrap_or_default();
    let decoded = STANDARD.decode(shown).unwrap_or_default();
    match decoded.len() < MIN_SHOWN_LEN {
        true => Vec::new(),
        false => decoded,
    }
}

fn start_of_key(bytes: &[u8]) -> Option<&'static str> {
    // The shorter ones are found by chance.
    let mut starts = STARTS.iter().filter(|(start, _)| start.len() >= 3);
    let start = starts.find(|(start, _)| bytes.starts_with(start));
    start.map(|(_, why)| *why).or_else(|| key_shape(bytes))
}

/// Whether DER that starts like this is a private key or a PKCS#12. The start is enough.
fn key_shape(bytes: &[u8]) -> Option<&'static str> {
    let inside = sequence(bytes)?;
    match inside {
        // PFX, version 3 (RFC 7292 section 4).
        [2, 1, 3, 0x30, ..] => Some(PFX),
        // PrivateKeyInfo (RFC 5958); where its algorithm is a request has a name.
        [2, 1, 0 | 1, 0x30, ..=0x80, 6, ..] | [2, 1, 0 | 1, 0x30, 0x81, _, 6, ..] => Some(DER),
        // RSAPrivateKey (RFC 8017 A.1.2), ECPrivateKey (RFC 5915).
        [2, 1, 0 | 1, 2, ..] | [2, 1, 1, 4, ..] => Some(DER),
        // EncryptedPrivateKeyInfo: an algorithm of PKCS#5 or PKCS#12.
        _ => match sequence(inside)? {
            [6, _, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, ..]
            | [6, _, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 0x0c, ..] => Some(DER),
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
