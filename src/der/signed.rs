use super::{Tlv, TlvError, tag};

/// The frame of what is signed in X.509, a certificate (RFC 5280 4.1) or a CRL (5.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedFrame<'a> {
    /// What the signature is over.
    pub(crate) tbs: Tlv<'a>,
    /// The AlgorithmIdentifier of the signature.
    pub(crate) algorithm: Tlv<'a>,
    /// The octets of the signature.
    pub(crate) signature: &'a [u8],
}

impl<'a> SignedFrame<'a> {
    /// Reads a frame that fills `bytes` exactly. `whole` and `tbs` are what it and its first
    /// field are called; on failure it says which field.
    pub(crate) fn read(
        bytes: &'a [u8],
        whole: &'static str,
        tbs: &'static str,
    ) -> Result<Self, (&'static str, TlvError)> {
        let at = |place: &'static str| move |error: TlvError| (place, error);
        let mut outer = Tlv::parse_all(bytes, tag::SEQUENCE)
            .map_err(at(whole))?
            .reader();
        let tbs = outer.expect(tag::SEQUENCE).map_err(at(tbs))?;
        let algorithm = outer
            .expect(tag::SEQUENCE)
            .map_err(at("signatureAlgorithm"))?;
        let signature = outer
            .expect(tag::BIT_STRING)
            .map_err(at("signatureValue"))?;
        outer.finish().map_err(at(whole))?;
        // A signature has whole octets.
        let Some((0, signature)) = signature.content.split_first() else {
            return Err(("signatureValue", TlvError::BadLength));
        };
        Ok(Self {
            tbs,
            algorithm,
            signature,
        })
    }
}
