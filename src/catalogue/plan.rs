//! What an import would do to a store: pure, so that it can be shown before it is done.

use std::collections::BTreeSet;

use super::change::{Addition, Change};
use super::intake::Candidate;
use super::model::{Contents, Source, StoredCertificate};
use crate::ek::{Certificate, KeyUsage};
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::trust::{Pool, Purpose, is_self_signed};

/// Which certificates of a source are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these vendors, in any case; all if empty.
    pub vendors: Vec<String>,
    /// Not these.
    pub without_vendors: Vec<String>,
    /// For what.
    pub purpose: PurposeFilter,
    /// Whether roots are taken from a source that no signature vouches for.
    pub with_roots: bool,
}

/// For what the certificates are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PurposeFilter {
    /// To judge endorsement keys: all but those for attestation identity keys alone.
    #[default]
    Ek,
    /// Those for attestation identity keys alone.
    Aik,
    /// All.
    All,
}

/// Why a certificate of the source is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It is for something else than what is wanted.
    Purpose,
    /// It is of another vendor.
    Vendor,
    /// It is a root, and nothing vouches for the source.
    Root,
    /// It is no CA certificate.
    NotACa,
}

/// What an import would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What would be put into the store.
    pub add: Vec<Candidate>,
    /// What is in it already.
    pub unchanged: Vec<Candidate>,
    /// What of that came from a package whose signature was waived, while this one's is
    /// verified: this one's provenance takes the place of the other's.
    pub vouched: Vec<Candidate>,
    /// What is left out.
    pub left_out: Vec<(Candidate, LeftOut)>,
    /// What an earlier edition of the package had put into the store, and this one has not.
    pub dropped: Vec<StoredCertificate>,
}

impl LeftOut {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Purpose => "for another purpose",
            Self::Vendor => "of another vendor",
            Self::Root => "a root that no signature vouches for",
            Self::NotACa => "no CA certificate",
        }
    }
}

impl Filter {
    fn takes_vendor(&self, vendor: Option<&str>) -> bool {
        let among = |list: &[String]| {
            vendor.is_some_and(|own| list.iter().any(|name| name.eq_ignore_ascii_case(own)))
        };
        (self.vendors.is_empty() || among(&self.vendors)) && !among(&self.without_vendors)
    }

    fn takes_purpose(&self, purpose: Purpose) -> bool {
        match self.purpose {
            PurposeFilter::All => true,
            PurposeFilter::Ek => purpose != Purpose::Aik,
            PurposeFilter::Aik => purpose == Purpose::Aik,
        }
    }

    fn refuses(&self, candidate: &Candidate) -> Option<LeftOut> {
        if !self.takes_vendor(candidate.vendor.as_deref()) {
            Some(LeftOut::Vendor)
        } else if !belongs_in_store(&candidate.certificate, candidate.pool) {
            Some(LeftOut::NotACa)
        } else if !self.takes_purpose(candidate.purpose) {
            Some(LeftOut::Purpose)
        } else if candidate.pool == Pool::Root && !self.with_roots && !is_package(&candidate.source)
        {
            Some(LeftOut::Root)
        } else {
            None
        }
    }
}

/// Whether a certificate has a place in a store at all: one of a CA, or one that signs
/// revocation lists for one, as Intel's on-die CA has. Some old roots have no basic
/// constraints.
pub fn belongs_in_store(certificate: &Certificate, pool: Pool) -> bool {
    let extensions = certificate.extensions();
    let signs_lists = || {
        let usage = extensions.key_usage;
        usage.is_some_and(|usage| usage.allows(KeyUsage::CRL_SIGN))
    };
    match extensions.basic_constraints {
        Some(basic) if basic.ca => true,
        None if is_self_signed(certificate) => true,
        _ => pool == Pool::Intermediate && signs_lists(),
    }
}

fn is_package(source: &Source) -> bool {
    matches!(source, Source::Package { .. })
}

fn is_signed(source: &Source) -> bool {
    matches!(
        source,
        Source::Package {
            signature: Some(_),
            ..
        }
    )
}

impl Plan {
    /// What importing `candidates` into a store would do.
    ///
    /// What the source has dropped is only told of packages: what came from another package,
    /// of a vendor that the filter takes.
    pub fn of(candidates: Vec<Candidate>, filter: &Filter, contents: &Contents) -> Self {
        let mut plan = Self::default();
        let offered: BTreeSet<(Pool, Sha256Digest)> = candidates.iter().map(key).collect();
        let from_package = candidates
            .iter()
            .any(|candidate| is_package(&candidate.source));
        let unsigned: BTreeSet<(Pool, Sha256Digest)> = contents
            .certificates
            .iter()
            .filter(|stored| {
                let record = stored.record.as_ref();
                record
                    .is_some_and(|record| is_package(&record.source) && !is_signed(&record.source))
            })
            .map(|stored| (stored.pool, stored.certificate.sha256()))
            .collect();
        let mut seen = BTreeSet::new();
        let mut refused = BTreeSet::new();
        for candidate in candidates {
            if let Some(why) = filter.refuses(&candidate) {
                if refused.insert(key(&candidate)) {
                    plan.left_out.push((candidate, why));
                }
            } else if !seen.insert(key(&candidate)) {
                // The source has it twice.
            } else if contents.has(candidate.pool, &candidate.certificate) {
                if is_signed(&candidate.source) && unsigned.contains(&key(&candidate)) {
                    plan.vouched.push(candidate.clone());
                }
                plan.unchanged.push(candidate);
            } else {
                plan.add.push(candidate);
            }
        }
        // One that is wanted under another vendor's name as well is not left out.
        plan.left_out
            .retain(|(candidate, _)| !seen.contains(&key(candidate)));
        if from_package {
            plan.dropped = contents
                .certificates
                .iter()
                .filter(|stored| {
                    let record = stored.record.as_ref();
                    record.is_some_and(|record| is_package(&record.source))
                        && filter.takes_vendor(stored.vendor.as_deref())
                        && !offered.contains(&(stored.pool, stored.certificate.sha256()))
                })
                .cloned()
                .collect();
        }
        plan
    }

    /// Does it; what was dropped is removed only if `mirror` says so.
    ///
    /// # Errors
    /// Those of [`Change::remove`].
    pub fn carry_out(&self, change: &mut Change<'_>, mirror: bool) -> Result<(), Error> {
        for candidate in &self.add {
            change.add(addition(candidate));
        }
        for candidate in &self.vouched {
            change.vouch(addition(candidate));
        }
        if mirror {
            for stored in &self.dropped {
                change.remove(stored.pool, stored.certificate.sha256())?;
            }
        }
        Ok(())
    }
}

fn addition(candidate: &Candidate) -> Addition {
    Addition {
        certificate: candidate.certificate.clone(),
        pool: candidate.pool,
        vendor: candidate.vendor.clone(),
        purpose: candidate.purpose,
        source: candidate.source.clone(),
        member: candidate.member.clone(),
    }
}

fn key(candidate: &Candidate) -> (Pool, Sha256Digest) {
    (candidate.pool, candidate.certificate.sha256())
}
