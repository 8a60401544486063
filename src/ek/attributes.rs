use super::{Vendor, vendor_by_id};

/// What an EKcert says of its TPM (TCG EK Credential Profile 3.2.9 and 3.1):
/// the directoryName of its subjectAltName and its subjectDirectoryAttributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TpmAttributes {
    /// tcg-at-tpmManufacturer as written, such as `id:49465800`.
    pub manufacturer: Option<String>,
    /// tcg-at-tpmModel, the vendor's part number.
    pub model: Option<String>,
    /// tcg-at-tpmVersion as written, such as `id:00070055`.
    pub version: Option<String>,
    /// tpmSpecification.
    pub specification: Option<TpmSpecification>,
    /// TPMSecurityAssertions.
    pub security: Option<SecurityAssertions>,
}

/// tpmSpecification (2.23.133.2.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmSpecification {
    /// `2.0` or `1.2`.
    pub family: String,
    /// Level.
    pub level: u64,
    /// Revision times 100.
    pub revision: u64,
}

/// TPMSecurityAssertions (2.23.133.2.18), as far as they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityAssertions {
    /// Whether the firmware can be upgraded in the field.
    pub field_upgradable: bool,
    /// `internal`, `injected`, `internal-revocable` or `injected-revocable`.
    pub ek_generation: Option<&'static str>,
    /// `tpm-manufacturer`, `platform-manufacturer` or `ek-cert-signer`.
    pub ek_generation_location: Option<&'static str>,
    /// The same for the certificate.
    pub ek_certificate_generation_location: Option<&'static str>,
    /// Common Criteria evaluation assurance level, 1 to 7.
    pub cc_assurance_level: Option<u8>,
    /// FIPS 140 level, 1 to 4.
    pub fips_level: Option<u8>,
    /// ISO 9000 certified.
    pub iso9000: bool,
}

impl TpmAttributes {
    /// The registry entry for the manufacturer, if it is known.
    pub fn vendor(&self) -> Option<Vendor> {
        let digits = self.manufacturer.as_deref()?.strip_prefix("id:")?;
        vendor_by_id(u32::from_str_radix(digits, 16).ok()?)
    }
}
