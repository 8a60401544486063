//! What must hold for any saved file that is diagnosed. Shared by the fuzz targets and by the
//! test that replays their corpus.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

use endorse::der::Time;
use endorse::diagnose::files::{SavedFile, ServiceAccount, certificates, is_readable};
use endorse::diagnose::{
    Diagnostic, Observation, Question, Remedy, Role, Status, Target, diagnose,
};

const NAME: &str = "BASTION\\svc-hgs$";
const SID: &str = "S-1-5-21-1-2-3-1601";

/// A file as it is.
pub(crate) fn any(data: &[u8]) {
    check(data.to_vec());
}

/// A security policy: only one that names all three passes.
pub(crate) fn policy(data: &[u8]) {
    let bytes = [b"[Unicode]\r\n[Privilege Rights]\r\n", data].concat();
    let text = String::from_utf8_lossy(&bytes).to_uppercase();
    for one in check(bytes) {
        if one.definition.id == "gmsa-audit-privilege" && one.status == Status::Pass {
            assert!(text.contains("SEAUDITPRIVILEGE"));
            assert!(text.contains("SVC-HGS$") || text.contains(SID));
        }
    }
}

/// Objects of PowerShell.
pub(crate) fn objects(data: &[u8]) {
    const HEAD: &[u8] = b"<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">";
    check([HEAD, data, b"</Objs>"].concat());
}

/// Listings of access rights: nobody may read by a list that names neither the account nor
/// everybody.
pub(crate) fn access(data: &[u8]) {
    for bytes in [data.to_vec(), [b"D:", data].concat()] {
        let text = String::from_utf8_lossy(&bytes).to_uppercase();
        for one in check(bytes) {
            if one.definition.id == "key-file-readable" && one.status == Status::Pass {
                assert!(text.contains("SVC-HGS$") || text.contains(SID));
            }
        }
    }
}

/// A serialized store: its certificates are parts of it.
pub(crate) fn store(data: &[u8]) {
    let bytes = [b"\0\0\0\0CERT", data].concat();
    for (_, one) in certificates(&target(bytes.clone())) {
        let der = one.certificate.der();
        assert!(bytes.windows(der.len()).any(|part| part == der));
    }
    check(bytes);
}

/// Events as XML.
pub(crate) fn events(data: &[u8]) {
    check([b"<Events>", data, b"</Events>"].concat());
}

/// An event log in the binary form.
pub(crate) fn log(data: &[u8]) {
    check([b"ElfFile\0", data].concat());
    check(data.to_vec());
}

fn target(bytes: Vec<u8>) -> Target {
    Target {
        name: "fuzz".to_owned(),
        role: Role::Unknown,
        source: "fuzz".to_owned(),
        observations: vec![Observation::File(SavedFile {
            name: "fuzz".to_owned(),
            bytes,
        })],
    }
}

/// Diagnoses a file. Whether it could be read is always said; what is wrong has a remedy;
/// commands are one line of plain characters; the same file gives the same report.
fn check(bytes: Vec<u8>) -> Vec<Diagnostic> {
    let target = target(bytes);
    let mut question = Question::new(Time::from_unix(1_800_000_000));
    question.service_account = ServiceAccount::new([NAME.to_owned(), SID.to_owned()]);
    let targets = [target];
    let report = diagnose(&targets, &question);
    assert_eq!(report, diagnose(&targets, &question));
    let of_targets = report.targets.into_iter();
    let found: Vec<Diagnostic> = of_targets
        .flat_map(|target| target.sets)
        .flat_map(|set| set.diagnostics)
        .collect();
    let readable = found
        .iter()
        .filter(|one| one.definition.id == "trace-readable");
    assert_eq!(readable.clone().count(), 1);
    let passed = readable.into_iter().all(|one| one.status == Status::Pass);
    assert!(!passed || is_readable(&targets[0]));
    for one in &found {
        assert!(!one.evidence.is_empty());
        let is_wrong = matches!(one.status, Status::Warn | Status::Fail);
        assert_eq!(is_wrong, !one.remedy.is_empty(), "{one:?}");
        for step in &one.remedy {
            if let Remedy::PowerShell(line) | Remedy::Sh(line) = step {
                assert!(line.chars().all(|c| matches!(c, ' '..='~')), "{line}");
            }
        }
    }
    found
}
