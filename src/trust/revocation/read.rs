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
    match read_readable_crls(bytes) {
        (_, Some(error)) => Err(error),
        (crls, None) => Ok(crls),
    }
}

/// Reads those CRLs of a file that can be read, with the first reason why another cannot:
/// where that does not end everything, the others are heard all the same.
pub fn read_readable_crls(bytes: &[u8]) -> (Vec<Crl>, Option<Error>) {
    let mut crls = Vec::new();
    let mut first = None;
    let mut take = |crl: Result<Crl, Error>| match crl {
        Ok(crl) => crls.push(crl),
        Err(error) => {
            first.get_or_insert(error);
        }
    };
    let Some(text) = pem_text(bytes) else {
        take(Crl::from_der(bytes));
        return (crls, first);
    };
    for block in pem_blocks(&text) {
        let Ok(block) = block else {
            take(Err(malformed("a PEM block has no end")));
            break;
        };
        // Certificates and what else comes in PEM are passed over.
        if matches!(block.label, "X509 CRL" | "CRL") {
            let der = decode_base64(block.body)
                .map_err(|error| malformed(&format!("a PEM block is not base64: {error}")));
            take(der.and_then(Crl::from_der));
        }
    }
    if crls.is_empty() && first.is_none() {
        first = Some(malformed("no PEM block in it is a CRL"));
    }
    (crls, first)
}
