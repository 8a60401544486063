use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::Pool;
use super::revocation::{self, Crl, Crls};
use super::signature::{self, SignatureError};
use crate::ek::{Certificate, Name, NameKey};
use crate::finding::Error;
use crate::hash::Sha256Digest;

/// Where a stored certificate came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, by its path.
    File(String),
    /// Embedded in the program, by vendor.
    Embedded(&'static str),
}

/// The two certificate stores of a Host Guardian Service: roots
/// (TrustedTPM_RootCA) and intermediates (TrustedTPM_IntermediateCA).
///
/// What lies among the roots is an anchor, self-signed or not. Signatures between
/// stored certificates are verified once and remembered.
#[derive(Debug, Default)]
pub struct Store {
    entries: Vec<Entry>,
    by_subject: HashMap<NameKey, Vec<usize>>,
    by_sha256: HashMap<Sha256Digest, usize>,
    crls: Crls,
    /// Results of verifying (certificate, issuer), both by index. Entries are never
    /// removed or exchanged for another certificate, so a result stays true.
    remembered: Remembered,
    /// The same of (CRL, signer).
    remembered_crls: Remembered,
}

/// Results of verifying signatures, each found out once.
#[derive(Debug, Default)]
struct Remembered(Mutex<HashMap<(usize, usize), Result<(), SignatureError>>>);

/// A stored certificate.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) certificate: Arc<Certificate>,
    pub(super) origin: Origin,
    pub(super) is_root: bool,
}

impl Store {
    /// A store without certificates, which trusts nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a certificate to one of the two.
    pub fn add(&mut self, pool: Pool, certificate: Arc<Certificate>, origin: Origin) {
        self.insert(certificate, origin, pool == Pool::Root);
    }

    /// Adds an anchor. One that is there already as an intermediate becomes an
    /// anchor; one that is there as embedded gets the new origin.
    pub fn add_root(&mut self, certificate: Certificate, origin: Origin) {
        self.insert(Arc::new(certificate), origin, true);
    }

    /// Adds an intermediate. One that is there already stays what it is.
    pub fn add_intermediate(&mut self, certificate: Certificate, origin: Origin) {
        self.insert(Arc::new(certificate), origin, false);
    }

    /// Adds a CRL. It says nothing before its signature is verified under an issuer of the
    /// store, which is done where it is needed.
    ///
    /// # Errors
    /// `input-too-large` if there are [`MAX_CRLS`](super::revocation::MAX_CRLS) already.
    pub fn add_crl(&mut self, crl: Crl, origin: Origin) -> Result<(), Error> {
        self.crls.add(crl, origin)
    }

    /// Adds the vendor roots embedded in the program.
    ///
    /// # Errors
    /// An embedded certificate that cannot be read, which the tests rule out.
    #[cfg(feature = "roots")]
    pub fn add_embedded_roots(&mut self) -> Result<(), Error> {
        for (vendor, der) in super::embedded::EMBEDDED {
            self.insert(
                Arc::new(Certificate::from_der(der)?),
                Origin::Embedded(vendor),
                true,
            );
        }
        Ok(())
    }

    /// The anchors and where they came from.
    pub fn roots(&self) -> impl Iterator<Item = (&Certificate, &Origin)> {
        self.listed(true)
    }

    /// The intermediates and where they came from.
    pub fn intermediates(&self) -> impl Iterator<Item = (&Certificate, &Origin)> {
        self.listed(false)
    }

    /// The CRLs and where they came from.
    pub fn crls(&self) -> impl Iterator<Item = (&Crl, &Origin)> {
        self.crls.iter()
    }

    /// Whether there is any CRL.
    pub fn has_crls(&self) -> bool {
        !self.crls.is_empty()
    }

    /// SHA-256 over the sorted fingerprints of roots, then of intermediates, then of CRLs
    /// if there are any: names the state of a store in the audit trail.
    pub fn fingerprint(&self) -> Sha256Digest {
        let mut digest = Sha256::new();
        for is_root in [true, false] {
            let mut fingerprints: Vec<Sha256Digest> = self
                .listed(is_root)
                .map(|(certificate, _)| certificate.sha256())
                .collect();
            fingerprints.sort_unstable();
            digest.update([u8::from(is_root)]);
            for fingerprint in fingerprints {
                digest.update(fingerprint.0);
            }
        }
        if self.has_crls() {
            let mut fingerprints: Vec<Sha256Digest> =
                self.crls().map(|(crl, _)| crl.sha256()).collect();
            fingerprints.sort_unstable();
            digest.update([2]);
            for fingerprint in fingerprints {
                digest.update(fingerprint.0);
            }
        }
        Sha256Digest(digest.finalize().into())
    }

    fn listed(&self, is_root: bool) -> impl Iterator<Item = (&Certificate, &Origin)> {
        self.entries
            .iter()
            .filter(move |entry| entry.is_root == is_root)
            .map(|entry| (entry.certificate.as_ref(), &entry.origin))
    }

    fn insert(&mut self, certificate: Arc<Certificate>, origin: Origin, is_root: bool) {
        if let Some(&index) = self.by_sha256.get(&certificate.sha256()) {
            if let Some(entry) = self.entries.get_mut(index) {
                let replaces_embedded = matches!(entry.origin, Origin::Embedded(_));
                if is_root && (!entry.is_root || replaces_embedded) {
                    entry.is_root = true;
                    entry.origin = origin;
                }
            }
            return;
        }
        let index = self.entries.len();
        self.by_sha256.insert(certificate.sha256(), index);
        self.by_subject
            .entry(certificate.subject().key().clone())
            .or_default()
            .push(index);
        self.entries.push(Entry {
            certificate,
            origin,
            is_root,
        });
    }

    pub(super) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Whether this very certificate is stored, as an anchor or as an intermediate.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.index_of(certificate).is_some()
    }

    /// The stored copy of this very certificate.
    pub(super) fn index_of(&self, certificate: &Certificate) -> Option<usize> {
        self.by_sha256.get(&certificate.sha256()).copied()
    }

    /// The stored certificates whose subject is this name. An empty name is nobody's:
    /// RFC 5280 4.1.2.6 wants a CA to have one.
    pub(super) fn with_subject(&self, name: &Name) -> &[usize] {
        if name.is_empty() {
            return &[];
        }
        self.by_subject.get(name.key()).map_or(&[], Vec::as_slice)
    }

    /// Whether the key of `issuer` made the signature on the stored certificate
    /// `index`, verified once and remembered.
    pub(super) fn verify_stored(
        &self,
        index: usize,
        certificate: &Certificate,
        issuer_index: usize,
        issuer: &Certificate,
    ) -> Result<(), SignatureError> {
        self.remembered.or_find((index, issuer_index), || {
            signature::verify(certificate, issuer)
        })
    }

    /// Whether the key of the stored certificate `signer_index` made the signature on the
    /// stored CRL `index`, verified once and remembered.
    pub(super) fn verify_stored_crl(
        &self,
        index: usize,
        crl: &Crl,
        signer_index: usize,
        signer: &Certificate,
    ) -> Result<(), SignatureError> {
        self.remembered_crls
            .or_find((index, signer_index), || revocation::verify(crl, signer))
    }

    /// The CRLs that say they are of this issuer, with their index.
    pub(super) fn crls_of(&self, issuer: &Name) -> impl Iterator<Item = (usize, &Arc<Crl>)> {
        self.crls.of_issuer(issuer)
    }

    /// The stored certificates whose subject is this name, with their index.
    pub(super) fn certificates_named(
        &self,
        name: &Name,
    ) -> impl Iterator<Item = (usize, &Arc<Certificate>)> {
        self.with_subject(name)
            .iter()
            .filter_map(|&index| Some((index, self.certificate(index)?)))
    }

    pub(super) fn certificate(&self, index: usize) -> Option<&Arc<Certificate>> {
        self.entry(index).map(|entry| &entry.certificate)
    }
}

impl Remembered {
    /// The result for this pair, which `verify` finds out the first time.
    fn or_find(
        &self,
        pair: (usize, usize),
        verify: impl FnOnce() -> Result<(), SignatureError>,
    ) -> Result<(), SignatureError> {
        // A result is written whole or not at all, so a poisoned lock is harmless.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = lock().get(&pair) {
            return result.clone();
        }
        let result = verify();
        lock().insert(pair, result.clone());
        result
    }
}
