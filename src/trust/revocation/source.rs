//! For those who get CRLs: which ones matter, and whether what came is one.

use std::sync::Arc;

use super::signer::may_sign;
use super::{Crl, MAX_CRL_SIGNATURES, verify};
use crate::der::Time;
use crate::ek::{Certificate, Name};
use crate::finding::{Code, Error, Fault};
use crate::trust::{Policy, Store, Usage};

/// Where a CRL about a certificate is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlSource {
    /// The URL, as the certificate has it.
    pub url: String,
    /// Who has to have issued what is there: the issuer of the certificate, or those that
    /// it names for an indirect CRL.
    pub issuers: Vec<Name>,
}

/// Where the CRLs about `certificate` are, by its own word, and whose they are to be.
pub fn crl_sources(certificate: &Certificate) -> Vec<CrlSource> {
    let mut sources: Vec<CrlSource> = Vec::new();
    for point in &certificate.extensions().distribution_points {
        let issuers = point
            .crl_issuers
            .clone()
            .unwrap_or_else(|| vec![certificate.issuer().clone()]);
        for url in point.urls() {
            let source = CrlSource {
                url: url.to_owned(),
                issuers: issuers.clone(),
            };
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    sources
}

impl Store {
    /// The certificate of the store whose key signed this CRL, and that may: it has a path
    /// to an anchor at this time, and cRLSign if it has a key usage. Whether the CRL
    /// counts for a certificate is decided with its path.
    ///
    /// # Errors
    /// `crl-unusable`, with the reason.
    pub fn verify_crl(
        &self,
        crl: &Crl,
        policy: &Policy,
        at: Time,
    ) -> Result<Arc<Certificate>, Error> {
        let mut reason = None;
        for (_, signer) in self
            .certificates_named(crl.issuer())
            .take(MAX_CRL_SIGNATURES)
        {
            if let Err(error) = verify(crl, signer) {
                reason.get_or_insert_with(|| {
                    format!("no certificate of that name in the store has signed it: {error}")
                });
            } else if !may_sign(signer) {
                reason = Some("its signer may not sign CRLs (key usage)".to_owned());
            } else if let Err(failure) = self.verify(signer, policy, at, Usage::Any) {
                let why = failure.findings.first().map(|finding| &finding.message);
                reason = Some(format!(
                    "its signer is not trusted: {}",
                    why.map_or("no path", String::as_str)
                ));
            } else {
                return Ok(Arc::clone(signer));
            }
        }
        let why = reason.unwrap_or_else(|| "its issuer is not in the store".to_owned());
        Err(Error {
            fault: Fault::Rejected,
            ..Error::malformed(
                Code::CrlUnusable,
                format!("the CRL of '{}' cannot be used: {why}", crl.issuer()),
                "put the certificate of its issuer into the store, or get the CRL again from its issuer \
                 and compare",
            )
        })
    }
}
