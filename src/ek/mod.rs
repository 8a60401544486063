//! Endorsement keys: the public part in every encoding, the certificate, the
//! TPM's attributes and its vendor.

mod attributes;
mod certificate;
mod extensions;
mod name;
mod nv;
mod profile;
mod public_key;
mod template;
mod vendor;
mod weak;

pub use attributes::{SecurityAssertions, TpmAttributes, TpmSpecification};
pub use certificate::{Certificate, MAX_CERTIFICATE_LEN};
pub use extensions::{
    AuthorityKeyIdentifier, BasicConstraints, Extensions, GeneralName, GeneralSubtree, KeyUsage,
    NameConstraints, PolicyConstraints, PolicyMapping,
};
pub use name::{Name, NameKey};
pub use nv::{Unwrapped, unwrap_nv};
pub use profile::check_profile;
pub use public_key::{Algorithm, Curve, EkPub, Encoding, Key};
pub use template::{Template, TpmName};
pub use vendor::{Vendor, vendor_by_id};
pub use weak::check_key;
