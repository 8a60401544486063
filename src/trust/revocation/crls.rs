use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Crl, MAX_CRLS};
use crate::ek::{Name, NameKey};
use crate::finding::{Code, Error};
use crate::hash::Sha256Digest;
use crate::trust::Origin;

/// The CRLs of a store. None of them is believed before its signature was verified.
#[derive(Debug, Default)]
pub(in crate::trust) struct Crls {
    stored: Vec<StoredCrl>,
    by_issuer: HashMap<NameKey, Vec<usize>>,
    known: HashSet<Sha256Digest>,
}

#[derive(Debug)]
struct StoredCrl {
    crl: Arc<Crl>,
    origin: Origin,
}

impl Crls {
    /// Adds one; one that is there already stays.
    pub(in crate::trust) fn add(&mut self, crl: Crl, origin: Origin) -> Result<(), Error> {
        if self.known.contains(&crl.sha256()) {
            return Ok(());
        }
        if self.stored.len() >= MAX_CRLS {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!("more than {MAX_CRLS} CRLs"),
                "remove those that newer ones of the same issuers replace",
            ));
        }
        self.known.insert(crl.sha256());
        self.by_issuer
            .entry(crl.issuer().key().clone())
            .or_default()
            .push(self.stored.len());
        self.stored.push(StoredCrl {
            crl: Arc::new(crl),
            origin,
        });
        Ok(())
    }

    pub(in crate::trust) fn iter(&self) -> impl Iterator<Item = (&Crl, &Origin)> {
        self.stored
            .iter()
            .map(|stored| (stored.crl.as_ref(), &stored.origin))
    }

    pub(in crate::trust) fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// Those that say they are of this issuer, with their index.
    pub(in crate::trust) fn of_issuer(
        &self,
        issuer: &Name,
    ) -> impl Iterator<Item = (usize, &Arc<Crl>)> {
        self.by_issuer
            .get(issuer.key())
            .into_iter()
            .flatten()
            .filter_map(|&index| Some((index, &self.stored.get(index)?.crl)))
    }
}
