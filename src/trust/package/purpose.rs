//! What a CA certificate is for: endorsement keys, attestation keys, or it does not say.

use std::collections::HashMap;

use super::contents::PackagedCertificate;
use crate::ek::NameKey;
use crate::trust::Purpose;

/// The longest chain of CAs that is followed. Intel's on-die chains have eight.
const MAX_DEPTH: usize = 16;

/// Fills in the purpose of CAs that do not say it: what all that the same vendor has below
/// them is for. One is for endorsement keys if any below it is, and for attestation keys
/// only if all are. So Microsoft's root of 2014 is one of attestation keys as Microsoft's,
/// and not as Qualcomm's.
pub(super) fn infer(certificates: &mut [PackagedCertificate]) {
    let mut below: HashMap<(String, NameKey), Vec<usize>> = HashMap::new();
    for (index, one) in certificates.iter().enumerate() {
        if !one.certificate.is_self_issued() {
            let issuer = (one.vendor.clone(), one.certificate.issuer().key().clone());
            below.entry(issuer).or_default().push(index);
        }
    }
    // One level a round, from below: each sees what the rounds before have found.
    for _ in 0..MAX_DEPTH {
        let found: Vec<(usize, Purpose)> = certificates
            .iter()
            .enumerate()
            .filter(|(_, one)| one.purpose == Purpose::Unknown)
            .filter_map(|(index, one)| {
                let subject = (one.vendor.clone(), one.certificate.subject().key().clone());
                let issued = below.get(&subject)?;
                let mut purposes = issued
                    .iter()
                    .filter_map(|&index| Some(certificates.get(index)?.purpose));
                if purposes.clone().any(|purpose| purpose == Purpose::Ek) {
                    Some((index, Purpose::Ek))
                } else if purposes.all(|purpose| purpose == Purpose::Aik) {
                    Some((index, Purpose::Aik))
                } else {
                    None
                }
            })
            .collect();
        if found.is_empty() {
            return;
        }
        for (index, purpose) in found {
            if let Some(one) = certificates.get_mut(index) {
                one.purpose = purpose;
            }
        }
    }
}
