//! The search for a path: depth first, over candidate issuers, within limits of work.

use std::sync::Arc;

use super::build::{MAX_PATH_LEN, MAX_SIGNATURES, MAX_STEPS, PathFailure, Usage, VerifiedPath};
use super::failure::{self, DeadEnd, Rank};
use super::policy_graph::PolicyInputs;
use super::revocation::{CertificateStatus, Checker, RevocationRule};
use super::signature::{self, SignatureError};
use super::store::Entry;
use super::supplied::Work;
use super::{Policy, Store, ek_rules, validate};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::{Finding, Severity};
use crate::hash::Sha256Digest;

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) struct Task<'s> {
    pub(super) store: &'s Store,
    pub(super) policy: &'s Policy,
    pub(super) at: Time,
    pub(super) usage: Usage,
    pub(super) inputs: &'s PolicyInputs,
}

/// One certificate of the path being built.
#[derive(Clone, Copy)]
struct Link<'s> {
    certificate: &'s Arc<Certificate>,
    place: Place<'s>,
}

/// Where a certificate is.
#[derive(Clone, Copy)]
enum Place<'s> {
    /// In the store, by index.
    Stored(usize, &'s Entry),
    /// Among those that came with the input.
    Supplied,
    /// It is the end entity.
    Apart,
}

impl Link<'_> {
    fn is_supplied(self) -> bool {
        matches!(self.place, Place::Supplied)
    }

    fn is_root(self) -> bool {
        matches!(self.place, Place::Stored(_, entry) if entry.is_root)
    }
}

/// A depth-first search over candidate issuers.
pub(super) struct Search<'s> {
    task: Task<'s>,
    supplied: &'s [&'s Arc<Certificate>],
    /// The only anchor that will do, for the signer of a CRL (RFC 5280 6.3.3 (f)).
    anchor: Option<&'s Certificate>,
    /// The rule of the path for which such a signer is looked for.
    rule: Option<RevocationRule>,
    /// The certificates whose revocation it is asked about.
    under_way: Vec<Sha256Digest>,
    /// What the supplied certificates have cost, in this search and those before it.
    work: &'s mut Work,
    path: Vec<Link<'s>>,
    signatures: usize,
    /// Pairs of certificates whose signature was asked for. One counts whether or not
    /// the store remembers it, so that no verdict depends on those before it.
    asked: Vec<(Sha256Digest, Sha256Digest)>,
    steps: usize,
    exhausted: bool,
    /// The first path that was given up for its length. Others are looked for all the
    /// same.
    too_long: Option<Vec<Arc<Certificate>>>,
    best: Option<Ranked>,
}

/// A failure, and how much it tells.
pub(super) type Ranked = (Rank, PathFailure);

impl<'s> Search<'s> {
    /// A search that may go over these certificates as well as over those of the store.
    pub(super) fn new(
        task: Task<'s>,
        supplied: &'s [&'s Arc<Certificate>],
        work: &'s mut Work,
    ) -> Self {
        Self {
            task,
            supplied,
            anchor: None,
            rule: None,
            under_way: Vec::new(),
            work,
            path: Vec::with_capacity(4),
            signatures: 0,
            asked: Vec::new(),
            steps: 0,
            exhausted: false,
            too_long: None,
            best: None,
        }
    }

    /// The same for the signer of a CRL about these certificates, under this anchor.
    pub(super) fn for_crl_signer(
        mut self,
        anchor: &'s Certificate,
        rule: RevocationRule,
        under_way: Vec<Sha256Digest>,
    ) -> Self {
        self.anchor = Some(anchor);
        self.rule = Some(rule);
        self.under_way = under_way;
        self
    }

    /// Searches a path from `certificate`.
    pub(super) fn run(&mut self, certificate: &'s Arc<Certificate>) -> Option<VerifiedPath> {
        let store: &'s Store = self.task.store;
        let place = match store.index_of(certificate) {
            Some(index) => Place::Stored(index, store.entry(index)?),
            None => Place::Apart,
        };
        let first = Link { certificate, place };
        self.path.push(first);
        match place {
            // What lies in the root store is trusted as it stands.
            Place::Stored(_, entry) if entry.is_root => self.complete(entry),
            _ => self.extend(first),
        }
    }

    /// Tries every candidate issuer of `tip`, the last certificate of the path.
    fn extend(&mut self, tip: Link<'s>) -> Option<VerifiedPath> {
        if self.path.len() >= MAX_PATH_LEN {
            if self.too_long.is_none() {
                self.too_long = Some(self.path_certificates());
            }
            return None;
        }
        let mut refused: Vec<(&'s Certificate, SignatureError)> = Vec::new();
        let mut found_issuer = false;
        for issuer in self.candidates(tip) {
            if self.is_in_path(issuer.certificate) {
                continue;
            }
            if !self.may_step(tip, issuer) {
                self.exhausted = true;
                return None;
            }
            if let Err(error) = self.check_signature(tip, issuer) {
                refused.push((issuer.certificate, error));
                continue;
            }
            found_issuer = true;
            self.path.push(issuer);
            let found = match issuer.place {
                Place::Stored(_, entry) if entry.is_root => self.complete(entry),
                _ => self.extend(issuer),
            };
            if found.is_some() || self.exhausted {
                return found;
            }
            self.path.pop();
        }
        if !found_issuer {
            self.note_dead_end(tip, &refused);
        }
        None
    }

    /// Candidate issuers: those of the store before those supplied. Of either those
    /// come first that have the key identifier which the authority key identifier
    /// names, anchors before intermediates. The identifier is a hint only: 17 of
    /// Infineon's intermediates name another edition of their issuer.
    fn candidates(&self, tip: Link<'s>) -> Vec<Link<'s>> {
        let store: &'s Store = self.task.store;
        let name = tip.certificate.issuer();
        let mut candidates: Vec<Link<'s>> = store
            .with_subject(name)
            .iter()
            .filter_map(|&index| {
                let entry = store.entry(index)?;
                Some(Link {
                    certificate: &entry.certificate,
                    place: Place::Stored(index, entry),
                })
            })
            .collect();
        // An empty name is nobody's, as in the store.
        if !name.is_empty() {
            candidates.extend(
                self.supplied
                    .iter()
                    .filter(|certificate| certificate.subject().key() == name.key())
                    .map(|certificate| Link {
                        certificate,
                        place: Place::Supplied,
                    }),
            );
        }
        if candidates.len() > 1 {
            candidates.sort_by_key(|link| {
                let named = failure::key_ids_match(tip.certificate, link.certificate);
                (link.is_supplied(), named != Some(true), !link.is_root())
            });
        }
        candidates
    }

    /// The same certificate, or another for the same name and key, must not come
    /// twice (RFC 4158 2.4.2): that is how loops end.
    fn is_in_path(&self, candidate: &Certificate) -> bool {
        self.path.iter().any(|link| {
            link.certificate.subject().key() == candidate.subject().key()
                && link.certificate.spki_der() == candidate.spki_der()
        })
    }

    /// Counts a step. `false` if a limit of work was passed.
    fn may_step(&mut self, tip: Link<'s>, issuer: Link<'s>) -> bool {
        self.steps = self.steps.saturating_add(1);
        let may = self.steps <= MAX_STEPS && self.signatures < MAX_SIGNATURES;
        let because_of_input = tip.is_supplied() || issuer.is_supplied();
        may && (!because_of_input || self.work.step())
    }

    fn check_signature(&mut self, tip: Link<'s>, issuer: Link<'s>) -> Result<(), SignatureError> {
        let pair = (tip.certificate.sha256(), issuer.certificate.sha256());
        if !self.asked.contains(&pair) {
            self.asked.push(pair);
            self.signatures = self.signatures.saturating_add(1);
        }
        match (tip.place, issuer.place) {
            (Place::Stored(index, _), Place::Stored(issuer_index, _)) => self
                .task
                .store
                .verify_stored(index, tip.certificate, issuer_index, issuer.certificate),
            (Place::Supplied, _) | (_, Place::Supplied) => {
                self.work.verify(tip.certificate, issuer.certificate)
            }
            _ => signature::verify(tip.certificate, issuer.certificate),
        }
    }

    /// No candidate issued `tip`.
    fn note_dead_end(&mut self, tip: Link<'s>, refused: &[(&Certificate, SignatureError)]) {
        let self_signed = if tip.certificate.is_self_issued() {
            // This, too, is a signature, of which an input may hold many.
            if !self.may_step(tip, tip) {
                self.exhausted = true;
                return;
            }
            self.check_signature(tip, tip).is_ok()
        } else {
            false
        };
        let dead_end = DeadEnd::new(tip.certificate, self_signed, refused);
        // There may be very many; only what is reported is put into words.
        if self.tells_more(dead_end.rank()) {
            let finding = dead_end.finding(tip.certificate);
            self.note(dead_end.rank(), vec![finding], None);
        }
    }

    /// Validates the path, which now ends in an anchor.
    fn complete(&mut self, anchor: &Entry) -> Option<VerifiedPath> {
        if let Some(wanted) = self.anchor
            && (wanted.subject().key() != anchor.certificate.subject().key()
                || wanted.spki_der() != anchor.certificate.spki_der())
        {
            return None;
        }
        let certificates: Vec<&Certificate> = self
            .path
            .iter()
            .map(|link| link.certificate.as_ref())
            .collect();
        let mut findings = validate::validate(
            &certificates,
            self.task.policy,
            self.task.at,
            self.task.inputs,
        );
        if self.task.usage == Usage::Ek {
            findings.extend(ek_rules::check(&certificates));
        }
        let supplied: Vec<&Certificate> = self
            .path
            .iter()
            .filter(|link| link.is_supplied())
            .map(|link| link.certificate.as_ref())
            .collect();
        if !supplied.is_empty() {
            self.work.validation();
            findings.push(failure::from_input(&supplied));
            if self.task.usage == Usage::Ek {
                findings.extend(ek_rules::check_beyond_store(&certificates));
            }
        }
        let revocation = self.check_revocation(&mut findings);
        let findings: Vec<Finding> = findings
            .into_iter()
            .map(|finding| self.task.policy.weigh(finding))
            .collect();
        let errors = findings
            .iter()
            .filter(|f| f.severity == Severity::Error)
            .count();
        if errors > 0 {
            let rank = Rank::Refused(usize::MAX.saturating_sub(errors));
            self.note(rank, findings, Some(revocation));
            return None;
        }
        Some(VerifiedPath {
            certificates: self.path_certificates(),
            anchor_origin: anchor.origin.clone(),
            findings,
            revocation,
        })
    }

    /// Looks the path up in the CRLs, whatever else is wrong with it: nothing that may be
    /// waived hides that a certificate is revoked.
    fn check_revocation(&mut self, findings: &mut Vec<Finding>) -> Vec<CertificateStatus> {
        let Task {
            store, policy, at, ..
        } = self.task;
        let path = self.path_certificates();
        let rule = self.rule.unwrap_or_else(|| {
            let end_entity = path.first();
            let vendor = end_entity.and_then(|certificate| certificate.extensions().tpm.vendor());
            policy.revocation.rule(vendor)
        });
        let under_way = self.under_way.clone();
        let mut checker = Checker::new(store, policy, at, rule, self.work, under_way);
        let states = checker.check_path(&path);
        if checker.is_exhausted() {
            findings.push(failure::crl_budget());
        }
        for state in &states {
            for finding in state.findings(rule, at, store.has_crls()) {
                // The same CRL may be odd for several certificates.
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        states
    }

    fn tells_more(&self, rank: Rank) -> bool {
        self.best.as_ref().is_none_or(|(best, _)| rank > *best)
    }

    /// Keeps the failure if it says more than the best so far. What is known of
    /// revocation is there if an anchor was reached.
    fn note(
        &mut self,
        rank: Rank,
        findings: Vec<Finding>,
        revocation: Option<Vec<CertificateStatus>>,
    ) {
        if self.tells_more(rank) {
            let partial = self.path_certificates();
            self.best = Some((
                rank,
                PathFailure {
                    partial,
                    reached_anchor: revocation.is_some(),
                    findings,
                    revocation: revocation.unwrap_or_default(),
                },
            ));
        }
    }

    fn path_certificates(&self) -> Vec<Arc<Certificate>> {
        self.path
            .iter()
            .map(|link| Arc::clone(link.certificate))
            .collect()
    }

    /// The best failure, for a search that found nothing.
    pub(super) fn into_best(self) -> Option<Ranked> {
        self.best
    }

    /// Why nothing was found. `alone` is the best failure of the search over the store
    /// alone: an input may not hide what the store says of it, such as that the issuer
    /// which it names did not sign it.
    pub(super) fn failure(mut self, alone: Option<Ranked>) -> PathFailure {
        let best = self.best.take();
        let too_long = self.too_long.take();
        let gave_up = self.exhausted || too_long.is_some();
        let rank = best.as_ref().map_or(Rank::UnknownIssuer, |(rank, _)| *rank);
        let best = alone.filter(|(alone, _)| *alone > rank).or(best);
        let mut failure = match best {
            Some((_, failure)) => failure,
            None => PathFailure {
                partial: too_long.unwrap_or_else(|| self.path_certificates()),
                reached_anchor: false,
                findings: Vec::new(),
                revocation: Vec::new(),
            },
        };
        if gave_up || failure.findings.is_empty() {
            failure.findings.insert(0, failure::budget());
        }
        failure
    }
}
