use super::ak::AttestationKey;
use super::{malformed, refuse_empty};
use crate::ek::TpmPublic;
use crate::finding::Error;

/// A host's request to be challenged: its attestation key, and what it says of its EKs.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name that the host goes by, if it says so. Only a hint: the credentials are
    /// encrypted to the EKs that are registered under it.
    pub name: Option<String>,
    /// The attestation key.
    pub ak: AttestationKey,
    /// Public areas of the EKs, which tell how credentials for them are protected.
    /// Nothing is believed of them but that.
    pub eks: Vec<TpmPublic>,
}

impl Request {
    /// Reads a request: our JSON, or the attestation key alone as a `TPM2B_PUBLIC` or
    /// `TPMT_PUBLIC` (the `ak.pub` of tpm2_createak).
    ///
    /// # Errors
    /// `challenge-malformed`, or `ak-unsuitable` as a rejection.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        refuse_empty(bytes)?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            return super::files::read_request(bytes);
        }
        let public = TpmPublic::from_tpmt(bytes).or_else(|_| TpmPublic::from_tpm2b(bytes));
        let public = public.map_err(|_| {
            malformed("it is neither a request for a challenge nor the public area of a key")
        })?;
        Ok(Self {
            name: None,
            ak: suitable(public)?,
            eks: Vec::new(),
        })
    }

    /// The request as a file. Ends in a line feed.
    pub fn to_json(&self) -> String {
        super::files::write_request(self)
    }
}

/// An attestation key, or the error of a file that holds an unsuitable one.
pub(super) fn suitable(public: TpmPublic) -> Result<AttestationKey, Error> {
    AttestationKey::new(public).map_err(|finding| Error {
        code: Some(finding.code),
        ..Error::new(
            crate::finding::Fault::Rejected,
            finding.message,
            finding.help,
        )
    })
}
