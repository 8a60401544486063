//! The two certificate stores and the revocation lists on disk, with the provenance of
//! everything in them; changed whole or not at all.
#![allow(
    clippy::disallowed_methods,
    reason = "this room is at the edge: it reads and writes the directory of the store"
)]

mod change;
mod check;
mod directory;
mod document;
mod files;
mod intake;
mod layout;
mod lock;
mod model;
mod plan;

pub use change::Change;
pub use check::{StoreReport, check_store, unused_anchors};
pub use directory::Directory;
pub use files::{Loaded, MAX_CERTIFICATES_LEN, load_certificates, load_crls};
pub use intake::{Candidate, Intake};
pub use model::{
    Attribution, Changed, Contents, Note, PackageSignature, PastChange, Record, Source,
    StoredCertificate, StoredCrl,
};
pub use plan::{Filter, LeftOut, Plan, PurposeFilter, belongs_in_store};
