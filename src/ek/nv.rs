use crate::finding::Finding;

/// A certificate taken out of what surrounds it in a TPM's NV memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped<'a> {
    /// The DER certificate, cut at the length it states.
    pub der: &'a [u8],
    /// What surrounded it: header, OCTET STRING, padding.
    pub findings: Vec<Finding>,
}

/// Takes an X.509 certificate out of the forms it has in NV memory: the TCG
/// header `10 01 00 len` with or without the inner tag `10 02` (TCG PC Client
/// section 7.3.2), an OCTET STRING around it, and padding of 00, FF or 11 after
/// it. `None` if there is no DER SEQUENCE that fits in `bytes`, or if what follows
/// it is not padding.
pub fn unwrap_nv(bytes: &[u8]) -> Option<Unwrapped<'_>> {
    let _ = bytes;
    todo!()
}
