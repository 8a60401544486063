use super::*;
use crate::ek::vectors::EKCERT_P384;

const ENDORSEMENT: &str =
    "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\TPM\\WMI\\Endorsement";

/// Octets as regedit writes them, 25 to a line.
fn octets(bytes: &[u8]) -> String {
    let octets: Vec<String> = bytes.iter().map(|octet| format!("{octet:02x}")).collect();
    let lines: Vec<String> = octets.chunks(25).map(|line| line.join(",")).collect();
    lines.join(",\\\r\n  ")
}

fn store_key(store: &str, der: &[u8]) -> String {
    let thumbprint = thumbprint(der);
    format!("{ENDORSEMENT}\\{store}\\Certificates\\{thumbprint}")
}

/// An export with these keys, each with the text of its values.
fn file(keys: &[(&str, String)]) -> String {
    let mut text = "Windows Registry Editor Version 5.00\r\n".to_owned();
    for (key, values) in keys {
        text.push_str(&format!("\r\n[{key}]\r\n{values}\r\n"));
    }
    text
}

fn value(name: &str, bytes: &[u8]) -> String {
    format!("\"{name}\"=hex:{}\r\n", octets(bytes))
}

/// A key, its certificate, and the CA certificate beside it.
pub(super) fn whole_file() -> String {
    let (der, ca) = (cert_der(), from_hex(EKCERT_P384).unwrap());
    // Keys that are not this TPM's, or not said to be.
    let other = EkPub::from_rsa(&[0xff; 256], &[3]).unwrap();
    file(&[
        (
            ENDORSEMENT,
            [
                "@=\"\"\r\n\"EkTries\"=dword:00000001\r\n".to_owned(),
                value("EKPub", &key().to_bcrypt()),
                value("LastEkPub", &other.to_bcrypt()),
                value("Other", &other.to_bcrypt()),
            ]
            .concat(),
        ),
        (&store_key("EKCertStore", &der), value("Blob", &blob(&der))),
        (
            &store_key("IntermediateCACertStore", &ca),
            value("Blob", &blob(&ca)),
        ),
    ])
}

fn assert_whole_file(bytes: &[u8]) {
    let identifier = Identifier::read(bytes).unwrap();
    assert_eq!(identifier.kind, Kind::RegistryExport);
    assert_eq!(identifier.name, None);
    assert_eq!(identifier.ekpubs.len(), 1);
    assert_eq!(identifier.ekpubs[0].key, key());
    assert_eq!(identifier.ekpubs[0].source, "Endorsement/EKPub");
    let sources: Vec<&str> = identifier
        .ekcerts
        .iter()
        .map(|entry| entry.source.as_str())
        .collect();
    let expected = [
        format!("EKCertStore/{}/Blob", thumbprint(&cert_der())),
        format!(
            "IntermediateCACertStore/{}/Blob",
            thumbprint(&from_hex(EKCERT_P384).unwrap())
        ),
    ];
    assert_eq!(sources, expected);
    assert_survives(&identifier);
}

#[test]
fn an_export_in_every_encoding() {
    let text = whole_file();
    let marked: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [
        text.clone().into_bytes(),
        marked,
        text.replace("Windows Registry Editor Version 5.00", "REGEDIT4")
            .into_bytes(),
        text.replace("\r\n", "\n").into_bytes(),
        text.to_uppercase()
            .replace(
                "WINDOWS REGISTRY EDITOR VERSION",
                "Windows Registry Editor Version",
            )
            .replace("=HEX:", "=hex:")
            .replace("DWORD", "dword")
            .replace("EKPUB", "EKPub")
            .replace("LASTEKPub", "LastEkPub")
            .replace("EKCERTSTORE", "EKCertStore")
            .replace("INTERMEDIATECACERTSTORE", "IntermediateCACertStore")
            .into_bytes(),
        text.replace("CurrentControlSet", "ControlSet001")
            .replace("SYSTEM", "OFFLINE")
            .into_bytes(),
        text.replace("\"EkTries\"", "; a comment\r\n\"EkTries\"")
            .into_bytes(),
        text.replace("=hex:", "=hex(3):").into_bytes(),
    ] {
        assert_whole_file(&bytes);
    }
}

/// The same as `reg query` prints it.
pub(super) fn whole_query() -> String {
    let (der, ca) = (cert_der(), from_hex(EKCERT_P384).unwrap());
    let mut text = format!(
        "\r\n{ENDORSEMENT}\r\n    (Default)    REG_SZ    (value not set)\r\n    EkTries    REG_DWORD    0x1\r\n    \
         EKPub    REG_BINARY    {}\r\n",
        hex(&key().to_bcrypt()).to_uppercase()
    );
    for (store, der) in [("EKCertStore", &der), ("IntermediateCACertStore", &ca)] {
        text.push_str(&format!(
            "\r\n{}\r\n    Blob    REG_BINARY    {}\r\n",
            store_key(store, der),
            hex(&blob(der)).to_uppercase()
        ));
    }
    text.push_str("\r\nEnd of search: 3 match(es) found.\r\n");
    text
}

#[test]
fn what_reg_query_prints() {
    let text = whole_query();
    assert_whole_file(text.as_bytes());
    let name = thumbprint(&cert_der());
    for (from, to, code) in [
        ("REG_BINARY    52", "REG_BINARY    5", Code::RegMalformed),
        ("Blob    REG_BINARY", "Blob    REG_SZ", Code::RegMalformed),
        ("REG_BINARY    03", "REG_BINARY    03 ", Code::RegMalformed),
        (
            "    Blob",
            "    blob    REG_BINARY    \r\n    Blob",
            Code::EkcertMalformed,
        ),
        (
            "0300000001000000",
            "0300000002000000",
            Code::EkcertMalformed,
        ),
        (&name, &thumbprint(b"other"), Code::DigestMismatch),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(refused(changed.as_bytes()).code, Some(code), "{from}");
    }
}

#[test]
fn exports_that_are_refused() {
    let der = cert_der();
    let good = blob(&der);
    let key = store_key("EKCertStore", &der);
    let other_key = store_key("EKCertStore", b"other");
    let one = |values: String| file(&[(&key, values)]);
    for (text, code, place) in [
        (
            file(&[(&other_key, value("Blob", &good))]),
            Code::DigestMismatch,
            Some(format!("EKCertStore/{}/Blob", thumbprint(b"other"))),
        ),
        (
            one(value("Blob", &good[..good.len() - 1])),
            Code::EkcertMalformed,
            Some(format!("EKCertStore/{}/Blob, byte 56", thumbprint(&der))),
        ),
        (
            one("\"Blob\"=hex:0\r\n".to_owned()),
            Code::RegMalformed,
            Some("line 4".to_owned()),
        ),
        (
            one("\"Blob\"=hex:00,\\\r\n".to_owned()),
            Code::RegMalformed,
            Some("line 4".to_owned()),
        ),
        (
            one("\"Blob\"=\"a text\"\r\n".to_owned()),
            Code::RegMalformed,
            Some("line 4".to_owned()),
        ),
        (
            one(format!("{}{}", value("Blob", &good), value("BLOB", &good))),
            Code::RegMalformed,
            None,
        ),
        (
            one("\"Blob\"=-\r\n".to_owned()),
            Code::RegMalformed,
            Some("line 4".to_owned()),
        ),
        (
            whole_file() + &format!("[-{ENDORSEMENT}]\r\n"),
            Code::RegMalformed,
            None,
        ),
        (
            whole_file() + "no line of an export\r\n",
            Code::RegMalformed,
            None,
        ),
        (whole_file() + "\"open\"=\"text", Code::RegMalformed, None),
        (whole_file() + "[open", Code::RegMalformed, None),
        (
            whole_file() + "\"x\"=\"text\" more",
            Code::RegMalformed,
            None,
        ),
        (whole_file() + "\"x\"=text:1", Code::RegMalformed, None),
        (
            "REGEDIT4\n\"EKPub\"=hex:00".to_owned(),
            Code::RegMalformed,
            Some("line 2".to_owned()),
        ),
        (
            file(&[(ENDORSEMENT, value("EKPub", &cert_der()[..200]))]),
            Code::EkcertMalformed,
            Some("Endorsement/EKPub, byte 200".to_owned()),
        ),
        (
            file(&[(ENDORSEMENT, "\"EkTries\"=dword:1\r\n".to_owned())]),
            Code::NoEkpub,
            None,
        ),
        (
            file(&[(ENDORSEMENT, value("EKPub", &[7; 32]))]),
            Code::NoEkpub,
            None,
        ),
        (
            file(&[("HKEY_LOCAL_MACHINE\\SOFTWARE", value("Blob", &good))]),
            Code::NoEkpub,
            None,
        ),
        ("REGEDIT4\r\n".to_owned(), Code::NoEkpub, None),
        ("REGEDIT4".to_owned(), Code::NoEkpub, None),
        ("HKEY_LOCAL_MACHINE".to_owned(), Code::NoEkpub, None),
        (
            file(&[(
                &format!("{ENDORSEMENT}\\{}\\Certificates\\x", "s".repeat(200)),
                value("Blob", &good),
            )]),
            Code::InputTooLarge,
            None,
        ),
        ("REGEDIT5\r\n".to_owned(), Code::InputUnrecognised, None),
    ] {
        let error = refused(text.as_bytes());
        assert_eq!(error.code, Some(code), "{error}\n{text}");
        if place.is_some() {
            assert_eq!(error.location, place, "{error}");
        }
    }
}

/// What regedit takes for the content of a text is no key here either.
#[test]
fn a_text_over_lines_holds_no_keys() {
    let der = cert_der();
    let inner = format!(
        "\"Note\"=\"one\r\n[{}]\r\n\\\"Blob\\\"=hex:{}\r\ntwo\"\r\n",
        store_key("EKCertStore", &der),
        octets(&blob(&der))
    );
    assert_eq!(
        code(&file(&[(ENDORSEMENT, inner.clone())])),
        Some(Code::NoEkpub)
    );
    let with_key = inner + &value("EKPub", &key().to_bcrypt());
    let identifier = read(&file(&[(ENDORSEMENT, with_key)]));
    assert_eq!((identifier.ekpubs.len(), identifier.ekcerts.len()), (1, 0));
}

#[test]
fn keys_elsewhere_are_passed_over() {
    let der = cert_der();
    let endorsement = value("EKPub", &key().to_bcrypt());
    let broken = value("Blob", &[1, 2, 3]);
    let store = store_key("EKCertStore", &der);
    for key in [
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Endorsement".to_owned(),
        ENDORSEMENT.replace("WMI", "Other"),
        format!("{ENDORSEMENT}\\EKCertStore"),
        format!("{ENDORSEMENT}\\EKCertStore\\CRLs\\x"),
        format!("{store}\\below"),
        store.replace("Endorsement", "Admin"),
        format!("{}\\{ENDORSEMENT}", "x".repeat(600)),
    ] {
        let text = file(&[
            (ENDORSEMENT, endorsement.clone()),
            (&key, broken.clone() + &value("EKPub", &[0x30, 0x82, 1])),
        ]);
        let identifier = read(&text);
        assert_eq!(
            (identifier.ekpubs.len(), identifier.ekcerts.len()),
            (1, 0),
            "{key}"
        );
    }
    // An EKpub and a certificate of another key beside it: both are told.
    let ca = from_hex(EKCERT_P384).unwrap();
    let text = file(&[
        (ENDORSEMENT, endorsement),
        (&store_key("EKCertStoreECC", &ca), value("Blob", &blob(&ca))),
    ]);
    let identifier = read(&text);
    assert_eq!((identifier.ekpubs.len(), identifier.ekcerts.len()), (1, 1));
}

#[test]
fn limits_hold_for_exports() {
    // More certificates than are read; each with a signature of its own.
    let der = cert_der();
    let mut keys = Vec::new();
    for number in 0..=u8::try_from(MAX_KEYS).unwrap() {
        let mut other = der.clone();
        let last = other.len() - 1;
        other[last] = number;
        let text = format!("\"Blob\"=hex:{}\r\n", octets(&property(32, &other)));
        keys.push((store_key("EKCertStore", &other), text));
    }
    let keys: Vec<(&str, String)> = keys
        .iter()
        .map(|(key, text)| (key.as_str(), text.clone()))
        .collect();
    assert_eq!(code(&file(&keys)), Some(Code::InputTooLarge));
    let fits = read(&file(&keys[..MAX_KEYS]));
    assert_eq!(fits.ekcerts.len(), MAX_KEYS);
    assert_survives(&fits);
}
