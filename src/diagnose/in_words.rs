//! Certificates as diagnostics speak of them.

use crate::der::Time;
use crate::ek::Certificate;

/// Its subject, and the thumbprint by which Windows knows it, written as there.
pub(super) fn named(certificate: &Certificate) -> String {
    let thumbprint = certificate.thumbprint_sha1().to_string().to_uppercase();
    match certificate.subject().is_empty() {
        true => format!("a certificate without a subject, thumbprint {thumbprint}"),
        false => format!("{}, thumbprint {thumbprint}", certificate.subject()),
    }
}

/// The time within which it is valid.
pub(super) fn window(certificate: &Certificate) -> String {
    format!(
        "from {} until {}",
        certificate.not_before(),
        certificate.not_after()
    )
}

/// Whether this is within its validity.
pub(super) fn is_valid(certificate: &Certificate, at: Time) -> bool {
    certificate.not_before() <= at && at <= certificate.not_after()
}
