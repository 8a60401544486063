//! Microsoft's TrustedTpm.cab of 21 November 2024, where it is at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::{Code, Error};
use endorse::hash::sha256;
use endorse::trust::package::{Authenticity, Contents, Package, Roots};
use endorse::trust::{Origin, Policy, Store, Usage};
use endorse::trust::{Pool, Purpose};

use super::skip::skip;

/// The package's digest: what is said of it here is of this edition.
const SHA256: &str = "95554204eecc0c80a2195f112ae9cb9f56731da8b8a44928b191160030744ec5";
/// Its signer's certificate ran out in September 2025, its time stamp's in March 2025.
const AT: &str = "2026-11-24";
/// Where its signature begins, and in that the time stamp.
const SIGNATURE_AT: usize = 2_508_387;
const TIME_STAMP_AT: usize = SIGNATURE_AT + 4_322;
/// The octets around the time stamp that are not its own: its attribute.
const TIME_STAMP_FRAME: usize = 24;
/// The octets of the signature, without the zeros that pad it.
const SIGNATURE_LEN: usize = 10_361;

pub fn package(test: &str) -> Option<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cab = std::env::var_os("ENDORSE_TRUSTEDTPM_CAB")
        .map_or_else(|| root.join("../shared/data/TrustedTpm.cab"), PathBuf::from);
    let Ok(bytes) = std::fs::read(&cab) else {
        skip(
            test,
            "TrustedTpm.cab is not at hand (ENDORSE_TRUSTEDTPM_CAB names it)",
        );
        return None;
    };
    assert_eq!(sha256(&bytes).to_string(), SHA256, "another edition");
    Some((cab, bytes))
}

fn at(time: &str) -> Time {
    Time::parse_rfc3339(time).unwrap()
}

fn verify(bytes: &[u8], roots: &Roots, time: &str) -> Result<(), Error> {
    Package::read(bytes)?.verify(roots, at(time)).map(drop)
}

fn code(bytes: &[u8], roots: &Roots) -> Code {
    verify(bytes, roots, AT).unwrap_err().code.unwrap()
}

fn contents(bytes: &[u8]) -> Contents {
    let package = Package::read(bytes).unwrap();
    let signed = package
        .verify(&Roots::microsoft().unwrap(), at(AT))
        .unwrap();
    signed.contents().unwrap()
}

#[test]
fn who_signed_it_and_when() {
    let Some((_, bytes)) = package("package::who_signed_it_and_when") else {
        return;
    };
    let contents = contents(&bytes);
    let Authenticity::Signed(signature) = contents.authenticity() else {
        panic!("not signed");
    };
    assert_eq!(signature.package_sha256().to_string(), SHA256);
    assert_eq!(contents.package_sha256().to_string(), SHA256);
    assert_eq!(
        signature.signer().subject().to_string(),
        "C=US, ST=Washington, L=Redmond, O=Microsoft Corporation, CN=Microsoft Corporation"
    );
    assert!(signature.signer().not_after() < at(AT));
    let root = |year: u16| {
        format!(
            "C=US, ST=Washington, L=Redmond, O=Microsoft Corporation, CN=Microsoft Root Certificate \
             Authority {year}"
        )
    };
    assert_eq!(signature.root().subject().to_string(), root(2011));
    let stamp = signature.time_stamp().unwrap();
    assert_eq!(stamp.time().to_string(), "2024-11-22T00:03:32Z");
    assert_eq!(
        stamp.subject().to_string(),
        "C=US, ST=Washington, L=Redmond, O=Microsoft Corporation, OU=Microsoft America Operations, \
         OU=nShield TSS ESN:A000-05E0-D947, CN=Microsoft Time-Stamp Service"
    );
    assert_eq!(stamp.root().subject().to_string(), root(2010));
    assert!(stamp.authority().not_after() < at(AT));
}

#[test]
fn what_is_in_it() {
    let Some((_, bytes)) = package("package::what_is_in_it") else {
        return;
    };
    let contents = contents(&bytes);
    assert_eq!(contents.edition(), Some("21-November-2024"));
    let skipped: Vec<&str> = contents
        .skipped()
        .iter()
        .map(|skipped| skipped.path.as_str())
        .collect();
    assert_eq!(
        skipped,
        [
            "setup.cmd",
            "setup.ps1",
            "version.txt",
            "AMD/IntermediateCA/readme.txt"
        ]
    );
    // Vendor, pool: EK, AIK, unknown.
    let mut counts: BTreeMap<(&str, Pool), [usize; 3]> = BTreeMap::new();
    for one in contents.certificates() {
        let purpose = match one.purpose {
            Purpose::Ek => 0,
            Purpose::Aik => 1,
            _ => 2,
        };
        counts.entry((&one.vendor, one.pool)).or_default()[purpose] += 1;
    }
    assert_eq!(
        counts,
        BTreeMap::from([
            (("AMD", Pool::Root), [3, 0, 0]),
            (("AMD", Pool::Intermediate), [19, 0, 36]),
            (("Atmel", Pool::Root), [0, 0, 1]),
            (("Atmel", Pool::Intermediate), [0, 0, 12]),
            (("Infineon", Pool::Root), [6, 0, 3]),
            (("Infineon", Pool::Intermediate), [103, 0, 35]),
            (("Intel", Pool::Root), [1, 0, 3]),
            (("Intel", Pool::Intermediate), [31, 0, 23]),
            (("Microsoft", Pool::Root), [0, 1, 0]),
            (("Microsoft", Pool::Intermediate), [0, 1_822, 0]),
            (("NationZ", Pool::Root), [5, 0, 0]),
            (("NationZ", Pool::Intermediate), [26, 0, 0]),
            (("Nuvoton", Pool::Root), [0, 0, 17]),
            (("Nuvoton", Pool::Intermediate), [0, 0, 4]),
            (("QC", Pool::Root), [1, 0, 1]),
            (("QC", Pool::Intermediate), [7, 0, 1]),
            (("STMicro", Pool::Root), [0, 0, 6]),
            (("STMicro", Pool::Intermediate), [0, 0, 22]),
        ])
    );
    // One root is Microsoft's for attestation keys, and Qualcomm's for endorsement keys.
    let twice: Vec<_> = contents
        .certificates()
        .iter()
        .filter(|one| {
            one.certificate
                .subject()
                .to_string()
                .contains("TPM Root Certificate Authority 2014")
        })
        .map(|one| (one.vendor.as_str(), one.purpose))
        .collect();
    assert_eq!(twice, [("Microsoft", Purpose::Aik), ("QC", Purpose::Ek)]);
}

/// What is unpacked here is what another program unpacks.
#[test]
fn cabextract_unpacks_the_same() {
    let test = "package::cabextract_unpacks_the_same";
    let Some((cab, bytes)) = package(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("cabextract")
        .args(["-q", "-d"])
        .arg(folder.path())
        .arg(&cab)
        .output();
    let Ok(output) = unpacked else {
        return skip(test, "cabextract cannot be run");
    };
    assert!(output.status.success());
    let contents = contents(&bytes);
    assert_eq!(contents.certificates().len(), 2_189);
    for one in contents.certificates() {
        let theirs = std::fs::read(folder.path().join(&one.path)).unwrap();
        let theirs = endorse::trust::read_certificates(&theirs).unwrap();
        assert_eq!(
            theirs,
            std::slice::from_ref(&one.certificate),
            "{}",
            one.path
        );
    }
}

/// One flipped bit, wherever it is, and the package is refused; each kind of place has its
/// own codes, and each message says where the trouble is.
#[test]
fn no_byte_can_be_changed() {
    let Some((_, mut bytes)) = package("package::no_byte_can_be_changed") else {
        return;
    };
    let roots = Roots::microsoft().unwrap();
    let mut codes = |places: &mut dyn Iterator<Item = usize>, says: &[&str]| {
        places
            .map(|place| {
                let bit = 1 << (place % 8);
                bytes[place] ^= bit;
                let refused = verify(&bytes, &roots, AT);
                bytes[place] ^= bit;
                match refused {
                    Ok(()) => panic!("byte {place} was changed and nobody noticed"),
                    Err(error) => {
                        let message = &error.message;
                        let said = says.iter().any(|words| message.contains(words));
                        assert!(said, "byte {place}: {message}");
                        error.code.unwrap().as_str()
                    }
                }
            })
            .collect::<BTreeSet<_>>()
    };
    // The header, where much can be wrong; its third word is the size, the reserved area names the signature.
    assert_eq!(
        codes(&mut (0..68), &[""]),
        BTreeSet::from([
            "package-digest",
            "package-malformed",
            "package-trailing",
            "package-unsupported",
        ])
    );
    // The table of files, and the data.
    assert_eq!(
        codes(
            &mut (68..SIGNATURE_AT).step_by(9_973),
            &["not the one that was signed"]
        ),
        BTreeSet::from(["package-digest"])
    );
    // The signature up to its time stamp.
    assert_eq!(
        codes(
            &mut (SIGNATURE_AT..TIME_STAMP_AT),
            &["signature of the package", "signer of the package"]
        ),
        BTreeSet::from([
            "package-algorithm",
            "package-signature",
            "package-signer",
            "package-unsupported",
        ])
    );
    // The attribute that the time stamp is in is a part of the signature.
    let stamp = TIME_STAMP_AT + TIME_STAMP_FRAME;
    assert_eq!(
        codes(&mut (TIME_STAMP_AT..stamp), &["signature of the package"]),
        BTreeSet::from(["package-signature", "package-unsupported"])
    );
    // The time stamp.
    assert_eq!(
        codes(
            &mut (stamp..SIGNATURE_AT + SIGNATURE_LEN),
            &["time stamp of the package"]
        ),
        BTreeSet::from(["package-algorithm", "package-signer", "package-timestamp"])
    );
    // What pads the signature.
    assert_eq!(
        codes(
            &mut (SIGNATURE_AT + SIGNATURE_LEN..SIGNATURE_AT + SIGNATURE_LEN + 7),
            &["follow the signature"]
        ),
        BTreeSet::from(["package-trailing"])
    );
}

#[test]
fn nothing_can_be_put_after_it_or_taken_off() {
    let Some((_, bytes)) = package("package::nothing_can_be_put_after_it_or_taken_off") else {
        return;
    };
    let roots = Roots::microsoft().unwrap();
    let appended = |more: &[u8]| [&bytes, more].concat();
    assert_eq!(code(&appended(&[0]), &roots), Code::PackageTrailing);
    assert_eq!(code(&appended(&bytes), &roots), Code::PackageTrailing);
    for cut in [1, SIGNATURE_LEN, SIGNATURE_LEN + 7, bytes.len() - 100] {
        let cut = &bytes[..bytes.len() - cut];
        assert_eq!(code(cut, &roots), Code::PackageMalformed);
    }
    // Without its signature the header still names it; with that gone too it is unsigned.
    let mut stripped = bytes[..SIGNATURE_AT].to_vec();
    stripped[44..52].fill(0);
    assert_eq!(code(&stripped, &roots), Code::PackageUnsigned);
    // Bytes between the data and the signature.
    let mut gap = bytes.clone();
    gap.splice(SIGNATURE_AT..SIGNATURE_AT, [0; 8]);
    gap[44..48].copy_from_slice(&(SIGNATURE_AT as u32 + 8).to_le_bytes());
    assert_eq!(code(&gap, &roots), Code::PackageTrailing);
}

#[test]
fn only_microsofts_roots_vouch_for_it() {
    let Some((_, bytes)) = package("package::only_microsofts_roots_vouch_for_it") else {
        return;
    };
    let code = |roots: &Roots| verify(&bytes, roots, AT).unwrap_err().code;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("roots/authenticode");
    let root = |year: u16| {
        let file = format!("microsoft-root-certificate-authority-{year}.der");
        Certificate::from_der(&std::fs::read(folder.join(file)).unwrap()).unwrap()
    };
    let publisher = "Microsoft Corporation";
    let none = Roots::new([], publisher);
    assert_eq!(code(&none), Some(Code::PackageSigner));
    // Each is needed: one for the signer, one for the time stamp.
    for year in [2010, 2011] {
        let one = Roots::new([root(year)], publisher);
        assert_eq!(code(&one), Some(Code::PackageSigner), "{year}");
    }
    let both = || [root(2010), root(2011)];
    assert!(verify(&bytes, &Roots::new(both(), publisher), AT).is_ok());
    let other = Roots::new(both(), "Microsoft Windows");
    assert_eq!(code(&other), Some(Code::PackageSigner));
    // Before its time stamp it did not exist.
    let roots = Roots::microsoft().unwrap();
    let early = verify(&bytes, &roots, "2024-11-21").unwrap_err();
    assert_eq!(early.code, Some(Code::PackageTimestamp));
}

/// The pinned roots do not make anything an endorsement key.
#[test]
#[cfg(feature = "roots")]
fn its_signer_is_no_endorsement_key() {
    let Some((_, bytes)) = package("package::its_signer_is_no_endorsement_key") else {
        return;
    };
    let contents = contents(&bytes);
    let Authenticity::Signed(signature) = contents.authenticity() else {
        panic!("not signed");
    };
    let mut store = Store::new();
    store.add_embedded_roots().unwrap();
    for one in contents.certificates() {
        match one.pool {
            Pool::Root => store.add_root(one.certificate.clone(), Origin::File(String::new())),
            Pool::Intermediate => {
                store.add_intermediate(one.certificate.clone(), Origin::File(String::new()));
            }
        }
    }
    let root = std::sync::Arc::new(signature.root().clone());
    let failure = store
        .verify(&root, &Policy::default(), at(AT), Usage::Any)
        .unwrap_err();
    assert_eq!(failure.findings[0].code, Code::AnchorUntrusted);
}
