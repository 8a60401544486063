//! Revocation: certificate revocation lists (CRLs, RFC 5280 section 5) and what they say
//! of the certificates of a path (section 6.3).
//!
//! Two rules stand over all of it. A CRL counts for nothing until the key of an issuer
//! that is itself verified has signed it. And a CRL can only take trust away: the one
//! that lists a certificate is heard even where its silence would say nothing, and no
//! other can make it unsaid (`docs/revocation.md`).

mod admission;
mod check;
mod crl;
mod crls;
mod entries;
mod read;
mod rules;
mod scope;
mod signer;
mod status;

pub use admission::{Admission, CrlRefusal};
pub(super) use check::Checker;
pub use crl::Crl;
pub(super) use crls::Crls;
pub use entries::{Listing, Reason};
pub use read::{read_crls, read_readable_crls};
pub(super) use rules::RevocationTable;
pub use rules::{RevocationRule, RevocationRules};
pub use scope::IssuingDistributionPoint;
pub(super) use signer::verify;
pub use status::{CertificateStatus, RevocationState};

/// The largest CRL that is read, in octets. One of a million entries, more than any TPM
/// vendor has TPMs revoked, has about 40 MiB.
pub const MAX_CRL_LEN: usize = 64 * 1024 * 1024;

/// The most entries of one CRL: their index takes 16 octets each, so 32 MiB.
pub const MAX_CRL_ENTRIES: usize = 2_000_000;

/// The most times that an indirect CRL changes the issuer that its entries are about.
/// Each takes memory of its own, a multiple of what it has in the CRL.
pub const MAX_CRL_ISSUERS: usize = 100_000;

/// The most CRLs of one store: four for each CA of Microsoft's package.
pub const MAX_CRLS: usize = 10_000;

/// The most signatures of CRLs that are verified for one input, whether or not the store
/// remembers them: those of a chain of eight with several CRLs for each certificate, many
/// times over.
pub const MAX_CRL_SIGNATURES: usize = 200;

/// How many CRLs may rest on each other, each with a signer apart from the path whose own
/// certificate is looked up in the next.
pub const MAX_NESTED_SIGNERS: usize = 4;
