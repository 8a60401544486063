//! Revocation: certificate revocation lists (CRLs, RFC 5280 section 5) and what they say
//! of the certificates of a path (section 6.3).
//!
//! Two rules stand over all of it. A CRL counts for nothing until the key of an issuer
//! that is itself verified has signed it. And a CRL can only take trust away: the one
//! that lists a certificate is heard even where its silence would say nothing, and no
//! other can make it unsaid (`docs/revocation.md`).

mod crl;
mod crls;
mod entries;
mod read;
mod scope;

pub use crl::Crl;
pub(super) use crls::Crls;
pub use entries::{Listing, Reason};
pub use read::read_crls;
pub use scope::IssuingDistributionPoint;

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
