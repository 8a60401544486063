#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may be blunt"
)]

mod bare;
mod json;
mod windows;

pub(super) use windows::{files as windows_files, property};

use super::classify::to_base64;
use super::xml;
use super::*;
use crate::ek::vectors::{EKCERT_RSA2048, VECTORS};
use crate::ek::{Certificate, EkPub, Encoding, TpmFacts};
use crate::finding::{Code, Error, Severity};
use crate::hash::from_hex;

/// The part of a genuine file that is publicly known, in its known form, with a
/// made-up name and GUID.
const HEAD: &str = "<PlatformIdentifiers xmlns=\"http://microsoft.com/windows/ptp/platformidentifier/2016/04\">\
    <PlatformIdMessages/><Version>1.0.0.0</Version><ForeignKey>hyp01</ForeignKey>\
    <MachineGuid>67F8C025-DE98-47EB-A000-0123456789AB</MachineGuid>";

fn genuine(rest: &str) -> String {
    format!("{HEAD}{rest}</PlatformIdentifiers>")
}

fn cert_der() -> Vec<u8> {
    from_hex(EKCERT_RSA2048).unwrap()
}

fn key() -> EkPub {
    Certificate::from_der(&cert_der())
        .unwrap()
        .public_key()
        .unwrap()
}

fn whole() -> String {
    genuine(&format!(
        "<EKPub>{}</EKPub><EKCert>{}</EKCert>",
        to_base64(&key().to_bcrypt()),
        to_base64(&cert_der())
    ))
}

fn read(text: &str) -> Identifier {
    Identifier::read(text.as_bytes()).unwrap()
}

fn refused(bytes: &[u8]) -> Error {
    let error = Identifier::read(bytes).unwrap_err();
    assert!(!error.help.is_empty(), "{error}");
    error
}

fn code(text: &str) -> Option<Code> {
    refused(text.as_bytes()).code
}

fn codes(identifier: &Identifier) -> Vec<Code> {
    let findings = identifier.findings.iter();
    findings.map(|finding| finding.code).collect()
}

fn assert_whole(identifier: &Identifier) {
    assert_eq!(identifier.name.as_deref(), Some("hyp01"));
    assert_eq!(
        identifier.machine.guid.as_deref(),
        Some("67F8C025-DE98-47EB-A000-0123456789AB")
    );
    assert_eq!(identifier.ekpubs.len(), 1);
    assert_eq!(identifier.ekpubs[0].key, key());
    assert_eq!(identifier.ekcerts.len(), 1);
    assert_eq!(identifier.ekcerts[0].certificate.der(), cert_der());
}

#[test]
fn a_whole_file() {
    let identifier = read(&whole());
    assert_whole(&identifier);
    assert_eq!(identifier.kind, Kind::Xml);
    assert_eq!(identifier.ekpubs[0].encoding, Encoding::BcryptRsaKeyBlob);
    assert_eq!(identifier.ekpubs[0].source, "PlatformIdentifiers/EKPub[1]");
    assert_eq!(
        identifier.ekcerts[0].source,
        "PlatformIdentifiers/EKCert[1]"
    );
    assert_eq!(codes(&identifier), []);
    // Written again it is what it was, and a line feed.
    assert_eq!(identifier.to_xml(), format!("{}\n", whole()));
}

#[test]
fn as_powershell_writes_files() {
    let text = whole();
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    for bytes in [
        format!("\u{feff}{text}\r\n").into_bytes(),
        format!("\r\n \n{text}\r\n\r\n").into_bytes(),
        utf16(&format!("\u{feff}{text}\r\n")),
        utf16(&text),
        format!("<?xml version=\"1.0\"?>\n{text}").into_bytes(),
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{text}").into_bytes(),
        utf16(&format!(
            "<?xml version=\"1.0\" encoding=\"utf-16\"?>{text}"
        )),
        format!("<!-- by hand -->{text}<!-- end -->").into_bytes(),
    ] {
        let identifier = Identifier::read(&bytes).unwrap();
        assert_whole(&identifier);
        assert_eq!(codes(&identifier), []);
    }
    // A declaration that the bytes contradict is noted, no more.
    let lying = format!("<?xml version=\"1.0\" encoding=\"utf-16\"?>{text}");
    let identifier = read(&lying);
    assert_whole(&identifier);
    assert_eq!(codes(&identifier), [Code::ProfileEncoding]);
}

/// A reader that believes the declaration must not see another text than one that does
/// not: in UTF-7 or EBCDIC the same bytes can be another document.
#[test]
fn declared_encodings_that_could_mean_another_text() {
    let declared = |encoding: &str, text: &str| {
        Identifier::read(
            format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{text}").as_bytes(),
        )
    };
    let umlaut = whole().replace("hyp01", "hüp01");
    for encoding in ["utf-7", "UTF-7", "IBM037", "utf-32", "shift_jis", "x"] {
        let error = declared(encoding, &whole()).unwrap_err();
        assert_eq!(error.code, Some(Code::EncodingUnknown), "{encoding}");
    }
    for encoding in ["us-ascii", "ISO-8859-1", "windows-1252"] {
        let identifier = declared(encoding, &whole()).unwrap();
        assert_eq!(codes(&identifier), [Code::ProfileEncoding], "{encoding}");
        let error = declared(encoding, &umlaut).unwrap_err();
        assert_eq!(error.code, Some(Code::EncodingUnknown), "{encoding}");
    }
    assert!(declared("utf-8", &umlaut).is_ok());
}

#[test]
fn indented_prefixed_and_unknown_elements() {
    let base64 = to_base64(&cert_der());
    let (head, tail) = base64.split_at(76);
    let text = format!(
        "<p:PlatformIdentifiers xmlns:p='{NAMESPACE}' note='x'>\r\n  <p:ForeignKey> hyp01 </p:ForeignKey>\r\n\
         <p:MachineGuid>{{67f8c025-de98-47eb-a000-0123456789ab}}</p:MachineGuid>\r\n\
         <Future><Deep><p:Blob enc='{}'>\r\n {head}\r\n\t {tail}\r\n</p:Blob></Deep></Future><Empty></Empty>\r\n\
         </p:PlatformIdentifiers>",
        crate::hash::hex(key().spki_der()),
    );
    let identifier = read(&text);
    assert_whole(&identifier);
    assert_eq!(
        identifier.ekcerts[0].source,
        "PlatformIdentifiers/Future[1]/Deep[1]/Blob[1]"
    );
    assert_eq!(
        identifier.ekpubs[0].source,
        "PlatformIdentifiers/Future[1]/Deep[1]/Blob[1]/@enc"
    );
}

#[test]
fn every_encoding_in_base64_and_hex() {
    for vector in &VECTORS {
        let tpm2b = from_hex(vector.tpm2b).unwrap();
        let (key, _) = EkPub::recognise(&tpm2b).unwrap().unwrap();
        for bytes in [
            tpm2b.clone(),
            tpm2b[2..].to_vec(),
            key.to_bcrypt(),
            key.spki_der().to_vec(),
        ] {
            let base64 = to_base64(&bytes);
            for text in [
                base64.clone(),
                base64.trim_end_matches('=').to_owned(),
                crate::hash::hex(&bytes),
                crate::hash::hex(&bytes).to_uppercase(),
            ] {
                let inside = read(&genuine(&format!("<X>{text}</X>")));
                assert_eq!(inside.ekpubs[0].key, key);
                let alone = read(&text);
                assert_eq!((alone.kind, &alone.ekpubs[0].key), (Kind::EkPub, &key));
            }
            let alone = Identifier::read(&bytes).unwrap();
            assert_eq!(alone.ekpubs[0].key, key);
        }
    }
}

#[test]
fn repetitions_count_once() {
    let key = key();
    let identifier = read(&genuine(&format!(
        "<A>{}</A><B>{}</B><C>{}</C><D>{}</D>",
        to_base64(key.spki_der()),
        to_base64(&key.to_bcrypt()),
        to_base64(&cert_der()),
        crate::hash::hex(&cert_der()),
    )));
    assert_eq!(identifier.ekpubs.len(), 1);
    assert_eq!(identifier.ekpubs[0].source, "PlatformIdentifiers/A[1]");
    assert_eq!(identifier.ekcerts.len(), 1);
    assert_eq!(identifier.ekcerts[0].source, "PlatformIdentifiers/C[1]");
}

#[test]
fn facts_about_the_machine() {
    let identifier = read(
        &whole().replace(
            "</PlatformIdentifiers>",
            "<BiosSerialNumber>CZ1234</BiosSerialNumber><MACAddresses><string>00-15-5d-01-02-0a</string>\
             <string>00155D01020B</string><string>00:15:5D:01:02:0A</string></MACAddresses></PlatformIdentifiers>",
        ),
    );
    assert_eq!(identifier.machine.serial.as_deref(), Some("CZ1234"));
    assert_eq!(
        identifier.machine.macs,
        ["00:15:5D:01:02:0A", "00:15:5D:01:02:0B"]
    );
    let identifier = read(&whole().replace("67F8C025-", "").replace(
        "</PlatformIdentifiers>",
        "<MacAddress>none</MacAddress></PlatformIdentifiers>",
    ));
    assert_eq!(identifier.machine.guid, None);
    assert_eq!(
        codes(&identifier),
        [Code::MachineIncomplete, Code::MachineIncomplete]
    );
}

#[test]
fn messages_of_the_host() {
    let text = whole().replace(
        "<PlatformIdMessages/>",
        "<PlatformIdMessages><EKCert>No EK&amp;Cert <![CDATA[<found>]]></EKCert></PlatformIdMessages>",
    );
    let identifier = read(&text);
    assert_eq!(identifier.messages, ["No EK&Cert <found>"]);
    assert_eq!(codes(&identifier), [Code::MessageFromHost]);
    assert_eq!(identifier.findings[0].severity, Severity::Warning);
}

#[test]
fn nothing_to_judge() {
    let error = refused(genuine("<EKPub/><EKCert></EKCert>").as_bytes());
    assert_eq!(error.code, Some(Code::NoEkpub));
    let error = refused(
        HEAD.replace(
            "<PlatformIdMessages/>",
            "<PlatformIdMessages>TPM is not ready</PlatformIdMessages>",
        )
        .as_bytes()
        .iter()
        .chain(b"</PlatformIdentifiers>")
        .copied()
        .collect::<Vec<u8>>()
        .as_slice(),
    );
    assert_eq!(error.code, Some(Code::NoEkpub));
    assert!(error.message.contains("TPM is not ready"));
}

#[test]
fn broken_material_says_where() {
    let cert = to_base64(&cert_der());
    let blob = to_base64(&key().to_bcrypt());
    for (rest, expected, place) in [
        (
            format!("<EKCert>{}</EKCert>", &cert[..cert.len() - 8]),
            Code::EkcertMalformed,
            "PlatformIdentifiers/EKCert[1], byte ",
        ),
        (
            format!("<EKPub>{}</EKPub>", &blob[..200]),
            Code::EkpubMalformed,
            "PlatformIdentifiers/EKPub[1], byte 27",
        ),
        (
            format!("<EKPub>{}</EKPub>", &blob[..8]),
            Code::EkpubMalformed,
            "PlatformIdentifiers/EKPub[1]",
        ),
        (
            format!("<EKPub>*{blob}</EKPub>"),
            Code::EkpubMalformed,
            "PlatformIdentifiers/EKPub[1]",
        ),
        (
            format!("<X/><X>{}</X>", &blob[..200]),
            Code::EkpubMalformed,
            "PlatformIdentifiers/X[2], byte 27",
        ),
        (
            format!("<TpmCertificate>*{cert}</TpmCertificate>"),
            Code::EkcertMalformed,
            "PlatformIdentifiers/TpmCertificate[1]",
        ),
        (
            "<EKCert>none</EKCert>".to_owned(),
            Code::EkcertMalformed,
            "PlatformIdentifiers/EKCert[1]",
        ),
    ] {
        let error = refused(genuine(&rest).as_bytes());
        assert_eq!(error.code, Some(expected), "{rest}");
        let location = error.location.unwrap();
        assert!(location.starts_with(place), "{rest}: {location}");
    }
}

#[test]
fn what_is_no_material_does_no_harm() {
    let identifier = read(&whole().replace(
        "</PlatformIdentifiers>",
        &format!(
            "<EKPubHash>{}</EKPubHash><WeekdayOfExport>2026-11-23 certainly a Monday</WeekdayOfExport>\
             <Node>0001000B1234</Node><Blob>{}</Blob></PlatformIdentifiers>",
            "ab".repeat(64),
            to_base64(&[0x55; 300]),
        ),
    ));
    assert_whole(&identifier);
    assert_eq!(codes(&identifier), []);
}

#[test]
fn contradictions_are_refused() {
    for rest in [
        "<ForeignKey>other</ForeignKey>",
        "<MachineGuid>00000000-0000-0000-0000-000000000000</MachineGuid>",
    ] {
        let text = whole().replace(
            "</PlatformIdentifiers>",
            &format!("{rest}</PlatformIdentifiers>"),
        );
        assert_eq!(code(&text), Some(Code::XmlMalformed));
    }
    let same = whole().replace(
        "</PlatformIdentifiers>",
        "<ForeignKey>hyp01</ForeignKey></PlatformIdentifiers>",
    );
    assert_whole(&read(&same));
}

#[test]
fn xml_that_is_none() {
    for (text, expected) in [
        ("<a", Code::XmlMalformed),
        ("<a>", Code::XmlMalformed),
        ("<a></b>", Code::XmlMalformed),
        ("<a/><b/>", Code::XmlMalformed),
        ("<a/>text", Code::XmlMalformed),
        ("<a b='1' b='2'/>", Code::XmlMalformed),
        ("<a b=1/>", Code::XmlMalformed),
        ("<a b='<'/>", Code::XmlMalformed),
        ("<1/>", Code::XmlMalformed),
        ("<a>\u{1}</a>", Code::XmlMalformed),
        ("<a>&#1;</a>", Code::XmlMalformed),
        ("<a b='&#0;'/>", Code::XmlMalformed),
        ("<a>&amp</a>", Code::XmlMalformed),
        ("<a><?xml version='1.0'?></a>", Code::XmlMalformed),
        ("<?xml version='1.1'?><a/>", Code::XmlMalformed),
        ("<a><!-- -- --></a>", Code::XmlMalformed),
        ("<!-- only -->", Code::XmlMalformed),
        ("<!DOCTYPE a><a/>", Code::XmlDoctype),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", Code::XmlDoctype),
        ("<a>&x;</a>", Code::XmlDoctype),
        ("<a b='&x;'/>", Code::XmlDoctype),
        ("<a>\u{fffe}</a>", Code::XmlMalformed),
        ("<Other/>", Code::InputUnrecognised),
        ("<html><body/></html>", Code::InputUnrecognised),
    ] {
        assert_eq!(code(text), Some(expected), "{text}");
    }
    assert_eq!(refused(b"<a>\xff</a>").code, Some(Code::EncodingUnknown));
    // Counted from the start of the text, whatever its encoding.
    for text in ["<ü><b></ü>", "\u{feff}\r\n\n<ü></b>"] {
        let place = refused(text.as_bytes()).location;
        assert_eq!(place.as_deref(), Some("character 6"), "{text}");
    }
    let utf16 = "\u{feff}<ü><b></ü>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes);
    let place = refused(&utf16.collect::<Vec<_>>()).location;
    assert_eq!(place.as_deref(), Some("character 6"));
}

#[test]
fn limits() {
    let deep = |depth: usize| {
        let open = depth - 1;
        let material = to_base64(&key().to_bcrypt());
        format!(
            "<PlatformIdentifiers>{}{material}{}</PlatformIdentifiers>",
            "<a>".repeat(open),
            "</a>".repeat(open)
        )
    };
    assert_eq!(read(&deep(MAX_DEPTH)).ekpubs.len(), 1);
    assert_eq!(code(&deep(MAX_DEPTH + 1)), Some(Code::InputTooLarge));
    // The JSON form of the deepest is read too.
    let json = read(&deep(MAX_DEPTH)).to_json();
    assert_eq!(read(&json).ekpubs.len(), 1);
    assert_eq!(
        code(&genuine(&"<a/>".repeat(MAX_NODES))),
        Some(Code::InputTooLarge)
    );
    assert_eq!(
        code(&format!("<a>{}</a>", " ".repeat(MAX_DOCUMENT_LEN))),
        Some(Code::InputTooLarge)
    );
    assert_eq!(
        code(&format!("<a b='{}'/>", " ".repeat(MAX_DOCUMENT_LEN))),
        Some(Code::InputTooLarge)
    );
    let name = "a".repeat(MAX_NAME_LEN);
    assert_whole(&read(
        &whole().replace("<Version>", &format!("<{name}/><Version>")),
    ));
    assert_eq!(code(&format!("<{name}a/>")), Some(Code::InputTooLarge));
    assert_eq!(
        refused("A".repeat(MAX_DOCUMENT_LEN + 1).as_bytes()).code,
        Some(Code::InputTooLarge)
    );
    assert_eq!(
        refused(&vec![b'{'; MAX_INPUT_LEN + 1]).code,
        Some(Code::InputTooLarge)
    );
    assert_eq!(
        refused(&[b"{".repeat(1000), b"}".repeat(1000)].concat()).code,
        Some(Code::JsonMalformed)
    );
    let keys: String = (0..=MAX_KEYS)
        .map(|index| {
            let x = [u8::try_from(index).unwrap(); 32];
            let key = EkPub::from_point(crate::ek::Curve::P256, &x, &[1]).unwrap();
            format!("<K>{}</K>", to_base64(&key.to_bcrypt()))
        })
        .collect();
    assert_eq!(code(&genuine(&keys)), Some(Code::InputTooLarge));
}

/// As the host room makes one.
fn from_host() -> Identifier {
    let mut identifier = Identifier::new(
        "hyp \"01\" <&>",
        Machine {
            guid: Some("67F8C025-DE98-47EB-A000-0123456789AB".to_owned()),
            serial: Some("CZ 1234".to_owned()),
            macs: vec!["00:15:5D:01:02:0A".to_owned()],
            ..Machine::default()
        },
        vec![EkPubEntry {
            key: key(),
            encoding: Encoding::TpmtPublic,
            source: "template L-1".to_owned(),
        }],
        vec![EkCert {
            certificate: Certificate::from_der(&cert_der()).unwrap(),
            source: "NV index 0x01c00002".to_owned(),
        }],
    );
    identifier.messages = vec!["no certificate for ecc-p256".to_owned()];
    identifier
}

/// The same with what only JSON carries.
fn with_host_facts() -> Identifier {
    let mut identifier = from_host();
    identifier.machine.host_name = Some("hyp01.example".to_owned());
    identifier.machine.hypervisor = Some("QEMU/KVM".to_owned());
    identifier.tpm = Some(TpmFacts {
        manufacturer: Some(0x4946_5800),
        vendor_string: Some("SLB9672".to_owned()),
        firmware: Some((0x0010_000a, 0x0004_0200)),
        revision: Some(159),
        generated_eps: Some(false),
        ..TpmFacts::default()
    });
    identifier
}

#[test]
fn a_tree_is_what_it_was() {
    let text = "<a x=\"&#9;&#10;&#13;&quot;&amp;&lt;\"><!-- c --><?go <now>?>t &amp; u<b/>\n&#13;<c>]]&gt;</c></a>";
    let tree = xml::parse(text).unwrap().root;
    assert_eq!(tree.attributes[0].1, "\t\n\r\"&<");
    let mut written = String::new();
    xml::write(&tree, &mut written);
    assert_eq!(written, text);
    // Characters that XML cannot hold.
    let mut identifier = from_host();
    identifier.name = Some("a\u{0}b\u{ffff}".to_owned());
    assert_eq!(
        read(&identifier.to_xml()).name.as_deref(),
        Some("a\u{fffd}b\u{fffd}")
    );
}

/// The page that describes the forms says what the code does.
#[test]
fn the_documentation_agrees() {
    let page = include_str!("../../../docs/identifier.md");
    for XmlName {
        name,
        provenance,
        holds,
    } in NAMES
    {
        let known = match provenance {
            Provenance::Documented => "documented",
            Provenance::Observed => "observed",
            Provenance::Ours => "ours",
        };
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not on the page"));
        assert_eq!(
            row.replace('`', ""),
            format!("| {name} | {holds} | {known} |")
        );
    }
    assert!(page.contains(NAMESPACE));
    for encoding in Encoding::ALL {
        assert!(page.contains(&format!("| `{encoding}` |")), "{encoding}");
    }
    for limit in [
        format!("| {} MiB |", MAX_INPUT_LEN / 1024 / 1024),
        format!("| {} KiB |", MAX_DOCUMENT_LEN / 1024),
        format!("| {MAX_DEPTH} |"),
        format!("| {MAX_NAME_LEN} bytes |"),
        format!("| {},{:03} |", MAX_NODES / 1000, MAX_NODES % 1000),
        format!("| {MAX_KEYS} each |"),
    ] {
        assert!(page.contains(&limit), "{limit}");
    }
}
