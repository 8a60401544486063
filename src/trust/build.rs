//! Path building: from a certificate, over names and key identifiers, to an anchor.

use std::sync::Arc;

use super::failure::{self, Rank};
pub use super::policy_graph::PolicyInputs;
use super::signature::{self, SignatureError};
use super::store::Entry;
use super::{Origin, Policy, Store, ek_rules, validate};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::{Finding, Severity};

/// The most certificates in a path, anchor and end entity included. Intel's on-die
/// chains have eight.
pub const MAX_PATH_LEN: usize = 16;

/// The most signatures that are verified for one end entity: webpki's limit, set
/// after CVE-2018-16875 (Go) and its own like it.
pub const MAX_SIGNATURES: usize = 100;

/// The most steps from a certificate to a candidate issuer. A signature is verified
/// once, but the paths through many cross-certificates still multiply.
const MAX_STEPS: usize = 2_000;

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
    /// Builds and verifies a path from `certificate` to an anchor, accepting any
    /// certificate policy.
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
        self.verify_with(certificate, policy, at, usage, &PolicyInputs::default())
    }

    /// The same with the certificate policy inputs of RFC 5280 6.1.1.
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
    ) -> Result<VerifiedPath, Box<PathFailure>> {
        let mut search = Search {
            store: self,
            policy,
            at,
            usage,
            inputs,
            path: Vec::with_capacity(4),
            signatures: 0,
            asked: Vec::new(),
            steps: 0,
            exhausted: false,
            best: None,
        };
        search.path.push(Link {
            certificate,
            index: self.index_of(certificate),
        });
        match search.run() {
            Some(path) => Ok(path),
            None => Err(Box::new(search.failure())),
        }
    }
}

/// One certificate of the path being built.
#[derive(Clone, Copy)]
struct Link<'s> {
    certificate: &'s Arc<Certificate>,
    /// Its place in the store, if it is there.
    index: Option<usize>,
}

/// A depth-first search over candidate issuers.
struct Search<'s> {
    store: &'s Store,
    policy: &'s Policy,
    at: Time,
    usage: Usage,
    inputs: &'s PolicyInputs,
    path: Vec<Link<'s>>,
    signatures: usize,
    /// Pairs of stored certificates whose signature was asked for. One counts whether or
    /// not the store remembers it, so that no verdict depends on those before it.
    asked: Vec<(usize, usize)>,
    steps: usize,
    exhausted: bool,
    best: Option<(Rank, PathFailure)>,
}

impl<'s> Search<'s> {
    fn run(&mut self) -> Option<VerifiedPath> {
        let first = *self.path.last()?;
        match first.index.and_then(|index| self.store.entry(index)) {
            // What lies in the root store is trusted as it stands.
            Some(entry) if entry.is_root => self.complete(entry),
            _ => self.extend(first),
        }
    }

    /// Tries every candidate issuer of `tip`, the last certificate of the path.
    fn extend(&mut self, tip: Link<'s>) -> Option<VerifiedPath> {
        if self.path.len() >= MAX_PATH_LEN {
            self.exhausted = true;
            return None;
        }
        let store = self.store;
        let mut refused: Vec<(&'s Certificate, SignatureError)> = Vec::new();
        let mut found_issuer = false;
        for (index, entry) in self.candidates(tip) {
            if self.is_in_path(&entry.certificate) {
                continue;
            }
            self.steps = self.steps.saturating_add(1);
            if self.steps > MAX_STEPS || self.signatures >= MAX_SIGNATURES {
                self.exhausted = true;
                return None;
            }
            if let Err(error) = self.check_signature(store, tip, index, entry) {
                refused.push((&entry.certificate, error));
                continue;
            }
            found_issuer = true;
            let link = Link {
                certificate: &entry.certificate,
                index: Some(index),
            };
            self.path.push(link);
            let found = if entry.is_root {
                self.complete(entry)
            } else {
                self.extend(link)
            };
            if found.is_some() || self.exhausted {
                return found;
            }
            self.path.pop();
        }
        if !found_issuer {
            let (rank, finding) = failure::dead_end(tip.certificate, &refused);
            self.note(rank, vec![finding], false);
        }
        None
    }

    /// Candidate issuers: those with the key identifier that the authority key
    /// identifier names first, anchors before intermediates. The identifier is a
    /// hint only: 17 of Infineon's intermediates name another edition of their issuer.
    fn candidates(&self, tip: Link<'s>) -> Vec<(usize, &'s Entry)> {
        let store: &'s Store = self.store;
        let mut candidates: Vec<(usize, &Entry)> = store
            .with_subject(tip.certificate.issuer())
            .iter()
            .filter_map(|&index| Some((index, store.entry(index)?)))
            .collect();
        if candidates.len() > 1 {
            candidates.sort_by_key(|(_, entry)| {
                let named = failure::key_ids_match(tip.certificate, &entry.certificate);
                (named != Some(true), !entry.is_root)
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

    fn check_signature(
        &mut self,
        store: &Store,
        tip: Link<'_>,
        index: usize,
        issuer: &Entry,
    ) -> Result<(), SignatureError> {
        let Some(tip_index) = tip.index else {
            self.signatures = self.signatures.saturating_add(1);
            return signature::verify(tip.certificate, &issuer.certificate);
        };
        let pair = (tip_index, index);
        if !self.asked.contains(&pair) {
            self.asked.push(pair);
            self.signatures = self.signatures.saturating_add(1);
        }
        store.verify_stored(tip_index, tip.certificate, index, &issuer.certificate)
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

    /// Keeps the failure if it says more than the best so far.
    fn note(&mut self, rank: Rank, findings: Vec<Finding>, reached_anchor: bool) {
        if self.best.as_ref().is_none_or(|(best, _)| rank > *best) {
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
