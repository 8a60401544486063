//! What is in a package, and cabinets that were made to do harm.

use endorse::der::Time;
use endorse::finding::{Code, Error};
use endorse::trust::package::{Contents, MAX_FILES, MAX_UNPACKED_LEN, Package};
use endorse::trust::{Pool, Purpose};

use super::cabinet::{Cabinet, FOLDERS, Packing, block};
use super::maker::{cabinet, roots};
use super::pki::{AIK_USAGE, AT, EK_USAGE, Spec, dn, ec_key, extended_key_usage};

/// The contents of a package that nobody signed.
fn open(bytes: &[u8]) -> Result<Contents, Error> {
    let package = Package::read(bytes)?;
    let at = Time::parse_rfc3339(AT).unwrap();
    let refusal = package.verify(&roots(), at).unwrap_err();
    package.unverified(refusal)?.contents()
}

#[track_caller]
fn refused(bytes: &[u8], code: Code, words: &str) {
    match open(bytes) {
        Ok(_) => panic!("accepted; {code} was expected"),
        Err(error) => {
            assert_eq!(error.code, Some(code), "{error}");
            assert!(error.message.contains(words), "{error}");
            assert!(!error.help.is_empty());
        }
    }
}

fn ca(name: &str, issuer: &str, usage: Option<&str>) -> Vec<u8> {
    let key = ec_key(0);
    let mut spec = Spec::ca(dn("Vendor", name), key, dn("Vendor", issuer), key);
    if let Some(usage) = usage {
        spec.replace(extended_key_usage(&[usage]));
    }
    spec.der()
}

/// `len` bytes that do not pack away.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

#[test]
fn stored_and_packed_say_the_same() {
    for packing in [Packing::Stored, Packing::MsZip] {
        for checksums in [true, false] {
            let mut cabinet = cabinet(packing);
            cabinet.checksums = checksums;
            // More than one block of data.
            let noise = noise(100_001);
            cabinet.files.insert(1, (b"noise.bin".to_vec(), noise));
            let contents = open(&cabinet.bytes()).unwrap();
            assert_eq!(contents.edition(), Some("1-June-2023"));
            let [one] = contents.certificates() else {
                panic!("{} certificates", contents.certificates().len());
            };
            assert_eq!((one.vendor.as_str(), one.pool), ("Vendor", Pool::Root));
            assert_eq!(one.path, "Vendor/RootCA/root.cer");
            assert_eq!(one.certificate.der(), cabinet.files[2].1);
            let skipped: Vec<&str> = contents
                .skipped()
                .iter()
                .map(|skipped| skipped.path.as_str())
                .collect();
            assert_eq!(skipped, ["version.txt", "noise.bin"]);
        }
    }
}

#[test]
fn what_is_no_certificate_is_passed_over() {
    let root = ca("Root", "Root", None);
    let files: [(&str, &[u8]); 8] = [
        ("setup.ps1", b"Remove-Item"),
        ("Vendor\\RootCA\\readme.txt", b"text"),
        ("Vendor\\RootCA\\broken.cer", &root[..100]),
        ("Vendor\\RootCA\\deeper\\root.cer", &root),
        ("Vendor\\Other\\root.cer", &root),
        ("RootCA\\root.cer", &root),
        ("Vendor\\rootca\\ROOT.CER", &root),
        ("empty", b""),
    ];
    let contents = open(&Cabinet::of(&files, Packing::MsZip).bytes()).unwrap();
    assert_eq!(contents.certificates().len(), 1);
    assert_eq!(contents.certificates()[0].path, "Vendor/rootca/ROOT.CER");
    assert_eq!(contents.skipped().len(), 7);
    assert!(contents.skipped().iter().all(|one| !one.reason.is_empty()));
    assert_eq!(contents.edition(), None);
}

#[test]
fn purposes() {
    let files = [
        ("A\\RootCA\\root", ca("Root", "Root", None)),
        ("A\\IntermediateCA\\middle", ca("Middle", "Root", None)),
        (
            "A\\IntermediateCA\\aik",
            ca("Aik", "Middle", Some(AIK_USAGE)),
        ),
        // The same root of another vendor, with something for endorsement keys below it.
        ("B\\RootCA\\root", ca("Root", "Root", None)),
        ("B\\IntermediateCA\\aik", ca("Aik", "Root", Some(AIK_USAGE))),
        ("B\\IntermediateCA\\ek", ca("Ek", "Root", Some(EK_USAGE))),
        // Something below it does not say.
        ("C\\RootCA\\root", ca("Root", "Root", None)),
        ("C\\IntermediateCA\\aik", ca("Aik", "Root", Some(AIK_USAGE))),
        ("C\\IntermediateCA\\other", ca("Other", "Root", None)),
        // A loop.
        ("D\\IntermediateCA\\one", ca("One", "Two", None)),
        ("D\\IntermediateCA\\two", ca("Two", "One", None)),
        // The folder does not say what a certificate is for; it says so itself.
        ("AIK\\RootCA\\root", ca("Root", "Root", Some(EK_USAGE))),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, der)| (*name, &der[..])).collect();
    let contents = open(&Cabinet::of(&files, Packing::MsZip).bytes()).unwrap();
    let purposes: Vec<Purpose> = contents
        .certificates()
        .iter()
        .map(|one| one.purpose)
        .collect();
    use Purpose::{Aik, Ek, Unknown};
    assert_eq!(
        purposes,
        [
            Aik, Aik, Aik, Ek, Aik, Ek, Unknown, Aik, Unknown, Unknown, Unknown, Ek
        ]
    );
}

#[test]
fn hostile_names() {
    let with = |name: &[u8], attributes: u16| {
        let mut cabinet = cabinet(Packing::MsZip);
        cabinet.files[1].0 = name.to_vec();
        cabinet.attributes = attributes;
        cabinet.bytes()
    };
    for name in [
        "..\\RootCA\\x.cer",
        "Vendor\\..\\..\\x.cer",
        "\\Vendor\\RootCA\\x.cer",
        "/etc/passwd",
        "Vendor\\\\x.cer",
        "Vendor\\RootCA\\",
        ".\\x.cer",
        "",
    ] {
        let bytes = with(name.as_bytes(), 0);
        refused(&bytes, Code::PackageMalformed, "below the package's top");
    }
    for name in ["C:\\x.cer", "x.cer:stream", "Vendor\\RootCA\\\u{1b}[2J.cer"] {
        let bytes = with(name.as_bytes(), 0);
        refused(&bytes, Code::PackageMalformed, "a character");
    }
    refused(
        &with(b"V\xff\\RootCA\\x", 0),
        Code::PackageMalformed,
        "encoding",
    );
    refused(
        &with(b"V\xff\\RootCA\\x", 0x80),
        Code::PackageMalformed,
        "UTF-8",
    );
    let umlaut = "H\u{e4}ndler\\RootCA\\x.cer";
    refused(
        &with(umlaut.as_bytes(), 0),
        Code::PackageMalformed,
        "encoding",
    );
    let contents = open(&with(umlaut.as_bytes(), 0x80)).unwrap();
    assert_eq!(contents.certificates()[0].vendor, "H\u{e4}ndler");
    // The same name twice, for Windows.
    refused(&with(b"VERSION.TXT", 0), Code::PackageMalformed, "twice");
    let long = [b'x'; 300];
    refused(&with(&long, 0), Code::PackageMalformed, "does not end");
}

#[test]
fn other_kinds_of_cabinet() {
    for (kind, words) in [(2, "Quantum"), (0x1503, "LZX"), (7, "unknown way")] {
        let mut cabinet = cabinet(Packing::MsZip);
        cabinet.kind = Some(kind);
        refused(&cabinet.bytes(), Code::PackageUnsupported, words);
    }
    let with = |place: usize, value: u8| {
        let mut bytes = cabinet(Packing::MsZip).bytes();
        bytes[place] = value;
        bytes
    };
    refused(&with(30, 5), Code::PackageUnsupported, "set of cabinets");
    refused(&with(30, 6), Code::PackageUnsupported, "set of cabinets");
    refused(&with(30, 0x14), Code::PackageUnsupported, "unknown flags");
    refused(&with(25, 2), Code::PackageUnsupported, "version 2.3");
    refused(&with(0, b'm'), Code::PackageMalformed, "no cabinet");
    refused(b"MSCF", Code::PackageMalformed, "cut short");
    refused(b"", Code::PackageMalformed, "no cabinet");
    // A file that continues from a cabinet before this one.
    refused(
        &with(FOLDERS + 8 + 8, 0xfd),
        Code::PackageMalformed,
        "folder",
    );
    let mut continued = with(FOLDERS + 8 + 8, 0xfd);
    continued[FOLDERS + 8 + 9] = 0xff;
    refused(&continued, Code::PackageUnsupported, "another cabinet");
}

#[test]
fn broken_data() {
    let bytes = cabinet(Packing::MsZip).bytes();
    // A byte of the packed data.
    let mut broken = bytes.clone();
    *broken.last_mut().unwrap() ^= 1;
    refused(&broken, Code::PackageMalformed, "checksum");
    // The same with the checksum taken away: the packing tells, or the certificate.
    let data = u32::from_le_bytes(bytes[FOLDERS..FOLDERS + 4].try_into().unwrap()) as usize;
    broken[data..data + 4].fill(0);
    broken[data + 9] = b'X';
    refused(&broken, Code::PackageMalformed, "cannot be unpacked");
    // One that unpacks to more, or less, than it states.
    for change in [-1i16, 1] {
        let mut other = bytes.clone();
        other[data..data + 4].fill(0);
        let len = u16::from_le_bytes(other[data + 6..data + 8].try_into().unwrap());
        let len = len.checked_add_signed(change).unwrap();
        other[data + 6..data + 8].copy_from_slice(&len.to_le_bytes());
        refused(&other, Code::PackageMalformed, "cannot be unpacked");
    }
    // Of no size at all, and beyond any.
    for len in [0u16, 0x8001] {
        let mut other = bytes.clone();
        other[data..data + 4].fill(0);
        other[data + 6..data + 8].copy_from_slice(&len.to_le_bytes());
        refused(&other, Code::PackageMalformed, "a size that no block has");
    }
    let stored = cabinet(Packing::Stored).bytes();
    let mut other = stored.clone();
    other[data..data + 4].fill(0);
    other[data + 6] ^= 1;
    refused(&other, Code::PackageMalformed, "not as long as it states");
}

#[test]
fn places_that_lie() {
    let bytes = cabinet(Packing::Stored).bytes();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let with = |at: usize, value: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let (first, second) = (FOLDERS + 8, FOLDERS + 8 + 16 + "version.txt".len() + 1);
    // Sizes and offsets of files.
    let size = number(first);
    let wrong = with(first, size + 1);
    refused(&wrong, Code::PackageMalformed, "does not follow");
    refused(
        &with(first + 4, 1),
        Code::PackageMalformed,
        "does not follow",
    );
    refused(&with(second, u32::MAX), Code::PackageMalformed, "files of");
    refused(
        &with(second, number(second) - 1),
        Code::PackageMalformed,
        "files of",
    );
    refused(
        &with(second + 4, 0),
        Code::PackageMalformed,
        "does not follow",
    );
    // Where the tables and the data lie.
    refused(
        &with(16, number(16) + 1),
        Code::PackageTrailing,
        "the files begin",
    );
    refused(
        &with(16, u32::MAX),
        Code::PackageTrailing,
        "the files begin",
    );
    refused(
        &with(FOLDERS, number(FOLDERS) - 1),
        Code::PackageTrailing,
        "the next begin",
    );
    refused(
        &with(FOLDERS, u32::MAX),
        Code::PackageTrailing,
        "the next begin",
    );
    // A hidden block of data after those that are counted.
    let mut hidden = bytes.clone();
    hidden.extend(block(b"hidden", 6, true));
    let len = hidden.len() as u32;
    hidden[8..12].copy_from_slice(&len.to_le_bytes());
    refused(&hidden, Code::PackageTrailing, "the data end");
    // More files than there are, more folders than there are.
    let mut more = bytes.clone();
    more[28] += 1;
    assert!(open(&more).is_err());
    more[28..30].copy_from_slice(&(MAX_FILES + 1).to_le_bytes());
    refused(&more, Code::InputTooLarge, "files");
    let mut more = bytes.clone();
    more[26] = 200;
    refused(&more, Code::InputTooLarge, "folders");
    more[26] = 2;
    refused(&more, Code::PackageTrailing, "the folders end");
}

/// Small packed, and large unpacked: it is given up before it is unpacked.
#[test]
fn a_bomb() {
    let count = MAX_UNPACKED_LEN / 20_000_000 + 1;
    let zeros = vec![0; 20_000_000];
    let names: Vec<String> = (0..count).map(|number| format!("zeros{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &zeros[..])).collect();
    let bytes = Cabinet::of(&files, Packing::MsZip).bytes();
    assert!(bytes.len() < 1_000_000);
    refused(&bytes, Code::InputTooLarge, "unpacked");
}

/// Whatever is cut off, it is an error and no panic.
#[test]
fn every_cut() {
    let bytes = cabinet(Packing::MsZip).bytes();
    for len in 0..bytes.len() {
        assert!(open(&bytes[..len]).is_err(), "{len}");
    }
}
