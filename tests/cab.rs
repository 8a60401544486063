//! Microsoft's TrustedTpm.cab of 21 November 2024, where it is at hand: every
//! certificate loads, and every intermediate that has an issuer in it validates.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may be blunt"
)]

#[path = "support/skip.rs"]
mod skip;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::Code;
use endorse::hash::sha256;
use endorse::trust::{Origin, Policy, Sha1Rule, Store, Usage, read_certificates};
use skip::skip;

/// The package's digest: the counts below are of this edition.
const SHA256: &str = "95554204eecc0c80a2195f112ae9cb9f56731da8b8a44928b191160030744ec5";

/// The package, unpacked and sorted into the two stores.
struct Package {
    _folder: tempfile::TempDir,
    store: Store,
    roots: usize,
    /// Vendor, file name, certificate.
    intermediates: Vec<(String, String, Arc<Certificate>)>,
    not_certificates: Vec<String>,
}

/// How many chain, of how many.
type Count = (usize, usize);

#[test]
fn every_certificate_loads() {
    let Some(package) = open("cab::every_certificate_loads") else {
        return;
    };
    assert_eq!(package.roots, 48);
    assert_eq!(package.intermediates.len(), 2_141);
    assert_eq!(package.roots + package.intermediates.len(), 2_189);
    assert_eq!(package.not_certificates, ["AMD/IntermediateCA/readme.txt"]);
    // One certificate is there twice, as Microsoft's and as Qualcomm's root.
    assert_eq!(package.store.roots().count(), 47);
}

#[test]
fn intermediates_chain() {
    let Some(package) = open("cab::intermediates_chain") else {
        return;
    };
    let mut accept_sha1 = Policy::default();
    accept_sha1.sha1 = Sha1Rule::Always;
    let (counts, refused) = chain(&package, &accept_sha1);
    let expected: BTreeMap<&str, Count> = BTreeMap::from([
        ("AMD", (19, 55)),
        ("Atmel", (12, 12)),
        ("Infineon", (138, 138)),
        ("Intel", (54, 54)),
        // 15 of Microsoft's attestation-key CAs had run out by then.
        ("Microsoft", (1_807, 1_822)),
        ("NationZ", (26, 26)),
        ("Nuvoton", (4, 4)),
        ("QC", (8, 8)),
        ("STMicro", (22, 22)),
    ]);
    assert_eq!(
        counts,
        expected
            .into_iter()
            .map(|(v, c)| (v.to_owned(), c))
            .collect()
    );

    // Each that does not chain, and why.
    for (vendor, file, codes, issuer) in refused {
        match vendor.as_str() {
            // The package lacks the AMDTPM roots.
            "AMD" => {
                assert!(file.starts_with("AMD-fTPM-"), "{file}");
                assert_eq!(codes, [Code::IssuerUnknown], "{file}");
                assert!(issuer.contains("CN=AMDTPM"), "{file}: {issuer}");
            }
            "Microsoft" => assert_eq!(codes, [Code::Expired], "{file}"),
            other => panic!("{other}/{file} does not chain: {codes:?}"),
        }
    }
}

#[test]
fn the_default_policy_refuses_six_with_late_sha1() {
    let Some(package) = open("cab::the_default_policy_refuses_six_with_late_sha1") else {
        return;
    };
    let (counts, refused) = chain(&package, &Policy::default());
    assert_eq!(counts["Infineon"], (132, 138));
    let mut late: Vec<String> = refused
        .into_iter()
        .filter(|(vendor, ..)| vendor == "Infineon")
        .map(|(_, file, codes, _)| {
            assert_eq!(codes, [Code::Sha1Signature], "{file}");
            file
        })
        .collect();
    late.sort();
    let expected: Vec<String> = [33, 37, 39, 53, 55, 63]
        .map(|number| format!("IFX_TPM_EK_Intermediate_CA_{number}.crt"))
        .to_vec();
    assert_eq!(late, expected);
}

/// With the roots embedded in the program, AMD's chain as well.
#[test]
#[cfg(feature = "roots")]
fn embedded_roots_complete_amd() {
    let Some(mut package) = open("cab::embedded_roots_complete_amd") else {
        return;
    };
    package.store.add_embedded_roots().unwrap();
    let (counts, _) = chain(&package, &Policy::default());
    assert_eq!(counts["AMD"], (55, 55));
}

/// OpenSSL over the same files, as a second judge: what it says otherwise, and why.
#[test]
fn openssl_says_the_same_but_for_known_differences() {
    const TEST: &str = "cab::openssl_says_the_same_but_for_known_differences";
    let Some(package) = open(TEST) else {
        return;
    };
    let mut policy = Policy::default();
    policy.sha1 = Sha1Rule::Always;
    let (_, refused) = chain(&package, &policy);
    let refused: BTreeSet<String> = refused
        .into_iter()
        .map(|(vendor, file, ..)| format!("{vendor}/{file}"))
        .collect();
    let Some(openssl) = openssl(TEST, &package) else {
        return;
    };
    // Six of ST's have serial numbers that OpenSSL cannot read. Seventeen of Infineon's name
    // another edition of their issuer by its serial number, in an authority key identifier
    // whose key identifier is right: OpenSSL takes that for a refusal.
    let serial = |file: &str| {
        (1..=5)
            .map(|n| format!("STMicro/STM TPM EK Intermediate CA 0{n}.crt"))
            .chain(["STMicro/STM TPM ECC Intermediate CA 01.crt".to_owned()])
            .any(|known| known == file)
    };
    let key_id = |file: &str| {
        (1..=8)
            .chain(10..=15)
            .chain(18..=20)
            .map(|n| format!("Infineon/IFX_TPM_EK_Intermediate_CA_{n:02}.crt"))
            .any(|known| known == file)
    };
    let mut only_openssl_refuses = [0, 0];
    for (vendor, file, _) in &package.intermediates {
        let file = format!("{vendor}/{file}");
        match (refused.contains(&file), openssl.contains(&file)) {
            (true, false) | (false, true) => {}
            (false, false) if serial(&file) => only_openssl_refuses[0] += 1,
            (false, false) if key_id(&file) => only_openssl_refuses[1] += 1,
            (ours, theirs) => panic!("{file}: refused here {ours}, verified there {theirs}"),
        }
    }
    assert_eq!(only_openssl_refuses, [6, 17]);
    assert_eq!(openssl.len(), 2_141 - refused.len() - 23);
}

/// The intermediates that OpenSSL verifies.
fn openssl(test: &str, package: &Package) -> Option<BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    let pem = |der: &[u8]| {
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<&str> = (0..body.len())
            .step_by(64)
            .map(|start| &body[start..body.len().min(start + 64)])
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    };
    let roots: String = package
        .store
        .roots()
        .map(|(root, _)| pem(root.der()))
        .collect();
    std::fs::write(folder.path().join("roots"), roots).unwrap();
    let mut all = String::new();
    let mut names = Vec::new();
    for (index, (vendor, file, certificate)) in package.intermediates.iter().enumerate() {
        let text = pem(certificate.der());
        std::fs::write(folder.path().join(index.to_string()), &text).unwrap();
        names.push(format!("{vendor}/{file}"));
        // One that cannot be read would end the reading of the others.
        if !vendor.starts_with("STMicro") || reads(&text) {
            all.push_str(&text);
        }
    }
    std::fs::write(folder.path().join("intermediates"), all).unwrap();
    let mut verified = BTreeSet::new();
    let numbers: Vec<String> = (0..names.len()).map(|index| index.to_string()).collect();
    for some in numbers.chunks(500) {
        let output = Command::new("openssl")
            .current_dir(folder.path())
            .args(["verify", "-auth_level", "0", "-attime", "1733011200"])
            .args(["-CAfile", "roots", "-untrusted", "intermediates"])
            .args(some)
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                skip(test, &format!("openssl cannot be run: {error}"));
                return None;
            }
        };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some(index) = line.strip_suffix(": OK") {
                verified.insert(names[index.parse::<usize>().unwrap()].clone());
            }
        }
    }
    Some(verified)
}

/// Whether OpenSSL can read the certificate at all.
fn reads(pem: &str) -> bool {
    let mut child = Command::new("openssl")
        .args(["x509", "-noout"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, pem.as_bytes()).unwrap();
    drop(stdin);
    child.wait().unwrap().success()
}

type Refused = (String, String, Vec<Code>, String);

fn chain(package: &Package, policy: &Policy) -> (BTreeMap<String, Count>, Vec<Refused>) {
    let at = Time::parse_rfc3339("2024-12-01").unwrap();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut refused = Vec::new();
    for (vendor, file, certificate) in &package.intermediates {
        let count = counts.entry(vendor.clone()).or_default();
        count.1 += 1;
        match package.store.verify(certificate, policy, at, Usage::Any) {
            Ok(_) => count.0 += 1,
            Err(failure) => refused.push((
                vendor.clone(),
                file.clone(),
                failure
                    .findings
                    .iter()
                    .map(|finding| finding.code)
                    .collect(),
                certificate.issuer().to_string(),
            )),
        }
    }
    (counts, refused)
}

fn open(test: &str) -> Option<Package> {
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
    assert_eq!(
        sha256(&bytes).to_string(),
        SHA256,
        "another edition: the counts are not its"
    );
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("cabextract")
        .arg("-q")
        .arg("-d")
        .arg(folder.path())
        .arg(&cab)
        .output();
    match unpacked {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            skip(test, &format!("cabextract cannot be run: {error}"));
            return None;
        }
    }
    let mut package = Package {
        store: Store::new(),
        roots: 0,
        intermediates: Vec::new(),
        not_certificates: Vec::new(),
        _folder: folder,
    };
    let top = package._folder.path().to_owned();
    for vendor in folders(&top) {
        for store in ["RootCA", "IntermediateCA"] {
            for file in files(&vendor.join(store)) {
                package.take(&top, &vendor, store, &file);
            }
        }
    }
    Some(package)
}

impl Package {
    fn take(&mut self, top: &Path, vendor: &Path, store: &str, file: &Path) {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(certificates) = read_certificates(&std::fs::read(file).unwrap()) else {
            let place = file
                .strip_prefix(top)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            self.not_certificates.push(place);
            return;
        };
        for certificate in certificates {
            let origin = Origin::File(name(file));
            if store == "RootCA" {
                self.roots += 1;
                self.store.add_root(certificate, origin);
            } else {
                self.intermediates
                    .push((name(vendor), name(file), Arc::new(certificate.clone())));
                self.store.add_intermediate(certificate, origin);
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    files(folder)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}
