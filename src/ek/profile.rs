use super::{Algorithm, Certificate, GeneralName, KeyUsage};
use crate::finding::{Code, Finding};

/// Where an EKcert departs from the TCG EK Credential Profile in a way that genuine
/// parts do too: warnings. What would let something else pass for an EKcert is
/// judged with the path.
///
/// The rules are those that implementers of the profile enforce; its text was not
/// at hand, so no clause of it is cited as broken.
pub fn check_profile(certificate: &Certificate) -> Vec<Finding> {
    let extensions = certificate.extensions();
    let mut findings = certificate.findings();
    let mut note = |code: Code, message: &str| {
        findings.push(Finding::new(
            code,
            message,
            "nothing to do if the chain is trusted: some vendors' genuine EKcerts have this",
        ));
    };

    if certificate.version() != 3 {
        note(Code::ProfileVersion, "the EKcert is not X.509 version 3");
    }
    let has_directory_name = extensions
        .subject_alt_names
        .iter()
        .any(|name| matches!(name, GeneralName::Directory(_)));
    if !has_directory_name {
        note(
            Code::ProfileSan,
            "the EKcert's subjectAltName names no TPM (it has no directoryName)",
        );
    } else {
        if certificate.subject().is_empty() && !extensions.subject_alt_name_critical {
            note(
                Code::ProfileSan,
                "the EKcert has an empty subject, but its subjectAltName is not critical",
            );
        }
        let tpm = &extensions.tpm;
        for (name, value) in [
            ("tpmManufacturer", &tpm.manufacturer),
            ("tpmModel", &tpm.model),
            ("tpmVersion", &tpm.version),
        ] {
            if value.is_none() {
                note(
                    Code::ProfileTpmAttributes,
                    &format!("the EKcert does not state {name}"),
                );
            }
        }
        if tpm.manufacturer.is_some() && tpm.vendor().is_none() {
            note(
                Code::ProfileTpmAttributes,
                "the EKcert's tpmManufacturer is not in the TCG vendor id registry",
            );
        }
    }
    match extensions.basic_constraints {
        None => note(
            Code::ProfileBasicConstraints,
            "the EKcert has no basic constraints",
        ),
        Some(basic) if !basic.critical => {
            note(
                Code::ProfileBasicConstraints,
                "the EKcert's basic constraints are not critical",
            );
        }
        Some(_) => {}
    }
    match (extensions.key_usage, certificate.key_algorithm()) {
        (None, _) => note(Code::ProfileKeyUsage, "the EKcert has no key usage"),
        (Some(usage), Some(Algorithm::Rsa(_))) if !usage.allows(KeyUsage::KEY_ENCIPHERMENT) => {
            note(
                Code::ProfileKeyUsage,
                "the key usage of this RSA EK lacks keyEncipherment",
            );
        }
        (Some(usage), Some(Algorithm::Ecc(_))) if !usage.allows(KeyUsage::KEY_AGREEMENT) => {
            note(
                Code::ProfileKeyUsage,
                "the key usage of this ECC EK lacks keyAgreement",
            );
        }
        _ => {}
    }
    findings
}
