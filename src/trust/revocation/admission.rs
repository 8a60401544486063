//! Whether a CRL is one to keep in a store, whoever brought it.

use std::fmt;
use std::sync::Arc;

use super::check::has_refused_sha1;
use super::signer::{may_sign, verify};
use super::{Crl, MAX_CRL_SIGNATURES};
use crate::der::Time;
use crate::ek::Certificate;
use crate::hash::Sha256Digest;
use crate::trust::{Policy, Store, Usage};

/// What a CRL is to a store that may keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is there already.
    Unchanged,
    /// It is new.
    New {
        /// What it takes the place of: older CRLs of the same issuer and key, about the same
        /// certificates, that revoke nothing that it does not revoke.
        replaces: Vec<Sha256Digest>,
    },
}

/// Why a CRL is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CrlRefusal {
    /// No certificate of the store has the name of its issuer.
    IssuerUnknown,
    /// None of those of that name has signed it.
    NotSigned,
    /// Who signed it may not sign CRLs (key usage).
    MayNotSign,
    /// Who signed it does not lead to an anchor: the first reason.
    IssuerUntrusted(String),
    /// It has a critical extension that is not understood.
    Unusable(String),
    /// It was issued after the time of the run.
    NotYetIssued(Time),
    /// There is a newer one: somebody, or a cache, gave an old one again.
    Older {
        /// When the one that is there was issued.
        there: Time,
    },
}

impl Store {
    /// Whether to keep a CRL beside those that are `there`: it must be signed by a CA of the
    /// store that may sign CRLs and leads to an anchor, and must not be older than what is
    /// there.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_crl(
        &self,
        crl: &Crl,
        there: &[Crl],
        policy: &Policy,
        at: Time,
    ) -> Result<Admission, CrlRefusal> {
        let signer = signer_of(self, crl, policy, at)?;
        if let Some(why) = crl.unusable() {
            return Err(CrlRefusal::Unusable(why.to_owned()));
        }
        if crl.this_update() > at {
            return Err(CrlRefusal::NotYetIssued(crl.this_update()));
        }
        if there.iter().any(|known| known.sha256() == crl.sha256()) {
            return Ok(Admission::Unchanged);
        }
        // One that the same key did not sign says nothing about how new this is.
        let same: Vec<&Crl> = there
            .iter()
            .filter(|known| {
                known.issuer().key() == crl.issuer().key()
                    && known.scope() == crl.scope()
                    && verify(known, &signer).is_ok()
            })
            .collect();
        if let Some(newer) = same.iter().find(|known| is_older(crl, known)) {
            return Err(CrlRefusal::Older {
                there: newer.this_update(),
            });
        }
        // Nothing that was revoked becomes unsaid: a list that leaves out what another has, or
        // whose silence proves nothing, is kept beside it.
        let proves = !has_refused_sha1(crl, policy);
        Ok(Admission::New {
            replaces: same
                .into_iter()
                .filter(|known| proves && crl.keeps_revocations_of(known))
                .map(Crl::sha256)
                .collect(),
        })
    }
}

/// Whether `crl` takes back what `known` says: time and number both only go forward (RFC
/// 5280 5.2.3).
fn is_older(crl: &Crl, known: &Crl) -> bool {
    let by_number = match (crl.number(), known.number()) {
        (Some(own), Some(other)) => (own.len(), own) < (other.len(), other),
        _ => false,
    };
    crl.this_update() < known.this_update() || by_number
}

/// The CA of the store that signed a CRL, if it may and leads to an anchor.
fn signer_of(
    store: &Store,
    crl: &Crl,
    policy: &Policy,
    at: Time,
) -> Result<Arc<Certificate>, CrlRefusal> {
    let mut why = CrlRefusal::IssuerUnknown;
    let named = store.certificates_named(crl.issuer());
    for (_, certificate) in named.take(MAX_CRL_SIGNATURES) {
        if verify(crl, certificate).is_err() {
            if why == CrlRefusal::IssuerUnknown {
                why = CrlRefusal::NotSigned;
            }
            continue;
        }
        if !may_sign(certificate) {
            why = CrlRefusal::MayNotSign;
            continue;
        }
        match store.verify(certificate, policy, at, Usage::Any) {
            Ok(_) => return Ok(Arc::clone(certificate)),
            Err(failure) => {
                let first = failure.findings.into_iter().next();
                let first = first.map(|finding| finding.message).unwrap_or_default();
                why = CrlRefusal::IssuerUntrusted(first);
            }
        }
    }
    Err(why)
}

/// To be said after the CRL.
impl fmt::Display for CrlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerUnknown => f.write_str("its issuer is not in the store"),
            Self::NotSigned => f.write_str("no key of its issuer in the store made its signature"),
            Self::MayNotSign => f.write_str("who signed it may not sign CRLs (key usage)"),
            Self::IssuerUntrusted(why) => {
                write!(
                    f,
                    "who signed it does not lead to a root of the store: {why}"
                )
            }
            Self::Unusable(why) => f.write_str(why),
            Self::NotYetIssued(time) => write!(f, "it is from {time}, which is yet to come"),
            Self::Older { there } => write!(
                f,
                "the one in the store, of {there}, is newer, and is kept: somebody gave an old one again"
            ),
        }
    }
}
