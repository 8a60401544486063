//! CA certificates beside the EKcerts of an input: they may lead to an anchor, and
//! vouch for nothing by themselves.

use std::sync::Arc;

use super::judge::{CertificateUnderJudgement, Judgement};
use super::wording::certificate_unused;
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::{Fault, Finding};
use crate::identifier::Identifier;
use crate::trust::{PolicyInputs, Store, Supplied, Usage};

impl Judgement<'_> {
    pub(super) fn verify_certificates(&mut self, identifier: &Identifier, store: &Store, at: Time) {
        let certificates: Vec<Arc<Certificate>> = identifier
            .ekcerts
            .iter()
            .map(|ekcert| Arc::new(ekcert.certificate.clone()))
            .collect();
        let mut supplied = Supplied::new(
            certificates
                .iter()
                .filter(|certificate| self.may_be_issuer(certificate, identifier))
                .cloned(),
        );
        self.supplied = supplied
            .certificates()
            .iter()
            .filter(|certificate| !store.contains(certificate))
            .cloned()
            .collect();
        for (ekcert, certificate) in identifier.ekcerts.iter().zip(certificates) {
            // A CA certificate beside the EKcerts is looked at against the store alone:
            // nothing rests on its own path, and a file may hold many.
            let is_offered = supplied.certificates().contains(&certificate);
            let path = if self.usage == Usage::Ek && is_offered {
                store.verify(&certificate, self.policy, at, self.usage)
            } else {
                store.verify_with(
                    &certificate,
                    self.policy,
                    at,
                    self.usage,
                    &PolicyInputs::default(),
                    &mut supplied,
                )
            };
            let key = certificate.public_key();
            self.ekcerts.push(CertificateUnderJudgement {
                key_unsupported: matches!(&key, Err(error) if error.fault == Fault::Unsupported),
                key: key.ok(),
                source: ekcert.source.clone(),
                path,
                needed: false,
                passed_over: false,
                certificate,
            });
        }
    }

    /// A CA certificate, unless the input claims that its key is an EK: that is one
    /// thing or the other.
    fn may_be_issuer(&self, certificate: &Certificate, identifier: &Identifier) -> bool {
        let is_listed = || {
            let key = certificate.public_key().ok();
            let mut listed = identifier.ekpubs.iter();
            listed.any(|ekpub| Some(&ekpub.key) == key.as_ref())
        };
        certificate.is_ca() && (self.usage == Usage::Any || !is_listed())
    }

    /// Whether a path of an EKcert that is signed up to an anchor leads over this
    /// certificate: then its signature is right, whoever else has the name of its issuer,
    /// and whatever else is wrong with that path.
    pub(super) fn is_in_signed_path(&self, certificate: &Arc<Certificate>) -> bool {
        self.ekcerts.iter().any(|ekcert| match &ekcert.path {
            Ok(path) => path.certificates().contains(certificate),
            Err(failure) => failure.reached_anchor && failure.partial.contains(certificate),
        })
    }

    /// The CA certificates beside the EKcerts that are in no path, complete or not.
    pub(super) fn report_unused_cas(&mut self) {
        let in_paths: Vec<&Arc<Certificate>> = self
            .ekcerts
            .iter()
            .filter(|ekcert| !ekcert.passed_over)
            .flat_map(|ekcert| match &ekcert.path {
                Ok(path) => path.certificates(),
                Err(failure) => failure.partial.as_slice(),
            })
            .collect();
        let unused: Vec<Finding> = self
            .ekcerts
            .iter()
            .filter(|ekcert| ekcert.passed_over && !in_paths.contains(&&ekcert.certificate))
            .map(certificate_unused)
            .collect();
        for finding in unused {
            self.find(finding);
        }
    }
}
