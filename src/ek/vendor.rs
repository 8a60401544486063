/// An entry of the TCG TPM vendor id registry (version 1.07 revision 0.02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// The id as text, such as `IFX`, padding removed.
    pub id: &'static str,
    /// The company, such as `Infineon`.
    pub name: &'static str,
}

/// The vendor with this 32-bit id (as in `TPM2_PT_MANUFACTURER` or the eight hex
/// digits after `id:`), NUL and space padding ignored.
pub fn vendor_by_id(id: u32) -> Option<Vendor> {
    let _ = id;
    todo!()
}
