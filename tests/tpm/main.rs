//! Reading TPMs, against an emulator (swtpm) and with tpm2-tools as the judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs,
    reason = "tests may be blunt"
)]

#[path = "../support/swtpm.rs"]
mod swtpm;

mod chain;
mod challenge;
#[cfg(feature = "diagnose")]
mod diagnose;
mod disappears;
mod dump;
mod failure;
mod keys;
mod lockout;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use endorse::ek::{Algorithm, Curve};
use endorse::finding::{Code, Error, Fault};
use endorse::host::{EkChoice, KeySource, Tpm, TpmContents, TpmKey, read_tpm};
use endorse::identifier::Identifier;

use swtpm::{Swtpm, write};

/// How manufacturers define the index of a certificate.
const VENDOR: &str = "ppwrite|ppread|ownerread|authread|no_da|platformcreate|write_stclear";

/// PolicySecret with the endorsement hierarchy (EK Credential Profile, appendix B).
const POLICY_A_SHA256: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
];

fn try_read(tcti: &str, choice: EkChoice) -> Result<TpmContents, Error> {
    read_tpm(&mut Tpm::open(tcti)?, choice)
}

fn read(tpm: &Swtpm) -> TpmContents {
    try_read(&tpm.tcti(), EkChoice::Auto).unwrap()
}

fn codes(contents: &TpmContents) -> Vec<Code> {
    contents.findings.iter().map(|found| found.code).collect()
}

fn indices(contents: &TpmContents) -> Vec<u32> {
    let found = contents.certificates.iter();
    found.map(|certificate| certificate.index).collect()
}

/// Has tpm2-tools read the same object, and compares key, public area and Name.
fn assert_same(tpm: &Swtpm, key: &TpmKey, object: &str) {
    tpm.tool(&format!(
        "tpm2_readpublic -c {object} -f tss -o judge.tss -n judge.name"
    ));
    assert_eq!(
        key.public.tpmt(),
        &fs::read(tpm.path("judge.tss")).unwrap()[2..]
    );
    assert_eq!(
        key.public.name().unwrap(),
        fs::read(tpm.path("judge.name")).unwrap()
    );
    tpm.tool(&format!("tpm2_readpublic -c {object} -f der -o judge.der"));
    assert_eq!(
        key.public.key.spki_der(),
        fs::read(tpm.path("judge.der")).unwrap()
    );
}

/// Has tpm2-tools make the EK, and compares.
fn assert_same_as_made(tpm: &Swtpm, key: &TpmKey, algorithm: &str) {
    tpm.tool(&format!("tpm2_createek -G {algorithm} -c judge.ctx"));
    assert_same(tpm, key, "judge.ctx");
}

fn endorse(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(args)
        .env_remove("TSS2_LOG")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn certificates_with_persistent_keys() {
    let tpm = Swtpm::with_certificates(&[]);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_eq!(indices(&contents), [0x01c0_0002, 0x01c0_0016]);
    let [rsa, ecc] = contents.keys.as_slice() else {
        panic!("{:?}", contents.keys)
    };
    assert_eq!(rsa.source, KeySource::Persistent(0x8101_0001));
    assert_eq!(rsa.public.key.algorithm(), Algorithm::Rsa(2048));
    assert_same(&tpm, rsa, "0x81010001");
    assert_same_as_made(&tpm, rsa, "rsa");
    assert_eq!(ecc.source, KeySource::Persistent(0x8101_0016));
    assert_eq!(ecc.public.key.algorithm(), Algorithm::Ecc(Curve::P384));
    assert_same(&tpm, ecc, "0x81010016");
    for (found, key) in contents.certificates.iter().zip(&contents.keys) {
        assert_eq!(found.certificate.public_key().unwrap(), key.public.key);
    }
    // swtpm's own words for itself.
    assert_eq!(contents.facts.manufacturer, Some(0x4942_4d00));
    assert!(contents.facts.vendor_string.unwrap().starts_with("SW"));
    assert!(contents.facts.firmware.is_some());
    assert!(contents.facts.revision.unwrap() >= 138);
}

#[test]
fn keys_are_made_anew_where_none_is_persistent() {
    let tpm = Swtpm::with_certificates(&[]);
    tpm.tool("tpm2_evictcontrol -C o -c 0x81010001");
    tpm.tool("tpm2_evictcontrol -C p -c 0x81010016");
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    let sources: Vec<_> = contents.keys.iter().map(|key| &key.source).collect();
    assert_eq!(
        sources,
        [
            &KeySource::Template("L-1".to_owned()),
            &KeySource::Template("H-3".to_owned())
        ]
    );
    assert_same_as_made(&tpm, &contents.keys[0], "rsa");
    for (found, key) in contents.certificates.iter().zip(&contents.keys) {
        assert_eq!(found.certificate.public_key().unwrap(), key.public.key);
    }
}

#[test]
fn one_kind_of_key_is_asked_for() {
    let tpm = Swtpm::with_certificates(&[]);
    for (algorithm, index) in [
        (Algorithm::Rsa(2048), Some(0x01c0_0002)),
        (Algorithm::Ecc(Curve::P384), Some(0x01c0_0016)),
        (Algorithm::Ecc(Curve::P256), None),
        (Algorithm::Ecc(Curve::P521), None),
        (Algorithm::Rsa(3072), None),
    ] {
        let contents = try_read(&tpm.tcti(), EkChoice::Only(algorithm)).unwrap();
        assert_eq!(indices(&contents), Vec::from_iter(index), "{algorithm}");
        assert_eq!(contents.keys.len(), 1, "{algorithm}");
        assert_eq!(contents.keys[0].public.key.algorithm(), algorithm);
        if index.is_none() {
            assert_eq!(codes(&contents), [Code::EkcertMissing]);
        }
    }
    // libtpms has no RSA-4096.
    let error = try_read(&tpm.tcti(), EkChoice::Only(Algorithm::Rsa(4096))).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("rsa4096"), "{error}");
    assert!(error.message.contains("response code 0x2c4"), "{error}");
}

#[test]
fn rsa_3072_in_the_high_range() {
    let tpm = Swtpm::with_certificates(&["--rsa-keysize", "3072"]);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_eq!(indices(&contents), [0x01c0_0016, 0x01c0_001c]);
    assert_eq!(contents.keys[1].source, KeySource::Persistent(0x8101_001c));
    assert_same(&tpm, &contents.keys[1], "0x8101001c");
}

#[test]
fn p_256_in_the_low_range() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_createek -G ecc -c ek.ctx -f pem -u ek.pem");
    let certificate = tpm.certificate_for("ek.pem");
    tpm.write_nv(0x01c0_000a, &certificate, VENDOR);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_eq!(indices(&contents), [0x01c0_000a]);
    assert_eq!(contents.certificates[0].certificate.der(), certificate);
    assert_eq!(
        contents.keys[0].source,
        KeySource::Template("L-2".to_owned())
    );
    assert_same_as_made(&tpm, &contents.keys[0], "ecc");
}

#[test]
fn no_certificate() {
    let tpm = Swtpm::bare();
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::EkcertMissing]);
    assert!(contents.findings[0].help.contains("--force --reason"));
    assert_eq!(indices(&contents), [0_u32; 0]);
    assert_eq!(contents.keys.len(), 1);
    assert_same_as_made(&tpm, &contents.keys[0], "rsa");
}

#[test]
fn wrapped_and_padded_certificates() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let certificate = tpm.certificate_for("ek.pem");
    // The TCG header with the inner tag, then padding, as ST's TPMs have them.
    let length = u16::try_from(certificate.len() + 2).unwrap().to_be_bytes();
    let mut stored = vec![0x10, 0x01, 0x00, length[0], length[1], 0x10, 0x02];
    stored.extend(&certificate);
    tpm.write_nv(0x01c0_0002, &stored, VENDOR);
    let mut padded = certificate.clone();
    padded.resize(1600, 0xff);
    tpm.write_nv(0x01c0_0012, &padded, VENDOR);
    let contents = try_read(&tpm.tcti(), EkChoice::Auto).unwrap();
    assert_eq!(indices(&contents), [0x01c0_0002, 0x01c0_0012]);
    for found in &contents.certificates {
        assert_eq!(found.certificate.der(), certificate);
    }
    assert!(
        codes(&contents)
            .iter()
            .all(|&code| code == Code::ProfileWrapping)
    );
    assert!(codes(&contents).len() >= 2);
}

#[test]
fn a_certificate_longer_than_the_buffer_of_the_tpm() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let certificate = tpm.certificate_for("ek.pem");
    let limits = tpm.tool("tpm2_getcap properties-fixed").stdout;
    let buffer = text(&limits)
        .split_once("TPM2_PT_NV_BUFFER_MAX:\n  raw: 0x")
        .unwrap()
        .1
        .split_whitespace()
        .next()
        .map(|digits| usize::from_str_radix(digits, 16).unwrap())
        .unwrap();
    let mut padded = certificate.clone();
    padded.resize(buffer + buffer / 2, 0);
    tpm.write_nv(0x01c0_0002, &padded, VENDOR);
    let contents = read(&tpm);
    assert_eq!(contents.certificates[0].certificate.der(), certificate);
    assert_eq!(codes(&contents), [Code::ProfileWrapping]);
}

#[test]
fn who_may_read_the_index() {
    for attributes in [
        "ppwrite|ownerread|no_da|platformcreate",
        "ppwrite|authread|no_da|platformcreate",
        "ppwrite|authread|platformcreate",
        "ppwrite|ppread|no_da|platformcreate",
    ] {
        let tpm = Swtpm::bare();
        tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
        tpm.write_nv(0x01c0_0002, &tpm.certificate_for("ek.pem"), attributes);
        let contents = read(&tpm);
        assert_eq!(indices(&contents), [0x01c0_0002], "{attributes}");
        assert_eq!(contents.findings, [], "{attributes}");
    }
}

#[test]
fn an_index_that_nobody_may_read() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let certificate = tpm.certificate_for("ek.pem");
    tpm.write_nv(
        0x01c0_0002,
        &certificate,
        "ppwrite|policyread|platformcreate",
    );
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::EkcertMissing; 2]);
    assert!(contents.findings[0].message.contains("0x01c00002"));
    assert_eq!(contents.keys.len(), 1);
}

#[test]
fn a_certificate_for_another_key() {
    let tpm = Swtpm::bare();
    let other = Swtpm::bare();
    other.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let certificate = other.certificate_for("ek.pem");
    tpm.write_nv(0x01c0_0002, &certificate, VENDOR);
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::KeyMismatch]);
    assert!(contents.findings[0].help.contains("firmware update"));
    assert_eq!(contents.certificates[0].certificate.der(), certificate);
    assert_same_as_made(&tpm, &contents.keys[0], "rsa");
}

#[test]
fn a_regenerated_seed() {
    let tpm = Swtpm::with_certificates(&[]);
    tpm.tool("tpm2_changeeps");
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::KeyMismatch; 2]);
    assert_eq!(contents.facts.generated_eps, Some(true));
    assert!(contents.findings[0].message.contains("tpmGeneratedEPS"));
    assert_eq!(contents.keys.len(), 2);
    assert_same_as_made(&tpm, &contents.keys[0], "rsa");
}

#[test]
fn an_endorsement_hierarchy_with_a_password() {
    let tpm = Swtpm::with_certificates(&[]);
    tpm.tool("tpm2_changeauth -c endorsement secret");
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_eq!(contents.keys.len(), 2);

    tpm.tool("tpm2_evictcontrol -C o -c 0x81010001");
    let contents = read(&tpm);
    assert_eq!(codes(&contents), [Code::NoEkpub]);
    assert_eq!(contents.certificates.len(), 2);
    assert_eq!(contents.keys.len(), 1);

    let bare = Swtpm::bare();
    bare.tool("tpm2_changeauth -c endorsement secret");
    let error = try_read(&bare.tcti(), EkChoice::Auto).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.help.contains("password"), "{error:?}");
}

#[test]
fn a_key_made_with_a_nonce() {
    let tpm = Swtpm::bare();
    tpm.write_nv(0x01c0_0003, &[0xa5; 64], VENDOR);
    // Template L-1 in the words of tpm2-tools, with the nonce in the unique field.
    // The file has the length before it, in the order of the machine.
    let mut unique = 256_u16.to_ne_bytes().to_vec();
    unique.extend([0xa5; 64]);
    unique.resize(2 + 256, 0);
    write(&tpm.path("unique"), unique);
    write(&tpm.path("policy"), POLICY_A_SHA256);
    tpm.tool(
        "tpm2_createprimary -C e -G rsa2048:aes128cfb -g sha256 -L policy -u unique -c ek.ctx \
         -a fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt",
    );
    tpm.tool("tpm2_readpublic -c ek.ctx -f pem -o ek.pem");
    tpm.write_nv(0x01c0_0002, &tpm.certificate_for("ek.pem"), VENDOR);
    let contents = read(&tpm);
    assert_eq!(contents.findings, []);
    assert_same(&tpm, &contents.keys[0], "ek.ctx");
    assert_eq!(
        contents.keys[0].source,
        KeySource::Template("L-1 with the nonce at NV index 0x01c00003".to_owned())
    );
}

#[test]
fn nothing_in_the_tpm_is_changed() {
    let tpm = Swtpm::with_certificates(&[]);
    tpm.tool("tpm2_evictcontrol -C o -c 0x81010001");
    let look = || {
        [
            "handles-transient",
            "handles-persistent",
            "handles-nv-index",
        ]
        .map(|what| tpm.tool(&format!("tpm2_getcap {what}")).stdout)
    };
    let before = look();
    read(&tpm);
    // Before anything is flushed by the tools.
    let left = Command::new("tpm2_getcap")
        .arg("handles-transient")
        .env("TPM2TOOLS_TCTI", tpm.tcti())
        .output()
        .unwrap();
    assert!(left.status.success());
    assert_eq!(text(&left.stdout), "");
    assert_eq!(look(), before);
}

#[test]
fn two_at_once() {
    let tpm = Swtpm::with_certificates(&[]);
    let tcti = tpm.tcti();
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_endorse"))
            .args(["get-platform-identifier", "--name", "a", "--tcti", &tcti])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let (one, two) = (start(), start());
    let (one, two) = (
        one.wait_with_output().unwrap(),
        two.wait_with_output().unwrap(),
    );
    assert!(
        one.status.success() && two.status.success(),
        "{one:?} {two:?}"
    );
    assert_eq!(text(&one.stdout), text(&two.stdout));
}

#[test]
fn the_command_writes_what_reads_back() {
    let tpm = Swtpm::with_certificates(&[]);
    let contents = read(&tpm);
    for format in ["xml", "json"] {
        let file = tpm.path(format);
        let shown = file.display().to_string();
        let output = endorse(&[
            "get-platform-identifier",
            "--name",
            "hyp01",
            "--tcti",
            &tpm.tcti(),
            "--format",
            format,
            "--output",
            &shown,
        ]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).contains(&format!("note: wrote {shown}")));
        let identifier = Identifier::read(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(identifier.name.as_deref(), Some("hyp01"));
        let keys: Vec<_> = identifier.ekpubs.iter().map(|found| &found.key).collect();
        let expected: Vec<_> = contents.keys.iter().map(|key| &key.public.key).collect();
        assert_eq!(keys, expected, "{format}");
        let found = identifier.ekcerts.iter();
        let found: Vec<_> = found.map(|found| &found.certificate).collect();
        let expected = contents.certificates.iter();
        let expected: Vec<_> = expected.map(|found| &found.certificate).collect();
        assert_eq!(found, expected, "{format}");
    }
}

#[test]
fn the_command_says_what_is_missing() {
    let tpm = Swtpm::bare();
    let output = endorse(&[
        "get-platform-identifier",
        "--name",
        "a",
        "--tcti",
        &tpm.tcti(),
    ]);
    assert!(output.status.success(), "{output:?}");
    let identifier = Identifier::read(&output.stdout).unwrap();
    assert_eq!(identifier.ekpubs.len(), 1);
    assert_eq!(identifier.messages.len(), 1, "{:?}", identifier.messages);
    let said = text(&output.stderr);
    assert!(said.contains("[ekcert-missing]\nhelp: "), "{said}");

    let output = endorse(&[
        "get-platform-identifier",
        "--name",
        "a",
        "--tcti",
        &tpm.tcti(),
        "--json",
    ]);
    assert!(output.status.success(), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["schema"], "endorse.get-platform-identifier/1");
    let result = &json["results"][0];
    assert_eq!(result["ekpubs"][0]["algorithm"], "rsa2048");
    let identifier = result["identifier"].as_str().unwrap();
    assert!(Identifier::read(identifier.as_bytes()).is_ok());
    let codes: Vec<_> = result["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"ekcert-missing"), "{codes:?}");
}

/// Exit code 2, the message, the remedy, and not a word of the C libraries.
fn assert_refused(output: &Output, message: &str, help: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(text(&output.stdout), "");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("error: "), "{said}");
    assert!(lines[0].contains(message), "{said}");
    assert!(lines[1].starts_with("help: "), "{said}");
    assert!(lines[1].contains(help), "{said}");
}

fn refused_at(tcti: &str, message: &str, help: &str) {
    let output = endorse(&["get-platform-identifier", "--name", "a", "--tcti", tcti]);
    assert_refused(&output, message, help);
}

#[test]
fn no_tpm_there() {
    let tpm = Swtpm::bare();
    tpm.kill();
    refused_at(&tpm.tcti(), "no TPM can be reached", "runs and listens");
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("tpmrm0");
    refused_at(
        &format!("device:{}", none.display()),
        "has found no TPM",
        "firmware setup",
    );
    write(&none, "");
    refused_at(
        &format!("device:{}", none.display()),
        "no character device",
        "device:/dev/tpmrm0",
    );
    refused_at("tpm0", "names no way", "swtpm:host=127.0.0.1,port=2321");
    refused_at("swtpm:path=/run/x", "Unix socket", "type=tcp");
}

#[test]
fn under_the_name_of_the_command() {
    let tpm = Swtpm::bare();
    let link = tpm.path("get-platform-identifier");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_endorse"), &link).unwrap();
    let run = || {
        let mut command = Command::new(&link);
        command.args(["--name", "a", "--tcti", &tpm.tcti()]);
        command.env_remove("TSS2_LOG").output().unwrap()
    };
    let output = run();
    assert!(output.status.success(), "{output:?}");
    assert!(Identifier::read(&output.stdout).is_ok());
    tpm.kill();
    assert_refused(&run(), "no TPM can be reached", "runs and listens");
}

#[test]
fn something_else_answers() {
    // Takes the connection and hangs up, or sends what is no answer of a TPM.
    for answer in [&b""[..], b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for connection in server.incoming() {
                let _ = connection.unwrap().write_all(answer);
            }
        });
        let tcti = format!("swtpm:host=127.0.0.1,port={port}");
        let error = try_read(&tcti, EkChoice::Auto).unwrap_err();
        assert_eq!(error.fault, Fault::Environment, "{error}");
    }
}

#[test]
fn the_tpm_disappears() {
    let tpm = Swtpm::with_certificates(&[]);
    let mut open = Tpm::open(&tpm.tcti()).unwrap();
    tpm.kill();
    let error = read_tpm(&mut open, EkChoice::Auto).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("stopped answering"), "{error}");
    assert!(error.help.contains("nothing was"), "{error:?}");
}

#[test]
fn a_tpm_that_was_not_started() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_shutdown");
    // A reset without TPM2_Startup, through the control channel.
    let port = tpm
        .tcti()
        .rsplit_once('=')
        .unwrap()
        .1
        .parse::<u16>()
        .unwrap()
        + 1;
    let reset = Command::new("swtpm_ioctl")
        .args(["--tcp", &format!("127.0.0.1:{port}"), "-i"])
        .output()
        .unwrap();
    assert!(reset.status.success(), "{reset:?}");
    let error = try_read(&tpm.tcti(), EkChoice::Auto).unwrap_err();
    assert!(error.message.contains("not been started"), "{error}");
}

#[test]
fn a_tpm_1_2() {
    let tpm = Swtpm::version_1_2();
    let error = try_read(&tpm.tcti(), EkChoice::Auto).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("no TPM 2.0"), "{error}");
    assert!(error.help.contains("version 1.2"), "{error:?}");
}

#[test]
fn no_permission() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(device) = private_device(dir.path()) else {
        return skipped(
            "no_permission",
            "there is no device that only root may open, and none can be made",
        );
    };
    let program = dir.path().join("endorse");
    fs::copy(env!("CARGO_BIN_EXE_endorse"), &program).unwrap();
    let tcti = format!("device:{device}");
    let args = ["get-platform-identifier", "--name", "a", "--tcti", &tcti];
    let root = text(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0";
    let output = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        command.arg(&program).args(args).output()
    } else {
        Command::new(&program).args(args).output()
    };
    assert_refused(&output.unwrap(), "no permission", "usermod -aG tss");
}

/// A device that nobody but root may open.
fn private_device(dir: &Path) -> Option<String> {
    let there = ["/dev/console", "/dev/mem", "/dev/port", "/dev/vcs"];
    let private = |path: &&str| {
        fs::metadata(path).is_ok_and(|there| {
            there.file_type().is_char_device() && there.permissions().mode() & 0o066 == 0
        })
    };
    if let Some(path) = there.iter().find(|path| private(path)) {
        return Some((*path).to_owned());
    }
    let made = dir.join("tpm").display().to_string();
    let args = ["-m", "600", &made, "c", "1", "3"];
    let status = Command::new("mknod").args(args).status().ok()?;
    status.success().then_some(made)
}

/// Says that a test could not run: here, and at the end of `make test`.
fn skipped(test: &str, reason: &str) {
    eprintln!("SKIPPED {test} {reason}");
    if let Some(path) = std::env::var_os("ENDORSE_SKIP_LOG") {
        let mut log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(log, "SKIPPED {test} {reason}").unwrap();
    }
}
