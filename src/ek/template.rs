use super::EkPub;

/// A TCG default EK template (EK Credential Profile, appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// `L-1`, `H-3` …
    pub label: &'static str,
}

/// The Name that a TPM gives the key if it was made from a template: the name
/// algorithm's identifier followed by the digest of the public area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmName {
    /// The template, such as `L-1`.
    pub template: &'static str,
    /// Two octets of algorithm identifier, then the digest.
    pub name: Vec<u8>,
}

impl EkPub {
    /// The Name of this key under every template that makes keys of its kind.
    /// Which of them the TPM used cannot be seen from the key alone.
    pub fn tpm_names(&self) -> Vec<TpmName> {
        todo!()
    }
}
