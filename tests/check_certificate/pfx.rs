//! PKCS#12 files.

use endorse::diagnose::certificate::pfx::{MAX_PFX_LEN, Pfx};
use endorse::diagnose::certificate::{CertificateRole, Document, Outcome, Profile, examine};
use endorse::finding::Code;

use super::{at, bytes, data, openssl};

const PASSWORD: &str = "a pass phrase";

fn refused(bytes: &[u8], password: &str) -> Code {
    Pfx::open(bytes, password).unwrap_err().code.unwrap()
}

#[test]
fn every_protection_is_opened() {
    let certificate = bytes("encryption.cer");
    for (file, password, has_mac) in [
        ("pbes2.pfx", PASSWORD, true),
        ("legacy.pfx", PASSWORD, true),
        ("rc2-128.pfx", PASSWORD, true),
        ("plain.pfx", PASSWORD, true),
        ("nomac.pfx", PASSWORD, false),
        ("empty.pfx", "", true),
    ] {
        let pfx =
            Pfx::open(&bytes(file), password).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(pfx.certificates.len(), 1, "{file}");
        assert_eq!(pfx.certificates[0].certificate.der(), certificate, "{file}");
        assert_eq!(pfx.keys.len(), 1, "{file}");
        assert_eq!(pfx.has_mac, has_mac, "{file}");
        assert!(pfx.key_of(&pfx.certificates[0]).is_some(), "{file}");
        // The wrong password, one character away.
        assert_eq!(
            refused(&bytes(file), &format!("{password}x")),
            Code::PfxPassword,
            "{file}"
        );
    }
}

#[test]
fn the_provider_of_a_key() {
    let provider = |file| {
        let document = Document::read(&bytes(file), Some(PASSWORD)).unwrap();
        let candidate = document.subjects[0].candidate.clone();
        assert!(candidate.with_private_key);
        let results = examine(
            &candidate,
            CertificateRole::Encryption,
            Profile::Recommended,
            &at(),
        );
        let rule = results
            .into_iter()
            .find(|result| result.rule.id == "key-storage-provider");
        rule.unwrap().outcome
    };
    assert_eq!(provider("pbes2.pfx"), Outcome::Pass);
    assert!(matches!(provider("legacy.pfx"), Outcome::Fail(text)
        if text.contains("Microsoft Enhanced Cryptographic Provider v1.0")));
    assert!(matches!(provider("nomac.pfx"), Outcome::NotApplicable(_)));
}

#[test]
fn a_file_without_mac_is_told_of() {
    let document = Document::read(&bytes("nomac.pfx"), Some(PASSWORD)).unwrap();
    assert_eq!(document.findings[0].code, Code::PfxUnprotected);
    assert_eq!(
        Document::read(&bytes("pbes2.pfx"), Some(PASSWORD))
            .unwrap()
            .findings,
        []
    );
    let error = Document::read(&bytes("pbes2.pfx"), None).unwrap_err();
    assert_eq!(error.code, Some(Code::PfxPassword));
}

/// What 1,300,000 rounds of PBKDF2 cost is refused before the first of them. So is 2^31.
#[test]
fn the_price_is_known_before_it_is_paid() {
    assert_eq!(refused(&bytes("slow.pfx"), PASSWORD), Code::PfxWork);
    let good = bytes("pbes2.pfx");
    // The rounds of the MAC are the last number of the file: INTEGER 2048.
    let end = good.len() - 4;
    assert_eq!(good[end..], [0x02, 0x02, 0x08, 0x00]);
    for rounds in [[0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0]] {
        let number: Vec<u8> = match rounds[0] & 0x80 {
            0 => [&[0x02, 4][..], &rounds].concat(),
            _ => [&[0x02, 5, 0][..], &rounds].concat(),
        };
        let longer = u8::try_from(number.len() - 4).unwrap();
        let mut file = good[..end].to_vec();
        file.extend(&number);
        // Both frames around it grow: the file's, and that of macData.
        let mac = file
            .windows(2)
            .rposition(|pair| pair == [0x30, 0x41])
            .expect("macData");
        file[mac + 1] += longer;
        let length = u16::from_be_bytes([file[2], file[3]]) + u16::from(longer);
        file[2..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(refused(&file, PASSWORD), Code::PfxWork, "{rounds:x?}");
    }
    assert_eq!(
        refused(&vec![0x30; MAX_PFX_LEN + 1], PASSWORD),
        Code::InputTooLarge
    );
}

/// Writing DER by hand.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &length[..], content].concat()
}

fn pkcs(tail: &[u8]) -> Vec<u8> {
    tlv(
        6,
        &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01][..], tail].concat(),
    )
}

/// A file without a MAC that holds these SafeContents in the clear.
fn file_with(contents: &[u8]) -> Vec<u8> {
    let data = |content: &[u8]| tlv(0x30, &[pkcs(&[7, 1]), tlv(0xa0, &tlv(4, content))].concat());
    let safes = tlv(0x30, &data(contents));
    let file = tlv(0x30, &[vec![2, 1, 3], data(&safes)].concat());
    // A short form, as the recogniser takes it.
    let length = u16::try_from(file.len() - 6).unwrap().to_be_bytes();
    [&[0x30, 0x82][..], &length, &file[6..]].concat()
}

fn bag(kind: u8, value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[pkcs(&[12, 10, 1, kind]), tlv(0xa0, value)].concat())
}

#[test]
fn bags_in_bags_are_bounded() {
    let certificate = tlv(
        0x30,
        &[
            pkcs(&[9, 22, 1]),
            tlv(0xa0, &tlv(4, &bytes("encryption.cer"))),
        ]
        .concat(),
    );
    let mut contents = tlv(0x30, &bag(3, &certificate));
    for depth in 0..6 {
        let opened = Pfx::open(&file_with(&contents), "");
        match depth {
            0..=3 => assert_eq!(opened.unwrap().certificates.len(), 1, "{depth}"),
            _ => assert_eq!(
                opened.unwrap_err().code,
                Some(Code::PfxMalformed),
                "{depth}"
            ),
        }
        contents = tlv(0x30, &bag(6, &contents));
    }
    let many: Vec<u8> = (0..300).flat_map(|_| bag(4, &[])).collect();
    assert_eq!(
        refused(&file_with(&tlv(0x30, &many)), ""),
        Code::PfxMalformed
    );
}

#[test]
fn what_is_no_password_is_unsupported() {
    let good = bytes("plain.pfx");
    // pkcs7-data as the content of the file becomes signedData, envelopedData, another.
    let data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    let first = good
        .windows(data.len())
        .position(|window| window == data)
        .unwrap();
    for (last, code) in [
        (2, Code::PfxUnsupported),
        (3, Code::PfxMalformed),
        (9, Code::PfxMalformed),
    ] {
        let mut file = good.clone();
        file[first + data.len() - 1] = last;
        assert_eq!(refused(&file, PASSWORD), code, "{last}");
    }
}

/// Of two certificates in a file, the one with the key is checked, and the other is its CA.
#[test]
fn the_chain_is_left_out() {
    let key = data("other2048.key");
    let ca = openssl(
        &[
            "x509",
            "-inform",
            "DER",
            "-in",
            data("tls.cer").to_str().unwrap(),
        ],
        b"",
    );
    let own = openssl(
        &[
            "x509",
            "-inform",
            "DER",
            "-in",
            data("encryption.cer").to_str().unwrap(),
        ],
        b"",
    );
    let both = [own, ca].concat();
    let args = [
        "pkcs12",
        "-export",
        "-inkey",
        key.to_str().unwrap(),
        "-passout",
        "pass:x",
    ];
    let file = openssl(&args, &both);
    let pfx = Pfx::open(&file, "x").unwrap();
    assert_eq!(pfx.certificates.len(), 2);
    let document = Document::read(&file, Some("x")).unwrap();
    assert_eq!(document.subjects.len(), 1);
    assert_eq!(
        document.subjects[0].certificate.as_ref().unwrap().der(),
        bytes("encryption.cer")
    );
}
