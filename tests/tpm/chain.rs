//! The chain of CA certificates that some TPMs keep beside their EKcerts.

use std::fs;

use endorse::ek::Certificate;
use endorse::finding::Code;
use endorse::host::{MachineFacts, report};
use endorse::identifier::{Identifier, Machine};

use crate::keys::verdict;
use crate::swtpm::{Swtpm, write};
use crate::{VENDOR, codes, read};

/// An EKcert in NV, and the CA certificates above it: issuing CA, intermediate CA, root.
fn with_three_cas() -> (Swtpm, Vec<u8>, [Vec<u8>; 3]) {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    write(
        &tpm.path("ca.ext"),
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    );
    for (name, issuer) in [
        ("root", None),
        ("middle", Some("root")),
        ("issuing", Some("middle")),
    ] {
        tpm.openssl(&format!(
            "req -new -newkey rsa:3072 -noenc -keyout {name}.key -subj /CN={name} -out {name}.csr"
        ));
        let signed_by = match issuer {
            None => format!("-signkey {name}.key"),
            Some(issuer) => format!("-CA {issuer}.pem -CAkey {issuer}.key"),
        };
        tpm.openssl(&format!(
            "x509 -req -in {name}.csr {signed_by} -days 3650 -extfile ca.ext -out {name}.pem"
        ));
        tpm.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    }
    tpm.openssl(
        "x509 -new -force_pubkey ek.pem -CA issuing.pem -CAkey issuing.key -subj /CN=example \
         -days 3650 -outform DER -out ek.der",
    );
    let der = |name: &str| fs::read(tpm.path(name)).unwrap();
    let ekcert = der("ek.der");
    let cas = [der("issuing.der"), der("middle.der"), der("root.der")];
    tpm.write_nv(0x01c0_0002, &ekcert, VENDOR);
    (tpm, ekcert, cas)
}

/// Writes the area to consecutive indices of these lengths; the last takes the rest.
fn write_area(tpm: &Swtpm, area: &[u8], lengths: &[usize]) {
    let mut rest = area;
    for (number, length) in lengths.iter().enumerate() {
        let (content, after) = rest.split_at(*length);
        tpm.write_nv(0x01c0_0100 + number as u32, content, VENDOR);
        rest = after;
    }
    tpm.write_nv(0x01c0_0100 + lengths.len() as u32, rest, VENDOR);
}

#[test]
fn certificates_that_cross_the_borders_of_indices() {
    let (tpm, ekcert, [issuing, middle, root]) = with_three_cas();
    // An unrelated one first and the rest upside down: the position says nothing.
    let other = Swtpm::bare();
    other.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let unrelated = other.certificate_for("ek.pem");
    let area = [&unrelated[..], &root, &middle, &issuing, &[0xff; 30]].concat();
    // The first two are longer than what the TPM gives at once, which is 1,024 octets.
    write_area(&tpm, &area, &[1500, 1400]);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    let found: Vec<&[u8]> = contents
        .chain
        .iter()
        .map(|found| found.certificate.der())
        .collect();
    assert_eq!(found, [&issuing[..], &middle, &root, &unrelated]);
    assert_eq!(contents.chain[3].index, 0x01c0_0100);
    assert_eq!(contents.chain[3].number, 1);

    // In the identifier they follow the EKcert, with where they were.
    let machine = MachineFacts {
        machine: Machine::default(),
        findings: Vec::new(),
    };
    let identifier = report("hyp01", machine, contents).identifier;
    let identifier = Identifier::read(identifier.to_json().as_bytes()).unwrap();
    let found: Vec<&[u8]> = identifier
        .ekcerts
        .iter()
        .map(|found| found.certificate.der())
        .collect();
    assert_eq!(found, [&ekcert[..], &issuing, &middle, &root, &unrelated]);
    assert_eq!(identifier.ekcerts[0].source, "NV index 0x01c00002");
    assert_eq!(
        identifier.ekcerts[4].source,
        "NV index 0x01c00100, certificate 1"
    );
}

#[test]
fn a_chain_cut_short() {
    let (tpm, _, [issuing, middle, root]) = with_three_cas();
    let area = [&issuing[..], &middle, &root[..root.len() - 1]].concat();
    write_area(&tpm, &area, &[1400]);
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::ChainMalformed]);
    assert!(contents.findings[0].message.contains("cut short"));
    assert_eq!(contents.chain.len(), 2);
    assert_eq!(contents.keys.len(), 1);
}

#[test]
fn a_gap_ends_the_chain() {
    let (tpm, _, [issuing, middle, _]) = with_three_cas();
    tpm.write_nv(0x01c0_0100, &issuing, VENDOR);
    tpm.write_nv(0x01c0_0102, &middle, VENDOR);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_eq!(contents.chain.len(), 1);
    let only = Certificate::from_der(&issuing).unwrap();
    assert_eq!(contents.chain[0].certificate, only);
}

#[test]
fn a_chain_without_an_ekcert_vouches_for_nothing() {
    // As Intel's firmware TPMs have it: the EKcert is on the vendor's server.
    let (tpm, _, cas) = with_three_cas();
    tpm.tool("tpm2_nvundefine 0x1c00002 -C p");
    write_area(&tpm, &cas.concat(), &[1500]);
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::EkcertMissing]);
    assert_eq!(contents.chain.len(), 3);
    let root = tpm.path("root.pem").display().to_string();
    let (code, said) = verdict(&tpm, &["--roots", &root]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error[ekcert-missing]"), "{said}");
    assert!(!said.contains("error[key-mismatch]"), "{said}");
}
