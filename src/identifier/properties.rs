//! What holds for every document and every input.

#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may be blunt"
)]

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::classify::to_base64;
use super::*;
use super::{wellformed, xml};
use crate::ek::vectors::{EKCERT_RSA2048, VECTORS};
use crate::ek::{Certificate, EkPub, Encoding, TpmFacts};
use crate::hash::from_hex;

/// Names without a `k`, so that none promises an EK.
fn name() -> impl Strategy<Value = String> {
    "([a-jl-z]{1,3}:)?[A-JL-Za-jl-z_ü][A-JL-Za-jl-z0-9._-]{0,6}"
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\t\\n\\r <>&\"'\\]a😀-]{1,12}",
        "\\PC{1,12}".prop_map(|text| text.replace(['\u{fffe}', '\u{ffff}'], "?")),
    ]
}

fn element() -> impl Strategy<Value = Element> {
    let attributes = || vec((name(), text()), 0..3);
    let leaf = (name(), attributes(), vec(text().prop_map(Node::Text), 0..2));
    let leaf = leaf.prop_map(normal);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let node = prop_oneof![
            3 => inner.prop_map(Node::Element),
            3 => text().prop_map(Node::Text),
            1 => "[a-z <&]{0,9}".prop_map(Node::Comment),
            1 => "[a-w]{1,4}( [a-z <&]{0,9})?".prop_map(Node::Instruction),
        ];
        (name(), attributes(), vec(node, 0..6)).prop_map(normal)
    })
}

/// A tree as a reader makes it: attributes differ, texts in a row are one.
fn normal((name, mut attributes, nodes): (String, Vec<(String, String)>, Vec<Node>)) -> Element {
    attributes.sort();
    attributes.dedup_by(|a, b| a.0 == b.0);
    let mut children: Vec<Node> = Vec::new();
    for node in nodes {
        match (children.last_mut(), node) {
            (Some(Node::Text(before)), Node::Text(text)) => before.push_str(&text),
            (_, node) => children.push(node),
        }
    }
    Element {
        name,
        attributes,
        children,
    }
}

fn key() -> EkPub {
    let der = from_hex(EKCERT_RSA2048).unwrap();
    Certificate::from_der(&der).unwrap().public_key().unwrap()
}

/// A file of each kind.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let certificate = Certificate::from_der(&from_hex(EKCERT_RSA2048).unwrap()).unwrap();
    let mut identifier = Identifier::new(
        "hyp01",
        Machine {
            guid: Some("67F8C025-DE98-47EB-A000-0123456789AB".to_owned()),
            serial: Some("CZ1234".to_owned()),
            macs: vec!["00:15:5D:01:02:0A".to_owned()],
            host_name: Some("hyp01".to_owned()),
            hypervisor: Some("QEMU/KVM".to_owned()),
        },
        vec![EkPubEntry {
            key: key(),
            encoding: Encoding::Tpm2bPublic,
            source: "template L-1".to_owned(),
        }],
        vec![EkCert {
            certificate: certificate.clone(),
            source: "NV index 0x01c00002".to_owned(),
        }],
    );
    identifier.messages = vec!["a message".to_owned()];
    identifier.tpm = Some(TpmFacts {
        manufacturer: Some(0x4946_5800),
        firmware: Some((0x0007_0055, 0x11)),
        ..TpmFacts::default()
    });
    let xml = identifier.to_xml();
    let utf16 = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut seeds = vec![
        identifier.to_json().into_bytes(),
        Identifier::read(xml.as_bytes())
            .unwrap()
            .to_json()
            .into_bytes(),
        xml.into_bytes(),
        utf16,
        certificate.der().to_vec(),
        [certificate.der(), &[0xff; 20]].concat(),
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            to_base64(certificate.der())
        )
        .into_bytes(),
        key().to_bcrypt(),
        key().spki_der().to_vec(),
    ];
    seeds.extend(super::tests::windows_files());
    seeds.extend(VECTORS.iter().map(|vector| from_hex(vector.tpm2b).unwrap()));
    seeds
});

/// What is read can be written and read again as the same thing.
fn check(bytes: &[u8]) {
    let Ok(identifier) = Identifier::read(bytes) else {
        return;
    };
    for text in [identifier.to_json(), identifier.to_xml()] {
        let again = Identifier::read(text.as_bytes())
            .unwrap_or_else(|error| panic!("{error}: what was written\n{text}"));
        match again.kind {
            Kind::Xml => assert_eq!(again.tpm, None),
            _ => {
                assert_eq!(again.tpm, identifier.tpm);
                assert_eq!(again.machine, identifier.machine);
            }
        }
        assert_eq!(again.name, identifier.name);
        assert_eq!(again.machine.in_xml(), identifier.machine.in_xml());
        assert_eq!(again.messages, identifier.messages);
        let keys = |i: &Identifier| i.ekpubs.iter().map(|e| e.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&again), keys(&identifier));
        let certificates = |i: &Identifier| {
            let certificates = i.ekcerts.iter();
            certificates
                .map(|e| e.certificate.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(certificates(&again), certificates(&identifier));
    }
    // Writing is stable after one round.
    let once = identifier.to_json();
    let again = Identifier::read(once.as_bytes()).unwrap();
    assert_eq!(again.to_json(), once);
    let once = identifier.to_xml();
    let again = Identifier::read(once.as_bytes()).unwrap();
    assert_eq!(again.to_xml(), once);
}

/// One change to a file.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    Insert(usize, String),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0usize..6000;
    prop_oneof![
        (place.clone(), any::<u8>()).prop_map(|(at, to)| Change::Set(at, to)),
        (place.clone(), 1usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        (place.clone(), 1usize..400).prop_map(|(at, length)| Change::Repeat(at, length)),
        (
            place,
            prop_oneof![
                Just(" ".to_owned()),
                Just("&#13;".to_owned()),
                Just("\\u0000".to_owned()),
                Just("\\n".to_owned()),
                Just("<!---->".to_owned()),
                Just("<![CDATA[x]]>".to_owned()),
                Just("<a b='&#10;&gt;'/>".to_owned()),
                Just("<?p \r\n?>".to_owned()),
                Just(",\"x\"".to_owned()),
                Just("null".to_owned()),
                "\\PC{1,3}",
            ]
        )
            .prop_map(|(at, text)| Change::Insert(at, text)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len().max(1);
    match change {
        Change::Set(at, to) => {
            if let Some(octet) = bytes.get_mut(at % length) {
                *octet = *to;
            }
        }
        Change::Remove(at, count) => {
            let end = bytes.len().min(at % length + count);
            bytes.drain((at % length).min(end)..end);
        }
        Change::Repeat(at, count) => {
            let end = bytes.len().min(at % length + count);
            let part = bytes[(at % length).min(end)..end].to_vec();
            bytes.splice(end..end, part);
        }
        Change::Insert(at, text) => {
            let at = (at % length).min(bytes.len());
            bytes.splice(at..at, text.bytes());
        }
    }
}

proptest! {
    #[test]
    fn trees_survive_xml(tree in element()) {
        wellformed::check_tree(&tree).unwrap();
        let mut text = String::new();
        xml::write(&tree, &mut text);
        prop_assert_eq!(xml::parse(&text).unwrap().root, tree);
    }

    #[test]
    fn documents_survive_json(tree in element()) {
        let mut root = tree;
        root.name = "PlatformIdentifiers".to_owned();
        root.children.push(Node::Element(Element {
            name: "EKPub".to_owned(),
            attributes: Vec::new(),
            children: vec![Node::Text(to_base64(&key().to_bcrypt()))],
        }));
        let mut text = String::new();
        xml::write(&root, &mut text);
        text.push('\n');
        let read = Identifier::read(text.as_bytes()).unwrap();
        prop_assert_eq!(read.document.as_ref(), Some(&root));
        let json = read.to_json();
        let again = Identifier::read(json.as_bytes()).unwrap();
        prop_assert_eq!(again.document.as_ref(), Some(&root));
        prop_assert_eq!(again.to_xml(), text);
        prop_assert_eq!(again.to_json(), json);
    }

    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..300)) {
        check(&bytes);
        let _ = EkPub::recognise(&bytes);
    }

    #[test]
    fn arbitrary_text(text in "[<{\\-]?[\\PC\\r\\n]{0,100}") {
        check(text.as_bytes());
    }

    #[test]
    fn changed_files(seed in 0usize..24, changes in vec(change(), 1..4)) {
        let mut bytes = SEEDS[seed % SEEDS.len()].clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        check(&bytes);
    }

    #[test]
    fn arbitrary_exports(
        header in prop_oneof![
            Just("REGEDIT4\n"),
            Just("HKEY_LOCAL_MACHINE\n"),
            Just("{\"IsPresent\":true,\"PublicKey\":"),
            Just("IsPresent : False\n[Thumbprint]\n"),
            Just("<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><Obj>"),
        ],
        text in "([\\[\\]\"\\\\=@;:,\\-\n {}]|hex|Blob|EKPub|00|\\PC){0,60}",
    ) {
        check(format!("{header}{text}").as_bytes());
    }

    #[test]
    fn blobs_of_any_properties(
        before in vec((0u32..=0xffff, vec(any::<u8>(), 0..40)), 0..4),
        after in vec((0u32..=0xffff, vec(any::<u8>(), 0..40)), 0..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let der = from_hex(EKCERT_RSA2048).unwrap();
        // Other numbers for those that have a meaning.
        let other = |(id, value): &(u32, Vec<u8>)| match id {
            3 | 32 => super::tests::property(92, value),
            id => super::tests::property(*id, value),
        };
        let blob: Vec<u8> = before
            .iter()
            .map(other)
            .chain([super::tests::property(32, &der)])
            .chain(after.iter().map(other))
            .flatten()
            .collect();
        let identifier = Identifier::read(&blob).unwrap();
        prop_assert_eq!(identifier.kind, Kind::CertificateBlob);
        prop_assert_eq!(identifier.ekcerts[0].certificate.der(), &der[..]);
        // Cut anywhere, it is another blob or an error, and nothing else.
        if let Ok(identifier) = Identifier::read(&blob[..8 + cut.index(blob.len() - 8)]) {
            prop_assert_eq!(identifier.kind, Kind::CertificateBlob);
            prop_assert_eq!(identifier.ekcerts[0].certificate.der(), &der[..]);
        }
    }

    #[test]
    fn host_texts_are_cleaned(
        name in "[\\PC\\x00-\\x20\u{ffff}]{0,9}",
        serial in "[\\PC\\x00-\\x20]{0,9}",
        message in "[\\PC\\x00-\\x20]{0,9}",
    ) {
        let mut identifier = Identifier::new(
            name,
            Machine { serial: Some(serial), ..Machine::default() },
            vec![EkPubEntry {
                key: key(),
                encoding: Encoding::TpmtPublic,
                source: "template L-1".to_owned(),
            }],
            Vec::new(),
        );
        identifier.messages = vec![message];
        let from_json = Identifier::read(identifier.to_json().as_bytes()).unwrap();
        let from_xml = Identifier::read(identifier.to_xml().as_bytes()).unwrap();
        prop_assert_eq!(&from_json.name, &from_xml.name);
        prop_assert_eq!(&from_json.machine, &from_xml.machine);
        prop_assert_eq!(&from_json.messages, &from_xml.messages);
        prop_assert_eq!(from_json.to_xml(), identifier.to_xml());
    }

    #[test]
    fn every_encoding_of_any_key(
        modulus in vec(any::<u8>(), 128..600),
        exponent in 0u64..,
        x in vec(any::<u8>(), 0..32),
        y in vec(any::<u8>(), 0..32),
    ) {
        let mut modulus = modulus;
        modulus[0] |= 0x80;
        let rsa = EkPub::from_rsa(&modulus, &exponent.to_be_bytes()).unwrap();
        let ec = EkPub::from_point(crate::ek::Curve::P256, &x, &y).unwrap();
        for key in [&rsa, &ec] {
            let spki = EkPub::recognise(key.spki_der()).unwrap();
            prop_assert_eq!(spki, Some((key.clone(), Encoding::SubjectPublicKeyInfo)));
            let blob = EkPub::recognise(&key.to_bcrypt()).unwrap().unwrap();
            prop_assert_eq!(&blob.0, key);
            for name in key.tpm_names() {
                let template = crate::ek::Template::by_label(name.template).unwrap();
                let area = template.public_area(Some(key)).unwrap();
                if x.iter().chain(&y).any(|octet| *octet != 0) {
                    prop_assert_eq!(&EkPub::recognise(&area).unwrap().unwrap().0, key);
                }
            }
        }
        let pkcs1 = EkPub::recognise(rsa.subject_public_key()).unwrap();
        prop_assert_eq!(pkcs1, Some((rsa, Encoding::Pkcs1)));
        let _ = crate::ek::check_key(&ec);
    }
}
