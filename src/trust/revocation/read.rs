use super::Crl;
use super::crl::malformed;
use crate::der::{decode_base64, pem_blocks};
use crate::finding::Error;
use crate::trust::read::pem_text;

/// Reads every CRL of a file: one in DER, or any number in PEM (`X509 CRL`), whatever the
/// file's name says.
///
/// # Errors
/// `crl-malformed` if there is none or one cannot be read; otherwise as
/// [`Crl::from_der`].
pub fn read_crls(bytes: &[u8]) -> Result<Vec<Crl>, Error> {
    let Some(text) = pem_text(bytes) else {
        return Ok(vec![Crl::from_der(bytes)?]);
    };
    let mut crls = Vec::new();
    for block in pem_blocks(&text) {
        let block = block.map_err(|_| malformed("a PEM block has no end"))?;
        // Certificates and what else comes in PEM are passed over.
        if matches!(block.label, "X509 CRL" | "CRL") {
            let der = decode_base64(block.body)
                .map_err(|error| malformed(&format!("a PEM block is not base64: {error}")))?;
            crls.push(Crl::from_der(der)?);
        }
    }
    if crls.is_empty() {
        return Err(malformed("no PEM block in it is a CRL"));
    }
    Ok(crls)
}
