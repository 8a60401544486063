//! The vendor roots below `roots/`, by vendor.

/// (vendor, DER) of each embedded root; `roots/manifest.toml` describes them.
pub(super) const EMBEDDED: &[(&str, &[u8])] = &[];
