//! Path building: from a certificate, over names and key identifiers, to an anchor.

use std::sync::Arc;

use super::failure::{self, DeadEnd, Rank};
pub use super::policy_graph::PolicyInputs;
use super::signature::{self, SignatureError};
use super::store::Entry;
use super::supplied::Work;
use super::{Origin, Policy, Store, Supplied, ek_rules, validate};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::{Finding, Severity};
use crate::hash::Sha256Digest;

/// The most certificates in a path, anchor and end entity included. Intel's on-die
/// chains have eight.
pub const MAX_PATH_LEN: usize = 16;

/// The most signatures that are verified for one end entity, and the most that are
/// verified because of [`Supplied`] certificates: webpki's limit, set after
/// CVE-2018-16875 (Go) and its own like it.
pub const MAX_SIGNATURES: usize = 100;

/// The most steps from a certificate to a candidate issuer, with the same two
/// meanings. A signature is verified once, but the paths through many
/// cross-certificates still multiply.
pub(super) const MAX_STEPS: usize = 2_000;

/// What a path is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// An endorsement key certificate.
    Ek,
    /// Plain RFC 5280 path validation of any certificate.
    Any,
}

/// A path that was verified. Only [`Store::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedPath {
    certificates: Vec<Arc<Certificate>>,
    anchor_origin: Origin,
    findings: Vec<Finding>,
}

/// Why there is no verified path: the most useful failure, and how far it got.
#[derive(Clone, Debug)]
pub struct PathFailure {
    /// The certificates from the end entity as far as the path was built.
    pub partial: Vec<Arc<Certificate>>,
    /// Whether the last of them is an anchor.
    pub reached_anchor: bool,
    /// What failed; at least one is an error.
    pub findings: Vec<Finding>,
}

impl VerifiedPath {
    /// The certificates, end entity first, anchor last. One alone is its own anchor.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// Where the anchor came from.
    pub fn anchor_origin(&self) -> &Origin {
        &self.anchor_origin
    }

    /// What was noticed on the way, none of it an error.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl Store {
    /// Builds and verifies a path from `certificate` to an anchor, over certificates
    /// of the store alone, accepting any certificate policy.
    ///
    /// # Errors
    /// The most useful failure of all paths that were tried.
    pub fn verify(
        &self,
        certificate: &Arc<Certificate>,
        policy: &Policy,
        at: Time,
        usage: Usage,
    ) -> Result<VerifiedPath, Box<PathFailure>> {
        let mut nothing = Supplied::default();
        self.verify_with(
            certificate,
            policy,
            at,
            usage,
            &PolicyInputs::default(),
            &mut nothing,
        )
    }

    /// The same with the certificate policy inputs of RFC 5280 6.1.1, and with
    /// certificates that came with the input as intermediates that may be tried after
    /// those of the store. They are validated like any other, and the
    /// path says which of them it needed: `intermediate-from-input`.
    ///
    /// # Errors
    /// The most useful failure of all paths that were tried.
    pub fn verify_with(
        &self,
        certificate: &Arc<Certificate>,
        policy: &Policy,
        at: Time,
        usage: Usage,
        inputs: &PolicyInputs,
        supplied: &mut Supplied,
    ) -> Result<VerifiedPath, Box<PathFailure>> {
        let (supplied, work) = supplied.parts();
        // One that is stored as well is the stored one.
        let supplied: Vec<&Arc<Certificate>> = supplied
            .iter()
            .filter(|certificate| !self.contains(certificate))
            .collect();
        let stored = self.index_of(certificate);
        let place = stored
            .and_then(|index| Some(Place::Stored(index, self.entry(index)?)))
            .unwrap_or(Place::Apart);
        let mut search = Search {
            store: self,
            policy,
            at,
            usage,
            inputs,
            supplied: &[],
            work,
            path: Vec::with_capacity(4),
            signatures: 0,
            asked: Vec::new(),
            steps: 0,
            exhausted: false,
            best: None,
        };
        // What the store can do alone it does alone, whatever came with the input.
        let mut found = search.run(Link { certificate, place });
        if found.is_none() && !supplied.is_empty() {
            let alone = search.best.take();
            search = search.again_with(&supplied);
            found = search.run(Link { certificate, place });
            // Nor may an input hide what the store says of it: that its signature is not
            // that of the issuer it names.
            let with = search.best.take();
            let rank = with.as_ref().map_or(Rank::UnknownIssuer, |(rank, _)| *rank);
            search.best = alone.filter(|(alone, _)| *alone > rank).or(with);
        }
        match found {
            Some(path) => Ok(path),
            None => Err(Box::new(search.failure())),
        }
    }
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
struct Search<'s> {
    store: &'s Store,
    policy: &'s Policy,
    at: Time,
    usage: Usage,
    inputs: &'s PolicyInputs,
    supplied: &'s [&'s Arc<Certificate>],
    /// What the supplied certificates have cost, in this search and those before it.
    work: &'s mut Work,
    path: Vec<Link<'s>>,
    signatures: usize,
    /// Pairs of certificates whose signature was asked for. One counts whether or not
    /// the store remembers it, so that no verdict depends on those before it.
    asked: Vec<(Sha256Digest, Sha256Digest)>,
    steps: usize,
    exhausted: bool,
    best: Option<(Rank, PathFailure)>,
}

impl<'s> Search<'s> {
    /// The same search from its beginning, with certificates of the input.
    fn again_with(self, supplied: &'s [&'s Arc<Certificate>]) -> Self {
        Self {
            supplied,
            path: Vec::with_capacity(4),
            signatures: 0,
            asked: Vec::new(),
            steps: 0,
            exhausted: false,
            best: None,
            ..self
        }
    }

    fn run(&mut self, first: Link<'s>) -> Option<VerifiedPath> {
        self.path.push(first);
        match first.place {
            // What lies in the root store is trusted as it stands.
            Place::Stored(_, entry) if entry.is_root => self.complete(entry),
            _ => self.extend(first),
        }
    }

    /// Tries every candidate issuer of `tip`, the last certificate of the path.
    fn extend(&mut self, tip: Link<'s>) -> Option<VerifiedPath> {
        if self.path.len() >= MAX_PATH_LEN {
            self.exhausted = true;
            return None;
        }
        let mut refused: Vec<(&'s Certificate, SignatureError)> = Vec::new();
        let mut found_issuer = false;
        for issuer in self.candidates(tip) {
            if self.is_in_path(issuer.certificate) {
                continue;
            }
            if !self.may_step_to(issuer) {
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
        let store: &'s Store = self.store;
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
    fn may_step_to(&mut self, issuer: Link<'s>) -> bool {
        self.steps = self.steps.saturating_add(1);
        let may = self.steps <= MAX_STEPS && self.signatures < MAX_SIGNATURES;
        may && (!issuer.is_supplied() || self.work.step())
    }

    fn check_signature(&mut self, tip: Link<'s>, issuer: Link<'s>) -> Result<(), SignatureError> {
        let pair = (tip.certificate.sha256(), issuer.certificate.sha256());
        if !self.asked.contains(&pair) {
            self.asked.push(pair);
            self.signatures = self.signatures.saturating_add(1);
        }
        match (tip.place, issuer.place) {
            (Place::Stored(index, _), Place::Stored(issuer_index, _)) => {
                self.store
                    .verify_stored(index, tip.certificate, issuer_index, issuer.certificate)
            }
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
            if !self.may_step_to(tip) {
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
            self.note(dead_end.rank(), vec![finding], false);
        }
    }

    /// Validates the path, which now ends in an anchor.
    fn complete(&mut self, anchor: &Entry) -> Option<VerifiedPath> {
        let certificates: Vec<&Certificate> = self
            .path
            .iter()
            .map(|link| link.certificate.as_ref())
            .collect();
        let mut findings = validate::validate(&certificates, self.policy, self.at, self.inputs);
        if self.usage == Usage::Ek {
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
            if self.usage == Usage::Ek {
                findings.extend(ek_rules::check_beyond_store(&certificates));
            }
        }
        let findings: Vec<Finding> = findings
            .into_iter()
            .map(|finding| self.policy.weigh(finding))
            .collect();
        let errors = findings
            .iter()
            .filter(|f| f.severity == Severity::Error)
            .count();
        if errors > 0 {
            self.note(
                Rank::Refused(usize::MAX.saturating_sub(errors)),
                findings,
                true,
            );
            return None;
        }
        Some(VerifiedPath {
            certificates: self.path_certificates(),
            anchor_origin: anchor.origin.clone(),
            findings,
        })
    }

    fn tells_more(&self, rank: Rank) -> bool {
        self.best.as_ref().is_none_or(|(best, _)| rank > *best)
    }

    /// Keeps the failure if it says more than the best so far.
    fn note(&mut self, rank: Rank, findings: Vec<Finding>, reached_anchor: bool) {
        if self.tells_more(rank) {
            let partial = self.path_certificates();
            self.best = Some((
                rank,
                PathFailure {
                    partial,
                    reached_anchor,
                    findings,
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

    fn failure(mut self) -> PathFailure {
        let mut failure = match self.best.take() {
            Some((_, failure)) => failure,
            None => PathFailure {
                partial: self.path_certificates(),
                reached_anchor: false,
                findings: Vec::new(),
            },
        };
        if self.exhausted || failure.findings.is_empty() {
            failure.findings.insert(0, failure::budget());
        }
        failure
    }
}
