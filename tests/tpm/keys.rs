//! Every kind of EK that an emulator makes, with nonces and templates, from the TPM to
//! the verdict.

use std::fs;

use endorse::ek::{Algorithm, Certificate, EkPub, Template, TpmPublic};
use endorse::finding::{Code, Severity};
use endorse::host::{KeySource, Tpm, TpmDevice as _};

use crate::swtpm::{Swtpm, write};
use crate::{VENDOR, codes, endorse, indices, read, text};

/// The key that the TPM makes from this template.
fn made(tpm: &Swtpm, template: &[u8]) -> TpmPublic {
    let area = Tpm::open(&tpm.tcti())
        .unwrap()
        .create_primary(template)
        .unwrap();
    TpmPublic::from_tpmt(&area).unwrap()
}

/// A certificate for this key, at this index.
fn certify(tpm: &Swtpm, key: &EkPub, index: u32) {
    write(&tpm.path("ek.spki"), key.spki_der());
    tpm.openssl("pkey -pubin -inform DER -in ek.spki -pubout -out ek.pem");
    tpm.write_nv(index, &tpm.certificate_for("ek.pem"), VENDOR);
}

#[test]
fn every_template() {
    // libtpms has no RSA-4096. All in one TPM, that is a certificate in every index.
    let templates: Vec<&Template> = Template::ALL
        .iter()
        .filter(|template| template.algorithm != Algorithm::Rsa(4096))
        .collect();
    assert_eq!(templates.len(), 7);
    let tpm = Swtpm::bare();
    let mut keys = Vec::new();
    for template in &templates {
        let public = made(&tpm, &template.public_area(None).unwrap());
        assert_eq!(public.key.algorithm(), template.algorithm);
        certify(&tpm, &public.key, template.certificate_index);
        keys.push(public);
    }
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    let expected: Vec<u32> = templates
        .iter()
        .map(|template| template.certificate_index)
        .collect();
    assert_eq!(indices(&contents), expected);
    for ((key, public), template) in contents.keys.iter().zip(&keys).zip(&templates) {
        assert_eq!(key.public, *public, "{}", template.label);
        assert_eq!(key.source, KeySource::Template(template.label.to_owned()));
    }
    assert_eq!(contents.keys.len(), templates.len());
}

#[test]
fn a_certificate_for_an_sm2_key() {
    let tpm = Swtpm::with_certificates(&[]);
    tpm.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out sm2.key");
    tpm.openssl("pkey -in sm2.key -pubout -out sm2.pem");
    let certificate = tpm.certificate_for("sm2.pem");
    tpm.write_nv(0x01c0_001a, &certificate, VENDOR);
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::AlgorithmUnsupported]);
    assert_eq!(contents.findings[0].severity, Severity::Info);
    assert_eq!(indices(&contents), [0x01c0_0002, 0x01c0_0016, 0x01c0_001a]);
    assert_eq!(contents.certificates[2].certificate.der(), certificate);
    assert_eq!(contents.keys.len(), 2);
    // A genuine TPM is not refused for it.
    let (root, issuer) = cas(&tpm);
    let (code, said) = verdict(&tpm, &["--roots", &root, "--intermediates", &issuer]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn templates_that_the_tpm_keeps() {
    // (template, its index, octet of the attributes to change, label of the source)
    for (label, stored_at) in [
        ("L-1", 0x01c0_0004),
        ("L-2", 0x01c0_000c),
        ("H-3", 0x01c0_0017),
    ] {
        let tpm = Swtpm::bare();
        let template = Template::by_label(label).unwrap();
        let mut area = template.public_area(None).unwrap();
        // noDA (TPM 2.0 Part 2, 8.3), which the default has not.
        area[6] |= 0x04;
        let public = made(&tpm, &area);
        certify(&tpm, &public.key, template.certificate_index);
        tpm.write_nv(stored_at, &area, VENDOR);
        let contents = read(&tpm);
        assert_eq!(contents.findings, [], "{label}");
        assert_eq!(contents.keys[0].public, public, "{label}");
        assert_eq!(
            contents.keys[0].source,
            KeySource::Template(format!("at NV index {stored_at:#010x}"))
        );
        // What is no template is no obstacle, but neither is the key found.
        tpm.tool(&format!("tpm2_nvundefine {stored_at:#x} -C p"));
        tpm.write_nv(stored_at, b"no template", VENDOR);
        assert_eq!(codes(&read(&tpm)), [Code::KeyMismatch], "{label}");
    }
}

/// The key is the one with the nonce, or from the TPM's own template, whether or not there
/// is a certificate that could be used.
#[test]
fn nonces_and_templates_without_a_certificate() {
    for (index, content) in [
        (None, &b""[..]),
        (Some(0x01c0_0002), b"no certificate"),
        (Some(0x01c0_0002), &[0xff; 32]),
    ] {
        let tpm = Swtpm::bare();
        tpm.write_nv(0x01c0_0003, &[0xa5; 64], VENDOR);
        if let Some(index) = index {
            tpm.write_nv(index, content, VENDOR);
        }
        let mut area = Template::by_label("L-1")
            .unwrap()
            .public_area(None)
            .unwrap();
        let unique = area.len() - 256;
        area[unique..unique + 64].fill(0xa5);
        let contents = read(&tpm);
        assert_eq!(contents.keys.len(), 1);
        assert_eq!(contents.keys[0].public, made(&tpm, &area), "{content:?}");
        let last = contents.findings.last().unwrap();
        assert_eq!(last.code, Code::EkcertMissing);
        let unusable = last.message.contains("could be used");
        assert_eq!(unusable, index.is_some(), "{last:?}");
    }
    let tpm = Swtpm::bare();
    let mut area = Template::by_label("L-1")
        .unwrap()
        .public_area(None)
        .unwrap();
    area[6] |= 0x04;
    tpm.write_nv(0x01c0_0004, &area, VENDOR);
    assert_eq!(read(&tpm).keys[0].public, made(&tpm, &area));
}

#[test]
fn an_index_to_which_nothing_was_written() {
    let tpm = Swtpm::bare();
    tpm.tool(&format!("tpm2_nvdefine 0x01c00002 -C p -s 800 -a {VENDOR}"));
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::EkcertMissing; 2]);
    assert!(contents.findings[0].message.contains("nothing is in it"));
    // One in the chain area does not end the chain.
    tpm.tool(&format!("tpm2_nvdefine 0x01c00100 -C p -s 800 -a {VENDOR}"));
    assert_eq!(codes(&read(&tpm)), [Code::EkcertMissing; 2]);
}

/// Of the two templates for RSA 2048 the TPM's owner uses that of the high range.
#[test]
fn a_key_of_the_high_range_at_hand() {
    let tpm = Swtpm::bare();
    let high = Template::by_label("H-1")
        .unwrap()
        .public_area(None)
        .unwrap();
    let low = Template::by_label("L-1")
        .unwrap()
        .public_area(None)
        .unwrap();
    assert_eq!(read(&tpm).keys[0].public, made(&tpm, &low));
    write(&tpm.path("policy"), &high[10..42]);
    tpm.tool(
        "tpm2_createprimary -C e -G rsa2048:aes128cfb -g sha256 -L policy -c ek.ctx \
         -a fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|userwithauth|restricted|decrypt",
    );
    tpm.tool("tpm2_evictcontrol -C o -c ek.ctx 0x81010001");
    let contents = read(&tpm);
    assert_eq!(contents.keys[0].public, made(&tpm, &high));
    assert_eq!(
        contents.keys[0].source,
        KeySource::Template("H-1".to_owned())
    );
}

/// A certificate at an index for another kind of key: its key is found all the same.
#[test]
fn a_certificate_at_the_index_of_another_kind() {
    let tpm = Swtpm::bare();
    let template = Template::by_label("H-3").unwrap();
    let public = made(&tpm, &template.public_area(None).unwrap());
    certify(&tpm, &public.key, 0x01c0_0002);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_eq!(contents.keys[0].public, public);
}

#[test]
fn a_template_with_a_nonce() {
    for (label, first, unique_at) in [
        ("L-1", 0x01c0_0002, 314 - 256),
        ("L-2", 0x01c0_000a, 122 - 66),
    ] {
        let tpm = Swtpm::bare();
        let mut area = Template::by_label(label)
            .unwrap()
            .public_area(None)
            .unwrap();
        area[6] |= 0x04;
        let mut with_nonce = area.clone();
        with_nonce[unique_at..unique_at + 20].fill(0xa5);
        let public = made(&tpm, &with_nonce);
        certify(&tpm, &public.key, first);
        tpm.write_nv(first + 1, &[0xa5; 20], VENDOR);
        tpm.write_nv(first + 2, &area, VENDOR);
        let contents = read(&tpm);
        assert_eq!(contents.findings, [], "{label}");
        assert_eq!(contents.keys[0].public, public, "{label}");
        let KeySource::Template(source) = &contents.keys[0].source else {
            panic!("{contents:?}")
        };
        assert!(source.contains("with the nonce at NV index"), "{source}");
    }
}

/// The files of swtpm's local CA: its root, and what issues the EKcerts.
fn cas(tpm: &Swtpm) -> (String, String) {
    let ca = |name: &str| tpm.path("ca").join(name).display().to_string();
    (ca("swtpm-localca-rootca-cert.pem"), ca("issuercert.pem"))
}

/// Reads the TPM and judges what was written, with these options.
pub(crate) fn verdict(tpm: &Swtpm, options: &[&str]) -> (Option<i32>, String) {
    let file = tpm.path("host.json").display().to_string();
    let output = endorse(&[
        "get-platform-identifier",
        "--name",
        "host",
        "--tcti",
        &tpm.tcti(),
        "--format",
        "json",
        "--output",
        &file,
    ]);
    assert!(output.status.success(), "{output:?}");
    let output = endorse(&[&["verify", "--no-embedded-roots", &file][..], options].concat());
    (output.status.code(), text(&output.stdout).to_owned())
}

#[test]
fn from_the_tpm_to_the_verdict() {
    let tpm = Swtpm::with_certificates(&[]);
    let (root, issuer) = cas(&tpm);
    let trusted = ["--roots", &root, "--intermediates", &issuer];
    let (code, said) = verdict(&tpm, &trusted);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = verdict(&tpm, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("[issuer-unknown]"), "{said}");
    // Another seed, another key.
    tpm.tool("tpm2_changeeps");
    let (code, said) = verdict(&tpm, &trusted);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error[key-mismatch]"), "{said}");
    assert!(said.contains("the host says: "), "{said}");
}

#[test]
fn an_expired_certificate_and_none() {
    let tpm = Swtpm::bare();
    let (code, said) = verdict(&tpm, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error[ekcert-missing]"), "{said}");

    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let certificate = tpm.certificate_for("ek.pem");
    tpm.write_nv(0x01c0_0002, &certificate, VENDOR);
    let root = tpm.path("ca.pem").display().to_string();
    let (code, said) = verdict(&tpm, &["--roots", &root]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = verdict(&tpm, &["--roots", &root, "--at", "2126-01-01"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error[expired]"), "{said}");
    // As it was read.
    let found = Certificate::from_der(&fs::read(tpm.path("ek.der")).unwrap()).unwrap();
    assert_eq!(read(&tpm).certificates[0].certificate, found);
}
