//! The rules, by what they are about.

mod keeping;
mod key;
mod name;
mod template;
mod time;
mod usage;

use super::rule::Rule;
use super::{CertificateRole, Profile};

/// The rules for everything, in the order in which they are held.
pub(super) const COMMON: &[&[Rule]] = &[
    key::RULES,
    usage::RULES,
    name::RULES,
    time::RULES,
    keeping::RULES,
];

/// The rules for templates alone.
pub(super) const OF_TEMPLATES: &[Rule] = template::RULES;

/// Where the rules stand.
mod source {
    pub(super) const REQUESTS: &str =
        "Troubleshooting the Host Guardian Service, Certificate requests";
    pub(super) const ADCS: &str = "Troubleshooting the Host Guardian Service, Active Directory Certificate Services Templates";
    pub(super) const HSM: &str = "Troubleshooting the Host Guardian Service, Tips for HSMs";
    pub(super) const DRIFT: &str = "Troubleshooting the Host Guardian Service, Time Drift";
    pub(super) const OBTAIN: &str =
        "Obtain certificates for HGS, Request certificates from your certificate authority";
    pub(super) const SSL: &str = "Obtain certificates for HGS, Request an SSL certificate";
    pub(super) const HOST_KEY: &str = "Create a host key and add it to HGS, Create a host key";
    pub(super) const RENEWING: &str =
        "Managing the Host Guardian Service, Renewing or replacing keys";
    pub(super) const REPLICATION: &str =
        "Managing the Host Guardian Service, Key replication between nodes";
}

/// The roles that the tables of Microsoft's articles are about.
const PAIR: &[CertificateRole] = &[CertificateRole::Signing, CertificateRole::Encryption];
const TABLES: &[CertificateRole] = &[
    CertificateRole::Signing,
    CertificateRole::Encryption,
    CertificateRole::Template,
];
/// The roles that no table is about.
const OTHERS: &[CertificateRole] = &[
    CertificateRole::Communications,
    CertificateRole::AttestationSigner,
];
const TLS: &[CertificateRole] = &[CertificateRole::Tls];
const HOST_KEY: &[CertificateRole] = &[CertificateRole::HostKey];
const SIGNER: &[CertificateRole] = &[CertificateRole::AttestationSigner];
const TEMPLATE: &[CertificateRole] = &[CertificateRole::Template];
/// The profiles that rest on the article "Obtain certificates for HGS".
const OBTAIN: &[Profile] = &[Profile::Recommended, Profile::Microsoft2016];
const EVERY: &[Profile] = &Profile::ALL;
