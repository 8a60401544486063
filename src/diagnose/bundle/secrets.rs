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

/// Characters of base64 that show the kind of what they encode.
const SHOWN_CHARS: usize = 32;

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
    let runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '+' || c == '/'));
    runs.filter_map(|run| run.get(..SHOWN_CHARS))
        .find_map(|start| {
            // What a SEQUENCE starts with.
            let decoded = match start.as_bytes() {
                [b'M', ..] => STANDARD.decode(start).ok(),
                [b'3', b'0', ..] => from_hex(start),
                _ => None,
            };
            decoded.and_then(|bytes| key_shape(&bytes))
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
mod tests {
    use std::process::Command;

    use super::*;

    fn openssl(args: &[&str]) {
        let output = Command::new("openssl").args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// As a file of Windows has it.
    fn utf16(text: &str) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        bytes
    }

    /// Every form in which OpenSSL writes keys, beside what it writes without one.
    #[test]
    fn keys_by_openssl() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let rsa = path("rsa.pem");
        let ec = path("ec.pem");
        openssl(&["genrsa", "-out", &rsa, "2048"]);
        openssl(&[
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
            &ec,
        ]);
        let cert = path("cert.pem");
        openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &rsa,
            "-subj",
            "/CN=hgs.bastion.test",
            "-out",
            &cert,
        ]);
        let password = "pass:sample";
        let made: &[(&str, &[&str])] = &[
            ("rsa.der", &["rsa", "-in", &rsa, "-outform", "DER"]),
            ("rsa1.pem", &["rsa", "-traditional", "-in", &rsa]),
            (
                "rsa1.der",
                &["rsa", "-traditional", "-in", &rsa, "-outform", "DER"],
            ),
            (
                "rsa-aes.pem",
                &[
                    "rsa",
                    "-traditional",
                    "-aes256",
                    "-passout",
                    password,
                    "-in",
                    &rsa,
                ],
            ),
            ("ec.der", &["ec", "-in", &ec, "-outform", "DER"]),
            (
                "p8.der",
                &["pkcs8", "-topk8", "-nocrypt", "-in", &ec, "-outform", "DER"],
            ),
            ("p8.pem", &["pkcs8", "-topk8", "-nocrypt", "-in", &ec]),
            (
                "p8-aes.der",
                &[
                    "pkcs8", "-topk8", "-passout", password, "-in", &rsa, "-outform", "DER",
                ],
            ),
            (
                "p8-aes.pem",
                &["pkcs8", "-topk8", "-passout", password, "-in", &rsa],
            ),
            (
                "p8-old.der",
                &[
                    "pkcs8",
                    "-topk8",
                    "-v1",
                    "PBE-SHA1-3DES",
                    "-passout",
                    password,
                    "-in",
                    &rsa,
                    "-outform",
                    "DER",
                ],
            ),
            (
                "both.pfx",
                &[
                    "pkcs12", "-export", "-inkey", &rsa, "-in", &cert, "-passout", password,
                ],
            ),
        ];
        for (name, args) in made {
            let out = path(name);
            let mut args = args.to_vec();
            args.extend(["-out", &out]);
            openssl(&args);
            let bytes = std::fs::read(&out).unwrap();
            assert!(secret_in(&bytes).is_some(), "{name}");
            // In the text of another file, in base64 and hex.
            if !name.ends_with("pem") {
                let encoded = STANDARD.encode(&bytes);
                for text in [
                    format!("<Export><Pfx>{encoded}</Pfx></Export>"),
                    format!("<x>\r\n  {}\r\n{}</x>", &encoded[..64], &encoded[64..]),
                    format!("\"key\": \"{}\"", crate::hash::hex(&bytes)),
                ] {
                    assert!(secret_in(text.as_bytes()).is_some(), "{name}: {text}");
                    assert!(secret_in(&utf16(&text)).is_some(), "{name} in UTF-16");
                }
            }
        }
        let public: &[(&str, &[&str])] = &[
            ("cert.der", &["x509", "-in", &cert, "-outform", "DER"]),
            (
                "pub.der",
                &["rsa", "-in", &rsa, "-pubout", "-outform", "DER"],
            ),
            (
                "pub1.der",
                &["rsa", "-in", &rsa, "-RSAPublicKey_out", "-outform", "DER"],
            ),
            ("pub.pem", &["ec", "-in", &ec, "-pubout"]),
            (
                "req.der",
                &[
                    "req", "-new", "-key", &rsa, "-subj", "/CN=x", "-outform", "DER",
                ],
            ),
            (
                "certs.p7b",
                &["crl2pkcs7", "-nocrl", "-certfile", &cert, "-outform", "DER"],
            ),
        ];
        for (name, args) in public {
            let out = path(name);
            let mut args = args.to_vec();
            args.extend(["-out", &out]);
            openssl(&args);
            let bytes = std::fs::read(&out).unwrap();
            assert_eq!(secret_in(&bytes), None, "{name}");
            assert_eq!(
                secret_in(STANDARD.encode(&bytes).as_bytes()),
                None,
                "{name}"
            );
        }
        assert_eq!(secret_in(&std::fs::read(cert).unwrap()), None);
    }

    #[test]
    fn secrets_in_text() {
        for (text, why) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", PEM),
            ("-----BEGIN TSS2 PRIVATE KEY-----\nMII", PEM),
            ("PuTTY-User-Key-File-3: ssh-rsa", PEM),
            (
                "<Objs><SS N=\"Password\">01000000d08c9ddf</SS></Objs>",
                SECURE_STRING,
            ),
            (
                "<Obj><SS>76492d1116743f0423413b16050a5345</SS></Obj>",
                SECURE_STRING,
            ),
            (
                "01000000D08C9DDF0115D1118C7A00C04FC297EB01000000",
                PROTECTED,
            ),
            ("AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA", PROTECTED),
            ("<S N=\"Password\">hunter2</S>", PASSWORD),
            (
                "<AdministratorPassword>\n<Value>aHVudGVyMg</Value>",
                PASSWORD,
            ),
            ("<pfx Password=\"hunter2\"/>", PASSWORD),
            ("[Settings]\r\nPassword = hunter2\r\n", PASSWORD),
            ("DomainAdminPwd=hunter2", PASSWORD),
            ("{\"client_secret\": \"hunter2\"}", PASSWORD),
            ("passphrase: correct horse", PASSWORD),
            ("{\"kty\":\"RSA\",\"n\":\"x\",\"d\" : \"y\"}", JWK),
            ("Authorization: Basic eDp5", TOKEN),
            ("curl -H 'Bearer 0123456789abcdef01234'", TOKEN),
            (
                "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
                TOKEN,
            ),
            ("https://user:hunter2@hgs.bastion.test/", TOKEN),
            (
                "111111-222222-333333-444444-555555-666666-777777-888888",
                RECOVERY,
            ),
        ] {
            assert_eq!(secret_in(text.as_bytes()), Some(why), "{text}");
            assert_eq!(secret_in(&utf16(text)), Some(why), "{text} in UTF-16");
        }
    }

    /// Settings about passwords are what a diagnosis is about.
    #[test]
    fn what_only_looks_like_one() {
        for text in [
            "[System Access]\r\nMinimumPasswordAge = 0\r\nMaximumPasswordAge = 42\r\n\
             MinimumPasswordLength = 7\r\nPasswordComplexity = 1\r\nClearTextPassword = 0\r\n\
             PasswordHistorySize = 24\r\nNewAdministratorName = \"Administrator\"\r\n",
            "MACHINE\\System\\CurrentControlSet\\Services\\Netlogon\\Parameters\\DisablePasswordChange=4,0",
            "MACHINE\\System\\CurrentControlSet\\Control\\Lsa\\LimitBlankPasswordUse=4,1",
            "SeAuditPrivilege = *S-1-5-19,*S-1-5-20,BASTION\\svc-hgs$",
            "Password : ********",
            "Password = $env:PW",
            "Password: <ENTER PASSWORD>",
            "<PasswordNeverExpires>false</PasswordNeverExpires><Password></Password><Password/>",
            "<S N=\"Thumbprint\">245D262748012A4FE6CE8BA6C951A4C4AFBC3E5D</S>",
            "the bearer of this token",
            "https://hgs.bastion.test:8443/a@b:c",
            "FE80::1@eth0 https://[::1]:80/",
            "{\"kty\":\"RSA\",\"n\":\"x\",\"e\":\"AQAB\"}",
            "20261124-101500 123456-123456",
        ] {
            assert_eq!(secret_in(text.as_bytes()), None, "{text}");
        }
        // Words prove nothing in an event log, a key does.
        assert_eq!(secret_in(b"ElfFile\0\x01\x02 Password: hunter2"), None);
        assert_eq!(
            secret_in(b"ElfFile\0\x01\x02 -----BEGIN RSA PRIVATE KEY-----"),
            Some(PEM)
        );
    }

    #[test]
    fn whole_files() {
        for start in STARTS {
            assert_eq!(secret_in(&[start.0, b"\0\x01"].concat()), Some(start.1));
        }
        assert_eq!(
            secret_in(&[b"\0\x01x".as_slice(), DPAPI].concat()),
            Some(PROTECTED)
        );
        assert_eq!(secret_in(b""), None);
        assert_eq!(secret_in(b"\x30"), None);
    }

    /// No text takes more than a few passes.
    #[test]
    fn hostile_texts_end() {
        for unit in [
            "password",
            "<ss",
            "eyJ",
            "://",
            "-----begin ",
            "bearer ",
            "MI",
            "111111-",
            "\"kty\"\"d\"",
        ] {
            secret_in(unit.repeat(1_000_000 / unit.len()).as_bytes());
        }
    }
}
