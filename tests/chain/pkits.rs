//! NIST PKITS, case by case, with its CRLs and a policy that wants to know of every
//! certificate that it is not revoked, as the suite does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::oid::ObjectIdentifier;
use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::Code;
use endorse::trust::{
    Crl, Origin, Policy, PolicyInputs, Store, Supplied, Usage, read_certificates, read_crls,
};
use serde::Deserialize;

use super::error_codes;
use super::skip::skip;

/// The suite's certificates are valid from 2010 to 2030.
const AT: &str = "2020-01-01";
const ANCHOR: &str = "TrustAnchorRootCertificate.crt";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    number: String,
    name: String,
    end_entity: String,
    path: Vec<String>,
    #[serde(default)]
    crl_signers: Vec<String>,
    policies: Option<Vec<String>>,
    #[serde(default)]
    explicit: bool,
    #[serde(default)]
    inhibit_mapping: bool,
    #[serde(default)]
    inhibit_any: bool,
    valid: bool,
    code: Option<String>,
    pkits: Option<bool>,
    reason: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pkits")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("expected.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    table.case
}

/// The certificate, or the code with which reading refuses it.
fn load(file: &str) -> Result<Certificate, Code> {
    let bytes = std::fs::read(folder().join("certs").join(file)).unwrap();
    let mut certificates = read_certificates(&bytes).map_err(|error| error.code.unwrap())?;
    assert_eq!(certificates.len(), 1, "{file}");
    Ok(certificates.remove(0))
}

/// The CRLs of the suite that reading refuses. The altered signature is a BIT STRING with
/// an unused bit.
const REFUSED: [(&str, &str); 5] = [
    ("BadCRLSignatureCACRL.crl", "crl-malformed"),
    ("deltaCRLCA1deltaCRL.crl", "crl-delta-unsupported"),
    ("deltaCRLCA2deltaCRL.crl", "crl-delta-unsupported"),
    ("deltaCRLCA3deltaCRL.crl", "crl-delta-unsupported"),
    ("deltaCRLIndicatorNoBaseCACRL.crl", "crl-delta-unsupported"),
];

/// The other CRLs of the suite.
fn crls() -> Vec<Crl> {
    let mut crls = Vec::new();
    let mut refused = Vec::new();
    for entry in std::fs::read_dir(folder().join("crls")).unwrap() {
        let path = entry.unwrap().path();
        match read_crls(&std::fs::read(&path).unwrap()) {
            Ok(read) => crls.extend(read),
            Err(error) => {
                let file = path.file_name().unwrap().to_str().unwrap().to_owned();
                refused.push((file, error.code.unwrap().as_str()));
            }
        }
    }
    refused.sort();
    assert_eq!(refused, REFUSED.map(|(file, code)| (file.to_owned(), code)));
    assert_eq!(crls.len(), 168);
    crls
}

fn policy() -> Policy {
    Policy::from_toml("[revocation]\nunknown = 'error'\nstale = 'error'\n").unwrap()
}

fn store<'f>(intermediates: impl IntoIterator<Item = &'f String>) -> Store {
    let mut store = Store::new();
    for crl in crls() {
        store.add_crl(crl, Origin::File("crls".to_owned())).unwrap();
    }
    store.add_root(load(ANCHOR).unwrap(), Origin::File(ANCHOR.to_owned()));
    for file in intermediates {
        if let Ok(certificate) = load(file) {
            store.add_intermediate(certificate, Origin::File(file.clone()));
        }
    }
    store
}

fn inputs(case: &Case) -> PolicyInputs {
    PolicyInputs {
        initial_policy_set: case.policies.as_ref().map(|policies| {
            policies
                .iter()
                .map(|oid| ObjectIdentifier::new_unwrap(oid))
                .collect()
        }),
        explicit_policy: case.explicit,
        inhibit_policy_mapping: case.inhibit_mapping,
        inhibit_any_policy: case.inhibit_any,
    }
}

/// Runs a case; the answer is the list of error codes, empty if the path is valid.
fn run(case: &Case, store: &Store, supplied: &mut Supplied) -> Vec<Code> {
    for file in case.path.iter().chain([&case.end_entity]) {
        if let Err(code) = load(file) {
            return vec![code];
        }
    }
    let end_entity = Arc::new(load(&case.end_entity).unwrap());
    let at = Time::parse_rfc3339(AT).unwrap();
    match store.verify_with(
        &end_entity,
        &policy(),
        at,
        Usage::Any,
        &inputs(case),
        supplied,
    ) {
        Ok(path) => {
            assert_eq!(
                path.certificates().len(),
                case.path.len() + 2,
                "{}: another path than the suite's",
                case.number
            );
            assert_eq!(error_codes(path.findings()), [], "{}", case.number);
            Vec::new()
        }
        Err(failure) => {
            let mut codes = error_codes(&failure.findings);
            codes.dedup();
            assert!(
                !codes.is_empty(),
                "{}: refused without a reason",
                case.number
            );
            codes
        }
    }
}

fn wrong(case: &Case, codes: &[Code]) -> Option<String> {
    let expected: Vec<&str> = case.code.as_deref().into_iter().collect();
    let actual: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    (expected != actual).then(|| {
        format!(
            "{} {}: expected {expected:?}, got {actual:?}",
            case.number, case.name
        )
    })
}

#[test]
fn every_case_with_its_own_path() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| {
            wrong(
                case,
                &run(
                    case,
                    &store(case.path.iter().chain(&case.crl_signers)),
                    &mut Supplied::default(),
                ),
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same with every CA certificate of the suite in the store, so that the path
/// has to be found among 170.
#[test]
fn every_case_with_all_certificates_in_the_store() {
    let mut all: Vec<String> = std::fs::read_dir(folder().join("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| !file.ends_with("EE.crt") && file != ANCHOR)
        .collect();
    all.sort();
    let store = store(&all);
    // One of them has a malformed signature.
    assert_eq!(store.intermediates().count(), all.len() - 1);
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| wrong(case, &run(case, &store, &mut Supplied::default())))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same with only the anchor in the store, and the path as it came with the input. The
/// signer of a CRL has to be in the store, with its path, so cases with one apart are left
/// to the tests above.
#[test]
fn every_case_with_a_path_that_came_with_the_input() {
    let store = store(&[]);
    let mut no_candidate = 0;
    let cases = cases();
    let (with_signer, cases): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| !case.crl_signers.is_empty());
    assert_eq!(with_signer.len(), 17);
    let wrong: Vec<String> = cases
        .into_iter()
        .filter_map(|case| {
            let path: Vec<Arc<Certificate>> = case
                .path
                .iter()
                .filter_map(|file| load(file).ok().map(Arc::new))
                .collect();
            let all_are_cas = path.iter().all(|certificate| certificate.is_ca());
            let mut codes = run(case, &store, &mut Supplied::new(path));
            if !all_are_cas && case.code.as_deref() == Some("not-a-ca") {
                assert_eq!(codes, [Code::IssuerUnknown], "{}", case.number);
                no_candidate += 1;
                codes = vec![Code::NotACa];
            }
            wrong(case, &codes)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(no_candidate, 4);
}

/// The table is complete, and departs from PKITS only where it says why.
#[test]
fn the_table_is_complete() {
    let cases = cases();
    let mut per_section: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbers = std::collections::BTreeSet::new();
    for case in &cases {
        let mut parts = case.number.split('.');
        let section = [parts.next().unwrap(), parts.next().unwrap()].join(".");
        let test: u32 = parts.next().unwrap().parse().unwrap();
        numbers.insert((section.clone(), test));
        *per_section.entry(section).or_default() += 1;
        assert_eq!(case.valid, case.code.is_none(), "{}", case.number);
        let departs = case.pkits.is_some_and(|pkits| pkits != case.valid);
        assert_eq!(case.pkits.is_some(), departs, "{}", case.number);
        assert!(!departs || case.reason.is_some(), "{}", case.number);
        // The suite's own names say what it expects, where they say anything.
        let pkits = case.pkits.unwrap_or(case.valid);
        if case.policies.is_none() && !case.explicit && !case.inhibit_any && !case.inhibit_mapping {
            if case.end_entity.starts_with("Invalid") {
                assert!(!pkits, "{}", case.number);
            }
            if case.end_entity.starts_with("Valid") {
                assert!(pkits, "{}", case.number);
            }
        }
    }
    // The number of tests in each section of PKITS 1.0.1.
    let tests: BTreeMap<&str, u32> = [
        ("4.1", 6),
        ("4.2", 8),
        ("4.3", 11),
        ("4.4", 21),
        ("4.5", 8),
        ("4.6", 17),
        ("4.7", 5),
        ("4.8", 20),
        ("4.9", 8),
        ("4.10", 14),
        ("4.11", 11),
        ("4.12", 10),
        ("4.13", 38),
        ("4.14", 35),
        ("4.15", 10),
        ("4.16", 2),
    ]
    .into();
    for (section, count) in &tests {
        for test in 1..=*count {
            assert!(
                numbers.contains(&((*section).to_owned(), test)),
                "{section}.{test} is missing"
            );
        }
    }
    assert_eq!(numbers.len(), tests.values().sum::<u32>() as usize);
    assert_eq!(per_section.len(), tests.len());
    assert_eq!(cases.len(), 249);
    let departing = cases.iter().filter(|case| case.pkits.is_some()).count();
    assert_eq!(departing, 5);
}

/// OpenSSL as a second judge of the sections on revocation: `-crl_check_all -extended_crl`
/// with the same certificates and CRLs. There is no case in which the two differ.
#[test]
fn agrees_with_openssl_on_revocation() {
    const TEST: &str = "chain::pkits::agrees_with_openssl_on_revocation";
    if Command::new("openssl").arg("version").output().is_err() {
        skip(TEST, "the openssl command is not installed");
        return;
    }
    let pem = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    let certificate = |file: &String| {
        pem(
            "CERTIFICATE",
            &std::fs::read(folder().join("certs").join(file)).unwrap(),
        )
    };
    let work = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = work.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let anchor = write("anchor.pem", certificate(&ANCHOR.to_owned()));
    let lists = crls()
        .iter()
        .map(|crl| pem("X509 CRL", crl.der()))
        .collect();
    let lists = write("crls.pem", lists);
    let mut differences = Vec::new();
    let mut asked = 0;
    for case in cases() {
        let sections = ["4.4.", "4.5.", "4.7.", "4.14.", "4.15."];
        if !sections
            .iter()
            .any(|section| case.number.starts_with(section))
        {
            continue;
        }
        asked += 1;
        let untrusted: String = case
            .path
            .iter()
            .chain(&case.crl_signers)
            .map(certificate)
            .collect();
        let output = Command::new("openssl")
            .args(["verify", "-no-CApath", "-no-CAstore"])
            .args(["-crl_check_all", "-extended_crl"])
            .args([
                "-attime",
                &Time::parse_rfc3339(AT).unwrap().unix().to_string(),
            ])
            .arg("-CAfile")
            .arg(&anchor)
            .arg("-CRLfile")
            .arg(&lists)
            .arg("-untrusted")
            .arg(write("untrusted.pem", untrusted))
            .arg(write("leaf.pem", certificate(&case.end_entity)))
            .output()
            .unwrap();
        if output.status.success() != case.valid {
            println!(
                "{}: valid here: {}, OpenSSL: {}",
                case.number,
                case.valid,
                String::from_utf8_lossy(&output.stderr)
            );
            differences.push(case.number);
        }
    }
    assert!(differences.is_empty(), "{differences:?}");
    assert_eq!(asked, 79);
}
