//! A TPM in dictionary attack lockout.

use std::process::Command;

use endorse::finding::{Code, Severity};

use crate::swtpm::Swtpm;
use crate::{VENDOR, codes, endorse, indices, read, text};

/// Gives a wrong password to a key until the TPM locks.
pub(crate) fn lock(tpm: &Swtpm) {
    tpm.tool("tpm2_dictionarylockout -s -n 1 -t 7200 -l 7200");
    tpm.tool("tpm2_nvdefine 0x1500001 -C o -s 8 -p secret -a authread|authwrite");
    for _ in 0..2 {
        let wrong = Command::new("tpm2_nvread")
            .args(["0x1500001", "-C", "0x1500001", "-P", "wrong"])
            .env("TPM2TOOLS_TCTI", tpm.tcti())
            .output()
            .unwrap();
        assert!(!wrong.status.success());
    }
}

#[test]
fn certificates_and_keys_are_read_in_lockout() {
    let tpm = Swtpm::with_certificates(&[]);
    assert_eq!(read(&tpm).facts.in_lockout, Some(false));
    lock(&tpm);
    let contents = read(&tpm);
    assert_eq!(contents.facts.in_lockout, Some(true));
    assert_eq!(codes(&contents), [Code::TpmLockout]);
    let finding = &contents.findings[0];
    assert_eq!(finding.severity, Severity::Warning);
    assert!(
        finding.message.contains("every 7200 seconds"),
        "{finding:?}"
    );
    assert!(finding.help.contains("tpm2_dictionarylockout"));
    assert_eq!(contents.certificates.len(), 2);
    assert_eq!(contents.keys.len(), 2);

    let output = endorse(&[
        "get-platform-identifier",
        "--name",
        "a",
        "--tcti",
        &tpm.tcti(),
    ]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("[tpm-lockout]\nhelp: "), "{said}");

    tpm.tool("tpm2_dictionarylockout --clear-lockout");
    assert_eq!(codes(&read(&tpm)), []);
}

#[test]
fn an_index_that_the_lockout_covers_is_missing() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    let certificate = tpm.certificate_for("ek.pem");
    let covered = VENDOR
        .replace("ownerread|", "")
        .replace("ppread|", "")
        .replace("no_da|", "");
    tpm.write_nv(0x01c0_0002, &certificate, &covered);
    assert_eq!(indices(&read(&tpm)), [0x01c0_0002]);
    lock(&tpm);
    let contents = read(&tpm);
    assert_eq!(
        codes(&contents),
        [Code::TpmLockout, Code::EkcertMissing, Code::EkcertMissing]
    );
    assert!(
        contents.findings[1].message.contains("0x921"),
        "{contents:?}"
    );
    assert_eq!(contents.keys.len(), 1);
}
