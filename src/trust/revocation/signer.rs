//! Who signed a CRL, and whether that is somebody who may (RFC 5280 6.3.3 (f) and (g)).

use std::sync::Arc;

use super::check::{Checker, TOO_MANY, Unheard, names_key_of};
use super::{Crl, MAX_NESTED_SIGNERS};
use crate::ek::{Certificate, KeyUsage};
use crate::finding::Severity;
use crate::trust::policy_graph::PolicyInputs;
use crate::trust::search::{Search, Task};
use crate::trust::signature::{self, SignatureError, Signed};
use crate::trust::{Store, Usage};

/// Why none of those looked at has signed, as far as it tells something.
#[derive(Default)]
struct Refusal {
    odd: Option<String>,
    plain: Option<String>,
}

impl Checker<'_> {
    /// Whether somebody signed the CRL who may speak of `certificate`: one of `above` with
    /// the CRL issuer's name, whom the path has verified, or a certificate of the store
    /// with that name that has a path of its own to the same anchor.
    pub(super) fn check_signer(
        &mut self,
        index: usize,
        crl: &Arc<Crl>,
        certificate: &Certificate,
        above: &[Arc<Certificate>],
    ) -> Result<(), Unheard> {
        let mut refusal = Refusal::default();
        let named = |candidate: &Certificate| candidate.subject().key() == crl.issuer().key();
        for signer in above.iter().filter(|candidate| named(candidate)) {
            match self.signed_by(index, crl, signer)? {
                Ok(()) if may_sign(signer) => return Ok(()),
                Ok(()) => refusal.odd(NO_CRL_SIGN),
                Err(error) => refusal.note(&error, names_key_of(crl, signer)),
            }
        }
        let is_direct = crl.issuer().key() == certificate.issuer().key();
        let store = self.store;
        for (signer_index, signer) in store.certificates_named(crl.issuer()) {
            let is_above = above.iter().any(|known| known.sha256() == signer.sha256());
            // One that the CRL says is another's is only asked if it is in the path.
            if is_above || names_key_of(crl, signer) == Some(false) {
                continue;
            }
            match self.signed_by(index, crl, signer)? {
                Ok(()) if !may_sign(signer) => refusal.odd(NO_CRL_SIGN),
                Ok(()) => match self.check_apart(signer_index, above, is_direct) {
                    Ok(()) => return Ok(()),
                    Err(why) if why.is_odd => refusal.odd(&why.why),
                    Err(why) => refusal.plain = refusal.plain.or(Some(why.why)),
                },
                Err(_) => {}
            }
        }
        Err(refusal.into_unheard(crl, above, store))
    }

    /// Whether this certificate of the store, which is not in the path and whose key signed
    /// the CRL, may do so.
    fn check_apart(
        &mut self,
        signer_index: usize,
        above: &[Arc<Certificate>],
        is_direct: bool,
    ) -> Result<(), Unheard> {
        let (Some(issuer), Some(anchor)) = (above.first(), above.last()) else {
            return Err(Unheard::plain("there is no issuer"));
        };
        let Some(signer) = self.store.certificate(signer_index).map(Arc::clone) else {
            return Err(Unheard::plain("its signer is not in the store"));
        };
        if self.under_way.len() > MAX_NESTED_SIGNERS {
            return Err(Unheard::odd(format!(
                "its signer rests on more than {MAX_NESTED_SIGNERS} CRLs with signers of their own"
            )));
        }
        let inputs = PolicyInputs::default();
        let task = Task {
            store: self.store,
            policy: self.policy,
            at: self.at,
            usage: Usage::Any,
            inputs: &inputs,
        };
        let mut search = Search::new(task, &[], self.work).for_crl_signer(
            anchor,
            self.rule,
            self.under_way.clone(),
        );
        let Some(path) = search.run(&signer) else {
            let failure = search.into_best().map(|(_, failure)| failure);
            self.exhausted |= self.work.has_spent_crl_signatures();
            let why = failure.as_ref().and_then(|failure| {
                let mut findings = failure.findings.iter();
                findings.find(|finding| finding.severity == Severity::Error)
            });
            return Err(Unheard::odd(format!(
                "its signer '{}' (SHA-256 {}) is not trusted: {}",
                signer.subject(),
                signer.sha256(),
                why.map_or("it has no path to the same anchor", |finding| &finding
                    .message)
            )));
        };
        let path = path.certificates();
        if path
            .iter()
            .any(|one| self.under_way.contains(&one.sha256()))
        {
            return Err(Unheard::odd(
                "its signer has no other voucher than the certificate that is in question",
            ));
        }
        // Another CA of the same name speaks of its own certificates, itself or by somebody
        // whom it certified. One that signs nothing but CRLs does so for the CA, and so
        // does one that the CA's key vouches for under the same name, as when it gets a
        // new key.
        let is_named = |one: &Certificate| one.subject().key() == issuer.subject().key();
        let is_linked = path
            .iter()
            .any(|one| is_named(one) && one.spki_der() == issuer.spki_der());
        let signs_certificates = signer
            .extensions()
            .key_usage
            .is_none_or(|usage| usage.allows(KeyUsage::KEY_CERT_SIGN));
        let has_namesake = path.iter().skip(1).any(|one| is_named(one));
        if is_direct && !is_linked && (signs_certificates || has_namesake) {
            return Err(Unheard::plain(
                "another CA of the same name signed it, with another key",
            ));
        }
        Ok(())
    }

    fn signed_by(
        &mut self,
        index: usize,
        crl: &Crl,
        signer: &Certificate,
    ) -> Result<Result<(), SignatureError>, Unheard> {
        let store = self.store;
        let verify = || match store.index_of(signer) {
            Some(signer_index) => store.verify_stored_crl(index, crl, signer_index, signer),
            None => verify(crl, signer),
        };
        let is_likely = names_key_of(crl, signer) != Some(false);
        self.work
            .crl_signature(crl.sha256(), signer.sha256(), is_likely, verify)
            .ok_or_else(|| {
                self.exhausted |= is_likely;
                Unheard::plain(TOO_MANY)
            })
    }
}

const NO_CRL_SIGN: &str = "its signer may not sign CRLs (key usage)";

/// Whether the key of `signer` made the signature on the CRL.
pub(in crate::trust) fn verify(crl: &Crl, signer: &Certificate) -> Result<(), SignatureError> {
    let signed = Signed {
        algorithm: crl.signature_algorithm_der(),
        algorithms_agree: crl.signature_algorithms_agree(),
        message: crl.tbs_der(),
        signature: crl.signature(),
    };
    signature::verify_signed(signed, signer)
}

/// RFC 5280 6.3.3 (f): cRLSign, if the signer has a key usage.
pub(super) fn may_sign(signer: &Certificate) -> bool {
    signer
        .extensions()
        .key_usage
        .is_none_or(|usage| usage.allows(KeyUsage::CRL_SIGN))
}

impl Refusal {
    fn odd(&mut self, why: &str) {
        self.odd.get_or_insert_with(|| why.to_owned());
    }

    /// A signature that a verified CA of that name did not make.
    fn note(&mut self, error: &SignatureError, names_its_key: Option<bool>) {
        match (error, names_its_key) {
            (_, Some(false)) => {}
            (SignatureError::Unsupported(_), _) => self.odd(&error.to_string()),
            (SignatureError::Invalid, Some(true)) => self.odd(
                "it names its issuer's key, and that key does not verify its signature: it is altered \
                 or forged",
            ),
            (SignatureError::Invalid, None) => {
                self.plain = Some("its issuer's key does not verify its signature".to_owned());
            }
        }
    }

    fn into_unheard(self, crl: &Crl, above: &[Arc<Certificate>], store: &Store) -> Unheard {
        if let Some(why) = self.odd {
            return Unheard::odd(why);
        }
        let other_key = "another CA of the same name signed it, with another key".to_owned();
        // A CRL that names no key may be that of a namesake, if there is one.
        let has_namesake = above.iter().any(|issuer| {
            let mut named = store.certificates_named(crl.issuer());
            issuer.subject().key() == crl.issuer().key()
                && named.any(|(_, other)| other.spki_der() != issuer.spki_der())
        });
        match self.plain {
            Some(why) if !has_namesake => Unheard::odd(why),
            Some(why) => Unheard::plain(why),
            None if above
                .iter()
                .any(|issuer| issuer.subject().key() == crl.issuer().key()) =>
            {
                Unheard::plain(other_key)
            }
            None => Unheard::plain("the certificate of its signer is not in the store"),
        }
    }
}
