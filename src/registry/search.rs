use crate::finding::Error;
use crate::hash::{Sha256Digest, from_hex};

use super::backend::Transaction;
use super::model::{Filter, Host};
use super::name::HostName;

/// The fewest hex digits that may stand for an EK: 32 bits, which people copy by
/// hand without taking one host for another.
const MIN_EK_DIGITS: usize = 8;

impl Filter {
    /// Whether the host is one of those asked for.
    pub(super) fn lets_through(&self, host: &Host) -> bool {
        let name = self.name.as_ref().is_none_or(|part| {
            let name = host.name.to_lowercase();
            name.contains(&part.to_lowercase())
        });
        let ek = self.ek.as_ref().is_none_or(|start| {
            let start = start.to_ascii_lowercase();
            host.eks.iter().any(|ek| {
                ek.spki_sha256.to_string().starts_with(&start)
                    || ek.windows_sha256.to_string().starts_with(&start)
            })
        });
        name && ek
            && self.trust.is_none_or(|trust| trust == host.trust)
            && self
                .policy_version
                .is_none_or(|version| version == host.policy_version)
            && self.state.is_none_or(|state| state == host.state)
            && self
                .proven
                .is_none_or(|proven| proven == host.possession.is_some())
    }
}

/// The current host with this name, or with an EK that starts like this.
pub(super) fn find(transaction: &dyn Transaction, name_or_ek: &str) -> Result<Host, Error> {
    let name = HostName::new(name_or_ek)?;
    let named = transaction.current_by_name(name.key())?;
    let mut hosts = match ek_range(name_or_ek) {
        Some((low, high)) => transaction.current_by_ek_range(&low, &high)?,
        None => Vec::new(),
    };
    if let Some(named) = named {
        // A file names its host: nobody must come between an EK and its owner by a name.
        if let Some(other) = hosts.iter().find(|host| host.id != named.id) {
            return Err(Error::misuse(
                format!(
                    "{name} is the name of one host and the start of an EK of another, {}",
                    other.name
                ),
                "give more digits of the EK, or the other's name; a host with a name like that \
                 deserves a look",
            ));
        }
        return Ok(named);
    }
    match (hosts.pop(), hosts.len()) {
        (Some(host), 0) => Ok(host),
        (Some(host), _) => {
            hosts.push(host);
            let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
            Err(Error::misuse(
                format!(
                    "several hosts have an EK that starts with {name}: {}",
                    names.join(", ")
                ),
                "give more digits, or the name",
            ))
        }
        (None, _) => Err(Error::misuse(
            format!("no registered host is named {name} or has such an EK"),
            "see 'endorse hosts list'; an EK needs the first 8 hex digits of its SHA-256, or more",
        )),
    }
}

/// The digests that start with the hex text, from the lowest to the highest.
fn ek_range(text: &str) -> Option<(Sha256Digest, Sha256Digest)> {
    let digits = text.trim();
    if digits.len() < MIN_EK_DIGITS {
        return None;
    }
    let fill = |digit: &str| -> Option<Sha256Digest> {
        let rest = digit.repeat(64_usize.checked_sub(digits.len())?);
        let bytes = from_hex(&format!("{digits}{rest}"))?;
        Some(Sha256Digest(bytes.try_into().ok()?))
    };
    Some((fill("0")?, fill("f")?))
}
