//! `roots/` and its manifest: every file listed, each what its entry says.

use std::collections::BTreeSet;

use endorse::der::{Time, Tlv, tag};
use endorse::ek::{Certificate, KeyUsage};
use endorse::hash::sha256;
use serde::Deserialize;

use super::{files_below, top};

/// Files below `roots/` that are no certificates.
const OTHER_FILES: [&str; 3] = ["README.md", "manifest.toml", "recreate.sh"];
/// The folder of the roots of package signatures, which has a manifest of its own.
const AUTHENTICODE: &str = "authenticode/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    origin: Origins,
    certificate: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Origins {
    package: String,
    version: String,
    distribution: String,
    package_sha256: String,
    upstream: String,
    licence: String,
    reference_note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    vendor: String,
    subject: String,
    not_after: String,
    sha256: String,
    reference_sha256: Option<String>,
    origin_path: String,
    origin_encoding: String,
    exception: Option<String>,
    note: Option<String>,
}

fn manifest() -> Manifest {
    let text = std::fs::read_to_string(top("roots/manifest.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

fn read(entry: &Entry) -> (Vec<u8>, Certificate) {
    let bytes = std::fs::read(top("roots").join(&entry.file)).unwrap();
    let certificate =
        Certificate::from_der(&bytes).unwrap_or_else(|error| panic!("{}: {error}", entry.file));
    (bytes, certificate)
}

#[test]
fn every_file_is_listed_and_every_listed_file_is_there() {
    let manifest = manifest();
    let listed: BTreeSet<String> = manifest
        .certificate
        .iter()
        .map(|entry| entry.file.clone())
        .chain(OTHER_FILES.map(str::to_owned))
        .collect();
    assert_eq!(
        listed.len(),
        manifest.certificate.len() + OTHER_FILES.len(),
        "listed twice"
    );
    let mut files = files_below(&top("roots"));
    files.retain(|file| !file.starts_with(AUTHENTICODE));
    assert_eq!(files, listed);
    assert_eq!(manifest.certificate.len(), 25);
    for text in [
        &manifest.origin.package,
        &manifest.origin.version,
        &manifest.origin.distribution,
        &manifest.origin.package_sha256,
        &manifest.origin.upstream,
        &manifest.origin.licence,
        &manifest.origin.reference_note,
    ] {
        assert!(!text.is_empty());
    }
}

#[test]
fn each_is_the_certificate_that_its_entry_describes() {
    for entry in manifest().certificate {
        let (bytes, certificate) = read(&entry);
        assert_eq!(sha256(&bytes).to_string(), entry.sha256, "{}", entry.file);
        assert_eq!(
            certificate.subject().to_string(),
            entry.subject,
            "{}",
            entry.file
        );
        assert_eq!(
            certificate.not_after().to_string(),
            entry.not_after,
            "{}",
            entry.file
        );
        assert!(
            entry
                .file
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/.".contains(c)),
            "{}",
            entry.file
        );
        assert!(entry.origin_path.contains("/RootCA/"), "{}", entry.file);
        assert!(!entry.vendor.is_empty(), "{}", entry.file);
        assert!(
            matches!(entry.origin_encoding.as_str(), "DER" | "PEM"),
            "{}",
            entry.file
        );
    }
}

/// The fingerprint of the same certificate in another collection, where there is one.
#[test]
fn fingerprints_agree_with_the_reference() {
    let mut without = Vec::new();
    for entry in manifest().certificate {
        match &entry.reference_sha256 {
            Some(reference) => assert_eq!(&entry.sha256, reference, "{}", entry.file),
            None => {
                assert!(entry.note.is_some(), "{} needs a note", entry.file);
                without.push(entry.file);
            }
        }
    }
    assert_eq!(
        without,
        ["amd/amd-ftpm-ecc-rootca.der", "amd/amd-ftpm-rsa-rootca.der"]
    );
}

#[test]
fn each_is_a_ca_and_self_signed_or_an_exception() {
    let manifest = manifest();
    for entry in &manifest.certificate {
        let (_, certificate) = read(entry);
        let extensions = certificate.extensions();
        assert!(
            extensions.basic_constraints.is_some_and(|basic| basic.ca),
            "{} is no CA",
            entry.file
        );
        assert!(
            extensions
                .key_usage
                .is_none_or(|usage| usage.allows(KeyUsage::KEY_CERT_SIGN)),
            "{} may not sign certificates",
            entry.file
        );
        assert_eq!(
            certificate.is_self_issued(),
            entry.exception.is_none(),
            "{}",
            entry.file
        );
        let signer = match &entry.exception {
            None => entry,
            Some(exception) => manifest
                .certificate
                .iter()
                .find(|other| other.subject == certificate.issuer().to_string())
                .unwrap_or_else(|| panic!("{}: {exception}: not there", entry.file)),
        };
        let (_, signer_certificate) = read(signer);
        assert!(
            verifies(&certificate, &signer_certificate),
            "{}: the signature of {} does not verify",
            entry.file,
            signer.file
        );
        let mut altered = certificate.der().to_vec();
        let serial = certificate.serial();
        let at = endorse::der::subrange(certificate.der(), serial)
            .unwrap()
            .end
            - 1;
        altered[at] ^= 1;
        assert!(
            !verifies(
                &Certificate::from_der(&altered).unwrap(),
                &signer_certificate
            ),
            "{}: an altered copy verifies",
            entry.file
        );
    }
}

/// Whether `signer` made the signature. Asks the cryptography library itself: the
/// store takes anchors as they stand and never looks at their signatures.
fn verifies(certificate: &Certificate, signer: &Certificate) -> bool {
    use aws_lc_rs::signature::{self as algorithms, UnparsedPublicKey, VerificationAlgorithm};
    // The OID of the signature algorithm, and the raw key of the signer.
    let algorithm = certificate.signature_algorithm_der();
    let contains = |oid: &str| {
        let oid = der::oid::ObjectIdentifier::new_unwrap(oid);
        algorithm
            .windows(oid.as_bytes().len())
            .any(|window| window == oid.as_bytes())
    };
    let mut spki = Tlv::parse_all(signer.spki_der(), tag::SEQUENCE)
        .unwrap()
        .reader();
    spki.any().unwrap();
    let key = &spki.expect(tag::BIT_STRING).unwrap().content[1..];
    let p384 = key.len() == 97;
    let scheme: &dyn VerificationAlgorithm = if contains("1.2.840.113549.1.1.5") {
        &algorithms::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
    } else if contains("1.2.840.113549.1.1.11") {
        &algorithms::RSA_PKCS1_2048_8192_SHA256
    } else if contains("1.2.840.10045.4.3.2") && !p384 {
        &algorithms::ECDSA_P256_SHA256_ASN1
    } else if contains("1.2.840.10045.4.3.2") {
        &algorithms::ECDSA_P384_SHA256_ASN1
    } else if contains("1.2.840.10045.4.3.3") && p384 {
        &algorithms::ECDSA_P384_SHA384_ASN1
    } else {
        panic!("another algorithm in {}", certificate.subject())
    };
    UnparsedPublicKey::new(scheme, key)
        .verify(certificate.tbs_der(), certificate.signature())
        .is_ok()
}

/// An expired root stays embedded, since EKs outlive it; the policy judges it.
#[test]
fn expired_roots_are_named() {
    let at = Time::parse_rfc3339("2026-12-01").unwrap();
    let expired: Vec<String> = manifest()
        .certificate
        .into_iter()
        .filter(|entry| read(entry).1.not_after() < at)
        .map(|entry| entry.file)
        .collect();
    println!("expired at {at}: {expired:?}");
    assert_eq!(expired, [""; 0]);
}

#[test]
#[cfg(feature = "roots")]
fn the_program_embeds_exactly_these() {
    use std::sync::Arc;

    use endorse::trust::{Origin, Policy, Store, Usage};

    let manifest = manifest();
    let mut store = Store::new();
    store.add_embedded_roots().unwrap();
    let embedded: BTreeSet<(String, String)> = store
        .roots()
        .map(|(certificate, origin)| match origin {
            Origin::Embedded(vendor) => (certificate.sha256().to_string(), vendor.to_string()),
            Origin::File(_) => panic!("an embedded root has a file as its origin"),
        })
        .collect();
    let listed: BTreeSet<(String, String)> = manifest
        .certificate
        .iter()
        .map(|entry| (entry.sha256.clone(), entry.vendor.clone()))
        .collect();
    assert_eq!(embedded, listed);
    assert_eq!(store.intermediates().count(), 0);
    // Each is an anchor as it stands, the three that others have signed too.
    let at = Time::parse_rfc3339("2026-06-01").unwrap();
    for entry in &manifest.certificate {
        let certificate = Arc::new(read(entry).1);
        let path = store
            .verify(&certificate, &Policy::default(), at, Usage::Any)
            .unwrap_or_else(|failure| panic!("{}: {:?}", entry.file, failure.findings));
        assert_eq!(path.certificates().len(), 1, "{}", entry.file);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureRoots {
    origin: SignatureOrigin,
    certificate: Vec<SignatureRoot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureOrigin {
    package: String,
    version: String,
    distribution: String,
    package_sha256: String,
    file: String,
    upstream: String,
    licence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureRoot {
    file: String,
    subject: String,
    not_after: String,
    sha256: String,
    reason: String,
}

#[test]
fn roots_of_package_signatures_are_what_their_manifest_says() {
    let folder = top("roots").join(AUTHENTICODE);
    let text = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
    let manifest: SignatureRoots = toml::from_str(&text).unwrap();
    for text in [
        &manifest.origin.package,
        &manifest.origin.version,
        &manifest.origin.distribution,
        &manifest.origin.package_sha256,
        &manifest.origin.file,
        &manifest.origin.upstream,
        &manifest.origin.licence,
    ] {
        assert!(!text.is_empty());
    }
    let mut listed: BTreeSet<String> = OTHER_FILES.map(str::to_owned).into();
    let mut pinned = BTreeSet::new();
    for entry in manifest.certificate {
        let bytes = std::fs::read(folder.join(&entry.file)).unwrap();
        let root = Certificate::from_der(&bytes).unwrap();
        assert_eq!(root.sha256().to_string(), entry.sha256, "{}", entry.file);
        assert_eq!(root.subject().to_string(), entry.subject, "{}", entry.file);
        assert_eq!(root.not_after().to_string(), entry.not_after);
        assert!(root.is_ca() && root.is_self_issued() && verifies(&root, &root));
        assert!(!entry.reason.is_empty());
        pinned.insert(entry.sha256);
        listed.insert(entry.file);
    }
    assert_eq!(files_below(&folder), listed);
    // The program pins exactly these, and they are no anchors of endorsement keys.
    let roots = endorse::trust::package::Roots::microsoft().unwrap();
    let in_program: BTreeSet<String> = roots
        .certificates()
        .map(|root| root.sha256().to_string())
        .collect();
    assert_eq!(in_program, pinned);
    for entry in self::manifest().certificate {
        assert!(!pinned.contains(&entry.sha256), "{}", entry.file);
    }
}
