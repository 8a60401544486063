use super::{KeySource, MachineFacts, TpmContents, TpmFacts};
use crate::ek::Encoding;
use crate::finding::{Code, Finding};
use crate::identifier::{EkCert, EkPubEntry, Identifier};

/// What a host says about itself, and what was noticed while asking it.
#[derive(Clone, Debug)]
pub struct HostReport {
    /// The platform identifier, ready to be written.
    pub identifier: Identifier,
    /// What the TPM says about itself.
    pub facts: TpmFacts,
    /// What was missing or wrong, in the machine and in the TPM.
    pub findings: Vec<Finding>,
}

/// Puts together what was read under the name that the host is to have.
///
/// What an administrator of the attestation service has to know (no certificate, a
/// certificate for another key) is also said in the file itself, where
/// Get-PlatformIdentifier says it: in `PlatformIdMessages`.
pub fn report(name: &str, machine: MachineFacts, tpm: TpmContents) -> HostReport {
    let messages = tpm
        .findings
        .iter()
        .filter(|finding| matches!(finding.code, Code::EkcertMissing | Code::KeyMismatch))
        .map(|finding| finding.message.clone())
        .collect();
    let ekpubs = tpm.keys.into_iter().map(|key| EkPubEntry {
        key: key.public.key,
        encoding: Encoding::TpmtPublic,
        source: match key.source {
            KeySource::Persistent(handle) => format!("persistent handle {handle:#010x}"),
            KeySource::Template(label) => format!("template {label}"),
        },
    });
    let ekcerts = tpm.certificates.into_iter().map(|found| EkCert {
        certificate: found.certificate,
        source: format!("NV index {:#010x}", found.index),
    });
    let chain = tpm.chain.into_iter().map(|found| EkCert {
        certificate: found.certificate,
        source: format!(
            "NV index {:#010x}, certificate {}",
            found.index, found.number
        ),
    });
    let fetched = tpm.fetched.into_iter().map(|found| EkCert {
        certificate: found.certificate,
        source: found.url,
    });
    let mut findings = machine.findings;
    findings.extend(tpm.findings);
    let mut identifier = Identifier::new(
        name,
        machine.machine,
        ekpubs.collect(),
        ekcerts.chain(fetched).chain(chain).collect(),
    );
    identifier.messages = messages;
    identifier.tpm = Some(tpm.facts.lasting());
    HostReport {
        identifier,
        facts: tpm.facts,
        findings,
    }
}
