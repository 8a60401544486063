//! Which issuers of a certificate are missing, and whether what came is one of them:
//! without asking anybody.

use std::fmt;
use std::sync::Arc;

use crate::der::Time;
use crate::ek::{Certificate, KeyUsage};
use crate::finding::{Code, Finding, Severity};
use crate::hash::Sha256Digest;
use crate::trust::{
    PathFailure, Policy, PolicyInputs, Store, Supplied, Usage, VerifiedPath, is_self_signed,
    verify_signature,
};

/// What is trusted, and when.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The anchors and the intermediates that are there already.
    pub store: &'a Store,
    /// What the operator accepts.
    pub policy: &'a Policy,
    /// The time at which certificates must be valid.
    pub at: Time,
}

/// The way up from one certificate, as far as it is known.
#[derive(Debug)]
pub(super) struct Ascent<'a> {
    basis: Basis<'a>,
    /// That of the basis, but for one thing: what is fetched here is for the store, so it
    /// does not count as coming with an input.
    policy: Policy,
    certificate: Arc<Certificate>,
    /// CA certificates that came with the input.
    beside: Vec<Arc<Certificate>>,
    /// What was fetched, each with the URL that gave it. Each has signed the certificate
    /// of another step or of the start; that is all that is known of it.
    fetched: Vec<(Arc<Certificate>, String)>,
}

/// Where an ascent stands.
#[derive(Debug)]
pub(super) enum Progress {
    /// There is a path to an anchor.
    Complete,
    /// The issuer of this certificate is nowhere.
    Missing(Arc<Certificate>, Box<PathFailure>),
    /// There is no path, for a reason that no issuer would mend.
    Refused(Box<PathFailure>),
}

/// What became of certificates that came.
#[derive(Debug)]
pub(super) struct Offered {
    /// Whether any was taken.
    pub(super) any_taken: bool,
    /// The others, and why not.
    pub(super) unfit: Vec<(Arc<Certificate>, Unfit)>,
}

/// Why a certificate that came is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// It is self-signed. A root is trusted because somebody compared it, never because
    /// it came; `issuer` says whether it has signed the certificate below.
    Root {
        /// Whether it is the issuer that was looked for.
        issuer: bool,
    },
    /// It was there before: the way goes round in circles, or not up at all.
    Repeated,
    /// It has another name than the issuer.
    OtherName,
    /// It has the issuer's name, and has not signed.
    OtherKey,
    /// It has signed, and may not: it is no CA, or not for certificates.
    NoCa,
}

impl<'a> Ascent<'a> {
    pub(super) fn new(
        basis: Basis<'a>,
        certificate: Arc<Certificate>,
        beside: Vec<Arc<Certificate>>,
    ) -> Self {
        let mut policy = basis.policy.clone();
        // Its default is no error, so this cannot fail.
        let _ = policy.set_severity(Code::IntermediateFromInput, Severity::Info);
        Self {
            basis,
            policy,
            certificate,
            beside,
            fetched: Vec::new(),
        }
    }

    /// Where it stands now.
    pub(super) fn progress(&self) -> Progress {
        match self.verify(&self.certificate) {
            Ok(_) => Progress::Complete,
            Err(mut failure) => {
                let is_from_input = |finding: &Finding| finding.code == Code::IntermediateFromInput;
                failure.findings.retain(|finding| !is_from_input(finding));
                let unknown = |finding: &Finding| finding.code == Code::IssuerUnknown;
                match failure.partial.last() {
                    Some(tip) if failure.findings.iter().any(unknown) => {
                        Progress::Missing(Arc::clone(tip), failure)
                    }
                    _ => Progress::Refused(failure),
                }
            }
        }
    }

    /// Takes of the certificates that came those that are the issuer of `tip`, or of one
    /// that was taken.
    pub(super) fn offer(
        &mut self,
        tip: &Arc<Certificate>,
        offered: &[Arc<Certificate>],
        url: &str,
    ) -> Offered {
        let before = self.fetched.len();
        let mut open: Vec<Arc<Certificate>> = Vec::new();
        for certificate in offered {
            if !open.contains(certificate) {
                open.push(Arc::clone(certificate));
            }
        }
        // A bundle may be in any order. Each pair is looked at once.
        let mut below = vec![Arc::clone(tip)];
        while let Some(certificate) = below.pop() {
            let (issuers, others): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|candidate| self.why_not(&certificate, candidate).is_none());
            for issuer in issuers {
                self.fetched.push((Arc::clone(&issuer), url.to_owned()));
                below.push(issuer);
            }
            open = others;
        }
        let unfit = open.into_iter().map(|candidate| {
            let why = self.why_not(tip, &candidate).unwrap_or(Unfit::Repeated);
            (candidate, why)
        });
        Offered {
            unfit: unfit.collect(),
            any_taken: self.fetched.len() > before,
        }
    }

    /// What was fetched and is part of a path to an anchor that stands: each is the issuer
    /// of the certificate below it, and is validated itself.
    pub(super) fn proven(&self) -> Vec<(VerifiedPath, String)> {
        self.fetched
            .iter()
            .filter_map(|(certificate, url)| {
                let path = self.verify(certificate).ok()?;
                Some((path, url.clone()))
            })
            .collect()
    }

    /// What was fetched and is not proven.
    pub(super) fn unproven(&self, proven: &[Sha256Digest]) -> Vec<&Arc<Certificate>> {
        let fetched = self.fetched.iter().map(|(certificate, _)| certificate);
        fetched
            .filter(|certificate| !proven.contains(&certificate.sha256()))
            .collect()
    }

    /// Whether this very certificate is in the store already.
    pub(super) fn is_stored(&self, certificate: &Certificate) -> bool {
        self.basis.store.contains(certificate)
    }

    fn verify(&self, certificate: &Arc<Certificate>) -> Result<VerifiedPath, Box<PathFailure>> {
        let fetched = self.fetched.iter().map(|(certificate, _)| certificate);
        let mut supplied = Supplied::new(fetched.chain(&self.beside).cloned());
        self.basis.store.verify_with(
            certificate,
            &self.policy,
            self.basis.at,
            // What an EKcert must be is for its verdict; here issuers are looked for.
            Usage::Any,
            &PolicyInputs::default(),
            &mut supplied,
        )
    }

    /// Why `candidate` is not taken for the issuer of `certificate`; `None` if it is.
    fn why_not(&self, certificate: &Certificate, candidate: &Arc<Certificate>) -> Option<Unfit> {
        let names_fit = !candidate.subject().is_empty()
            && candidate.subject().key() == certificate.issuer().key();
        let has_signed = names_fit && verify_signature(certificate, candidate).is_ok();
        if is_self_signed(candidate) {
            return Some(Unfit::Root { issuer: has_signed });
        }
        let fetched = self.fetched.iter().map(|(fetched, _)| fetched);
        if fetched
            .chain([&self.certificate])
            .any(|known| known == candidate)
        {
            return Some(Unfit::Repeated);
        }
        let may_sign = candidate.is_ca()
            && candidate
                .extensions()
                .key_usage
                .is_none_or(|usage| usage.allows(KeyUsage::KEY_CERT_SIGN));
        match (names_fit, has_signed, may_sign) {
            (false, ..) => Some(Unfit::OtherName),
            (true, false, _) => Some(Unfit::OtherKey),
            (true, true, false) => Some(Unfit::NoCa),
            (true, true, true) => None,
        }
    }
}

/// To be said after the name of the certificate.
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root { issuer: true } => "is a self-signed root, and the issuer",
            Self::Root { issuer: false } => "is a self-signed root, and not the issuer",
            Self::Repeated => "was there before, so that the URLs lead in a circle",
            Self::OtherName => "has another name than the issuer",
            Self::OtherKey => "has the issuer's name, but its key did not make the signature",
            Self::NoCa => "has signed, but is no CA that may sign certificates",
        })
    }
}
