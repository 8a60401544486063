//! Certificates in saved files: where they lie, and whether those of TPM vendors lie in the
//! right store.

use super::content::ReadFile;
use super::limits::{MAX_CERTIFICATES, too_large};
use super::object::{Value, objects};
use crate::diagnose::in_words::named;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::ek::Certificate;
use crate::finding::Error;
use crate::trust::{Pool, Purpose};

/// The two stores for TPM vendors hold what belongs in them.
pub(super) static TRUSTED_TPM_STORES: Definition = Definition {
    id: "trusted-tpm-stores",
    set: Set::GuardedFabricTpmMode,
    title: "The stores for TPM vendors hold what belongs in them",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Endorsement Key Certificate error messages; Install trusted TPM root certificates",
};

/// What a certificate is for, by where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In an export of one of the two stores for TPM vendors.
    TrustedTpm(Pool),
    /// Said to be one of the service's certificates, with the word that says so: `Signing`,
    /// `Encryption`, `Communications`.
    Service(String),
    /// The certificate that signs health certificates, which the service makes itself.
    AttestationSigner,
    /// Nothing says what for.
    Unknown,
}

/// A certificate that was found in a saved file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// What it is for, as far as that is known.
    pub place: Place,
    /// Who keeps its private key, if the file says.
    pub key: Option<KeyProvider>,
    /// The name that somebody gave it, if the file says.
    pub friendly_name: Option<String>,
}

/// Where the private key of a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProvider {
    /// The container of the key.
    pub container: String,
    /// The provider that has the container.
    pub provider: String,
    /// The type of a cryptographic service provider (CSP); 0 for a key storage provider (KSP).
    pub kind: u32,
}

impl StoredCertificate {
    /// A certificate of which nothing else is known.
    pub(super) fn bare(certificate: Certificate) -> Self {
        Self {
            certificate,
            place: Place::Unknown,
            key: None,
            friendly_name: None,
        }
    }
}

/// The subject of the certificate that signs health certificates.
pub(super) const ATTESTATION_SIGNER: &str = "Microsoft Remote Attestation Service";

/// Says what certificates are for by the name of the file or of the folder that they are in,
/// and by their subject.
pub(super) fn placed(
    name: &str,
    mut certificates: Vec<StoredCertificate>,
) -> Vec<StoredCertificate> {
    let lower = name.to_lowercase();
    let mut pools = [Pool::Root, Pool::Intermediate].into_iter();
    let pool = pools.find(|pool| lower.contains(&pool.store_name().to_lowercase()));
    for one in &mut certificates {
        if one.place != Place::Unknown {
            continue;
        }
        if let Some(pool) = pool {
            one.place = Place::TrustedTpm(pool);
        } else if one
            .certificate
            .subject()
            .to_string()
            .contains(ATTESTATION_SIGNER)
        {
            one.place = Place::AttestationSigner;
        }
    }
    certificates
}

/// The certificates among objects: `RawData` of a certificate, and octets of any name that
/// are one. `CertificateType` beside it says what it is for, as does the name
/// `CommunicationsCertificate`.
pub(super) fn of_objects(values: &[Value]) -> Result<Vec<StoredCertificate>, Error> {
    let mut found: Vec<StoredCertificate> = Vec::new();
    for object in objects(values) {
        let octets = object
            .members
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Octets(octets) => Some((name, octets)),
                Value::Object(inner) => match inner.member("RawData") {
                    Some(Value::Octets(octets)) => Some((name, octets)),
                    _ => None,
                },
                _ => None,
            });
        for (name, octets) in octets {
            let Ok(certificate) = Certificate::from_der(octets) else {
                continue;
            };
            // So it is called in what Get-HgsKeyProtectionConfiguration gives.
            let is_communications = name.eq_ignore_ascii_case("CommunicationsCertificate");
            let word = match is_communications {
                true => Some("Communications".to_owned()),
                false => object.text("CertificateType"),
            };
            let role = word.map(Place::Service);
            let known = found
                .iter_mut()
                .find(|one| one.certificate.der() == octets.as_slice());
            match (known, role) {
                (Some(_), None) => {}
                (Some(known), Some(role)) if known.place == Place::Unknown => known.place = role,
                (None | Some(_), role) => found.push(StoredCertificate {
                    place: role.unwrap_or(Place::Unknown),
                    ..StoredCertificate::bare(certificate)
                }),
            }
            // Looking for those that are known takes time with the square of their number.
            if found.len() > MAX_CERTIFICATES / 10 {
                return Err(too_large(
                    "there are too many certificates among the objects",
                ));
            }
        }
    }
    Ok(found)
}

/// The most certificates that are shown one by one.
const MAX_SHOWN: usize = 20;

/// One diagnostic for each store that is among the files.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for pool in [Pool::Root, Pool::Intermediate] {
        let all: Vec<(&str, &Certificate)> = files
            .iter()
            .flat_map(|file| file.certificates().iter().map(|one| (file.name, one)))
            .filter(|(_, one)| one.place == Place::TrustedTpm(pool))
            .map(|(name, one)| (name, &one.certificate))
            .collect();
        if !all.is_empty() {
            found.push(judge(pool, &all));
        }
    }
    found
}

fn judge(pool: Pool, all: &[(&str, &Certificate)]) -> Diagnostic {
    let name = pool.store_name();
    let mut wrong = Vec::new();
    let mut odd = Vec::new();
    for (file, certificate) in all {
        let what = format!("{file}: {}", named(certificate));
        if !certificate.is_ca() {
            wrong.push(format!("{what} is no CA certificate"));
        } else if Purpose::of(certificate) == Purpose::Aik {
            odd.push(format!(
                "{what} issues attestation identity keys, so no EKcert can lead to it"
            ));
        } else if pool == Pool::Intermediate && certificate.is_self_issued() {
            wrong.push(format!(
                "{what} is a root, which is not trusted in this store"
            ));
        } else if pool == Pool::Root && !certificate.is_self_issued() {
            odd.push(format!(
                "{what} is an intermediate, which is trusted here as if it were a root"
            ));
        }
    }
    let mut count = match all.len() {
        1 => format!("{name}: 1 certificate"),
        many => format!("{name}: {many} certificates"),
    };
    if pool == Pool::Root {
        count.push_str(&beside_embedded(all));
    }
    let problems = wrong.len().saturating_add(odd.len());
    let mut diagnostic = match (wrong.is_empty(), odd.is_empty()) {
        (true, true) => return Diagnostic::pass(&TRUSTED_TPM_STORES, count),
        (true, false) => Diagnostic::warn(&TRUSTED_TPM_STORES, count),
        (false, _) => Diagnostic::fail(&TRUSTED_TPM_STORES, count),
    };
    diagnostic
        .evidence
        .extend(wrong.into_iter().chain(odd).take(MAX_SHOWN));
    if problems > MAX_SHOWN {
        diagnostic = diagnostic.seen(format!("and {} more", problems.saturating_sub(MAX_SHOWN)));
    }
    diagnostic
        .then(format!(
            "take what does not belong there out of Cert:\\LocalMachine\\{name}, and put roots into \
             {} and intermediates into {}",
            Pool::Root.store_name(),
            Pool::Intermediate.store_name()
        ))
        .then("what a store should hold can be tried here first:")
        .sh("endorse store import TrustedTpm.cab")
}

/// How many of the roots that are embedded here the store has. A build without them does not
/// say.
#[cfg(not(feature = "roots"))]
fn beside_embedded(_: &[(&str, &Certificate)]) -> String {
    String::new()
}

/// How many of the roots that are embedded here the store has.
#[cfg(feature = "roots")]
fn beside_embedded(all: &[(&str, &Certificate)]) -> String {
    let mut store = crate::trust::Store::new();
    if store.add_embedded_roots().is_err() {
        return String::new();
    }
    let (mut there, mut embedded) = (0usize, 0usize);
    for (root, _) in store.roots() {
        embedded = embedded.saturating_add(1);
        let is_there = all.iter().any(|(_, one)| one.der() == root.der());
        there = there.saturating_add(usize::from(is_there));
    }
    format!(", among them {there} of the {embedded} vendor roots that are embedded here")
}
