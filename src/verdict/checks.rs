//! Which checks were made, and how they went.

use std::borrow::Cow;

use super::judge::Judgement;
use super::{Check, CheckStatus};
use crate::finding::{Code, Severity};
use crate::identifier::Identifier;
use crate::trust::revocation::{CertificateStatus, RevocationState};
use crate::trust::{Store, Usage};

impl Judgement<'_> {
    pub(super) fn checks(&self, identifier: &Identifier, store: &Store) -> Vec<Check> {
        let mut checks = vec![passed("read", identifier.kind.as_str())];
        let has_certificate = !self.ekcerts.is_empty();
        let mut judged = self
            .ekcerts
            .iter()
            .filter(|c| c.needed || self.usage == Usage::Any)
            .peekable();
        // A certificate that no key rests on does not make a check.
        let has_judged = judged.peek().is_some();
        let reached_anchor = has_judged
            && judged.all(|c| match &c.path {
                Ok(_) => true,
                Err(failure) => failure.reached_anchor,
            });
        let every_key_has_one = !self.ekpubs.is_empty()
            && self.ekpubs.iter().all(|ekpub| {
                let mut keys = self.ekcerts.iter().map(|c| c.key.as_ref());
                keys.any(|key| key == Some(&ekpub.key))
            });
        let mut by_codes = |name, made: bool, codes: &[Code], fine, not_made| {
            let failed = self
                .findings
                .iter()
                .find(|f| f.severity == Severity::Error && codes.contains(&f.code));
            // Age and strength, which the policy may have let pass.
            let let_pass = self.findings.iter().any(|f| {
                f.severity == Severity::Warning
                    && codes.contains(&f.code)
                    && f.code.may_be_weakened()
            });
            checks.push(match failed {
                Some(finding) => Check {
                    name,
                    status: CheckStatus::Failed,
                    reason: finding.code.as_str().into(),
                },
                None if made && let_pass => passed(name, "with a warning, which see"),
                None if made => passed(name, fine),
                None => not_checked(name, not_made),
            });
        };
        let no_certificate = "there is no EKcert";
        let no_path = match (has_certificate, has_judged) {
            (true, true) => "no path to an anchor was built",
            (true, false) => "no EKcert is for a key in question",
            (false, _) => no_certificate,
        };
        let no_match = match has_certificate {
            true => "not every EKpub has an EKcert",
            false => no_certificate,
        };
        let ek = self.usage == Usage::Ek;
        let any = "not asked for with --usage any";
        let without = |reason: &'static str| if ek { reason } else { any };

        by_codes(
            "ekcert-present",
            has_certificate,
            &[Code::EkcertMissing],
            "every EKpub has an EKcert",
            no_certificate,
        );
        by_codes(
            "key-match",
            ek && every_key_has_one,
            &[Code::KeyMismatch],
            "every EKpub is the key in an EKcert",
            without(no_match),
        );
        by_codes(
            "key-strength",
            ek && !self.ekpubs.is_empty(),
            &[
                Code::WeakKeySize,
                Code::WeakKeyExponent,
                Code::WeakKeyModulus,
                Code::WeakKeyPoint,
                Code::Roca,
                Code::SharedPrime,
            ],
            "size, numbers and the ROCA fingerprint",
            without("no key could be read"),
        );
        by_codes(
            "path",
            reached_anchor,
            &[
                Code::IssuerUnknown,
                Code::AnchorUntrusted,
                Code::IntermediateFromInput,
                Code::BudgetExhausted,
            ],
            "a path leads to an anchor in the root store",
            no_path,
        );
        by_codes(
            "signatures",
            reached_anchor,
            &[
                Code::SignatureInvalid,
                Code::AlgorithmUnsupported,
                Code::Sha1Signature,
            ],
            "every signature of the path, over the bytes received",
            no_path,
        );
        by_codes(
            "validity",
            reached_anchor,
            &[Code::Expired, Code::NotYetValid],
            "every certificate of the path, under the policy's expiry rule",
            no_path,
        );
        by_codes(
            "ca-constraints",
            reached_anchor,
            &[
                Code::NotACa,
                Code::PathTooLong,
                Code::NameConstraint,
                Code::PolicyConstraint,
                Code::CriticalExtension,
            ],
            "basic constraints, path length, key usage, names, policies, critical extensions",
            no_path,
        );
        by_codes(
            "usage",
            ek && reached_anchor,
            &[Code::EkuMissing, Code::ProfileCa, Code::ProfileKeyUsage],
            "what the certificates say they are for",
            without(no_path),
        );
        let vendors_limited = !self.policy.vendors.is_empty();
        by_codes(
            "vendor",
            ek && has_judged && vendors_limited,
            &[Code::VendorNotAllowed],
            "the TPM's manufacturer is one that the policy allows",
            if vendors_limited {
                without(no_path)
            } else {
                "the policy allows every vendor"
            },
        );
        checks.push(self.revocation_check(store, reached_anchor, no_path));
        checks.push(not_checked(
            "possession",
            "a file only claims an EK; that the host holds the private key is proven by a challenge",
        ));
        checks
    }

    /// Passed if every certificate below an anchor is known not to be revoked; the policy
    /// may have let pass that the CRLs for some are out of date.
    fn revocation_check(
        &self,
        store: &Store,
        reached_anchor: bool,
        no_path: &'static str,
    ) -> Check {
        const NAME: &str = "revocation";
        const CODES: [Code; 3] = [
            Code::Revoked,
            Code::RevocationUnknown,
            Code::RevocationStale,
        ];
        let failed = self
            .findings
            .iter()
            .find(|f| f.severity == Severity::Error && CODES.contains(&f.code));
        if let Some(finding) = failed {
            return Check {
                name: NAME,
                status: CheckStatus::Failed,
                reason: finding.code.as_str().into(),
            };
        }
        let states: Vec<&RevocationState> = self
            .ekcerts
            .iter()
            .filter(|c| c.needed || self.usage == Usage::Any)
            .flat_map(|c| c.revocation())
            .map(CertificateStatus::state)
            .collect();
        let count = |wanted: fn(&RevocationState) -> bool| {
            states.iter().filter(|state| wanted(state)).count()
        };
        let unknown = count(|state| matches!(state, RevocationState::Unknown(_)));
        let stale = count(|state| matches!(state, RevocationState::Stale(_)));
        match (reached_anchor, states.len()) {
            (false, _) => not_checked(NAME, no_path),
            (true, 0) => not_checked(NAME, "the certificate is itself an anchor"),
            (true, _) if !store.has_crls() => not_checked(
                NAME,
                "no CRL was given (--crls), and there is none in the store",
            ),
            (true, all) if unknown > 0 => not_checked(
                NAME,
                format!("no usable CRL for {unknown} of {all} certificates, which see"),
            ),
            (true, all) if stale > 0 => passed(
                NAME,
                format!("the CRLs for {stale} of {all} certificates are out of date, which see"),
            ),
            (true, _) => passed(
                NAME,
                "every certificate below the anchor, in up-to-date CRLs that its issuer stands by",
            ),
        }
    }
}

fn passed(name: &'static str, reason: impl Into<Cow<'static, str>>) -> Check {
    Check {
        name,
        status: CheckStatus::Passed,
        reason: reason.into(),
    }
}

fn not_checked(name: &'static str, reason: impl Into<Cow<'static, str>>) -> Check {
    Check {
        name,
        status: CheckStatus::NotChecked,
        reason: reason.into(),
    }
}
