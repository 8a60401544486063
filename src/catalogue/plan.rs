//! What an import would do to a store: pure, so that it can be shown before it is done.

use std::collections::BTreeSet;

use super::change::Change;
use super::intake::Candidate;
use super::model::{Contents, Source, StoredCertificate};
use crate::der::Time;
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
    /// When a package was signed from which there are certificates in the store, if one of the
    /// source was signed before that: somebody may have given an old one again, whose vendors'
    /// roots were dropped since.
    pub newer_there: Option<Time>,
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

/// When a package was signed, if an authority vouches for that.
fn signed_at(source: &Source) -> Option<Time> {
    match source {
        Source::Package { signature, .. } => signature.as_ref()?.signed_at,
        _ => None,
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
    pub fn of(mut candidates: Vec<Candidate>, filter: &Filter, contents: &Contents) -> Self {
        let mut plan = Self::default();
        // Of a root that two vendors have, as Microsoft's of 2014, it counts that it is good for
        // endorsement keys under one of them.
        candidates.sort_by_key(|candidate| candidate.purpose == Purpose::Aik);
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
        let oldest = candidates
            .iter()
            .filter_map(|candidate| signed_at(&candidate.source))
            .min();
        let stored = contents.certificates.iter();
        let newest_there = stored
            .filter_map(|stored| signed_at(&stored.record.as_ref()?.source))
            .max();
        plan.newer_there = newest_there.filter(|there| oldest.is_some_and(|own| own < *there));
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
    /// Those of [`Change::remove`]; [`Fault::Misuse`](crate::finding::Fault::Misuse) if an old
    /// package is to be mirrored.
    pub fn carry_out(&self, change: &mut Change<'_>, mirror: bool) -> Result<(), Error> {
        if let (true, Some(there)) = (mirror, self.newer_there) {
            return Err(Error::misuse(
                format!(
                    "the package was signed before one that is in the store, which is of {there}: \
                     --mirror would undo what changed since"
                ),
                "get the newest package; 'endorse store remove' takes single certificates out",
            ));
        }
        for candidate in &self.add {
            change.add(candidate);
        }
        for candidate in &self.vouched {
            change.vouch(candidate);
        }
        if mirror {
            for stored in &self.dropped {
                change.remove(stored.pool, stored.certificate.sha256())?;
            }
        }
        Ok(())
    }
}

fn key(candidate: &Candidate) -> (Pool, Sha256Digest) {
    (candidate.pool, candidate.certificate.sha256())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::super::model::{PackageSignature, Record};
    use super::*;
    use crate::ek::Certificate;

    /// An old package is signed as well as a new one.
    #[test]
    fn an_old_package_is_known_by_the_time_of_its_signature() {
        let root = include_bytes!("../../testdata/cli/root.pem");
        let root = Arc::new(crate::trust::read_certificates(root).unwrap().remove(0));
        let signed = |time: Option<&str>| Source::Package {
            name: "TrustedTpm.cab".to_owned(),
            sha256: Sha256Digest([0; 32]),
            edition: None,
            signature: Some(PackageSignature {
                signer: "CN=Microsoft Corporation".to_owned(),
                signer_sha256: Sha256Digest([1; 32]),
                signed_at: time.map(|time| Time::parse_rfc3339(time).unwrap()),
            }),
        };
        let there = Contents {
            certificates: vec![stored(&root, signed(Some("2024-11-21")))],
            ..Contents::default()
        };
        for (time, newer) in [
            (Some("2018-03-01"), Some("2024-11-21")),
            (Some("2024-11-21"), None),
            (Some("2025-03-01"), None),
            (None, None),
        ] {
            let candidate = Candidate {
                certificate: Arc::clone(&root),
                pool: Pool::Root,
                vendor: None,
                purpose: Purpose::Unknown,
                source: signed(time),
                member: None,
            };
            let plan = Plan::of(vec![candidate], &Filter::default(), &there);
            let newer = newer.map(|time| Time::parse_rfc3339(time).unwrap());
            assert_eq!(plan.newer_there, newer, "{time:?}");
        }
    }

    fn stored(certificate: &Arc<Certificate>, source: Source) -> StoredCertificate {
        StoredCertificate {
            certificate: Arc::clone(certificate),
            pool: Pool::Root,
            vendor: None,
            purpose: Purpose::Unknown,
            path: PathBuf::new(),
            shares_file: false,
            record: Some(Record {
                source,
                member: None,
                added_at: Time::from_unix(0),
                added_by: String::new(),
                reason: None,
            }),
        }
    }
}
