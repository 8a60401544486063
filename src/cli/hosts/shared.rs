//! Primes that the EKs of registered hosts share.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::ek::{EkPub, shared_primes};
use crate::finding::{Code, Error, Finding};
use crate::registry::{Filter, Registry};

/// What a comparison of all current hosts found.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// How many hosts were compared.
    pub(super) compared: usize,
    /// About each host whose EK shares a prime with that of another, by name.
    pub(super) findings: BTreeMap<String, Vec<Finding>>,
}

/// Compares the EKs of every current host.
pub(super) fn compare(registry: &Registry) -> Result<Shared, Error> {
    let hosts = registry.list(&Filter::default())?;
    let mut keys = Vec::new();
    for host in &hosts {
        for ek in &host.eks {
            // The registry's own encoding, which it has read before.
            keys.push((host.name.as_str(), EkPub::from_spki(&ek.spki_der)?));
        }
    }
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let shared = shared_primes(keys.iter().map(|(name, key)| (*name, key)), threads)?;
    let mut findings: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for (name, finding) in shared.findings() {
        findings.entry(name.to_owned()).or_default().push(finding);
    }
    // An EK belongs to one host, so these differ in the exponent.
    for names in &shared.repeated {
        for name in names {
            if let Some(other) = names.iter().find(|other| *other != name) {
                findings
                    .entry((*name).to_owned())
                    .or_default()
                    .push(Finding::new(
                        Code::SharedPrime,
                        format!("the RSA modulus is that of {other}, with another exponent"),
                        "one of the two was made from the other: look at both hosts, and register \
                         again the one that is genuine",
                    ));
            }
        }
    }
    Ok(Shared {
        compared: hosts.len(),
        findings,
    })
}
