//! Reading the certificates of a file, whatever form they are in.

use std::borrow::Cow;

use super::package;
use super::pkcs7::SignedData;
use crate::der::{decode_base64, is_pem, pem_blocks, tag};
use crate::ek::{Certificate, unwrap_nv};
use crate::finding::{Code, Error};

/// Reads every certificate of a file: one in DER or as it lies in NV, or any number in
/// PEM or in a PKCS#7 bundle (`.p7b`), whatever the file's name says. Whether somebody
/// signed a bundle is not looked at.
///
/// # Errors
/// `ekcert-malformed` if there is none or one cannot be read.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let malformed = |what: &str| {
        Error::malformed(
            Code::EkcertMalformed,
            what,
            "give a certificate in DER, or any number of them in PEM or in a PKCS#7 bundle",
        )
    };
    if bytes.starts_with(package::MAGIC) {
        return Err(Error::malformed(
            Code::EkcertMalformed,
            "it is a cabinet, such as TrustedTpm.cab",
            "put its certificates into a store: endorse store import verifies who signed it",
        ));
    }
    if let Some(text) = pem_text(bytes) {
        let mut certificates = Vec::new();
        for block in pem_blocks(&text) {
            let block = block.map_err(|_| malformed("a PEM block has no end"))?;
            let decoded = || {
                decode_base64(block.body)
                    .map_err(|error| malformed(&format!("a PEM block is not base64: {error}")))
            };
            match block.label {
                "CERTIFICATE" | "X509 CERTIFICATE" => {
                    certificates.push(Certificate::from_der(&decoded()?)?);
                }
                "PKCS7" | "CMS" => {
                    let der = decoded()?;
                    let bundle = SignedData::read(&der)
                        .map_err(|error| malformed(&format!("a PKCS#7 bundle: {error}")))?;
                    certificates.extend(bundled(&bundle)?);
                }
                // Keys, CRLs and what else comes in PEM are passed over.
                _ => {}
            }
        }
        if certificates.is_empty() {
            return Err(malformed("no PEM block in it is a certificate"));
        }
        return Ok(certificates);
    }
    if is_content_info(bytes) {
        let bundle = SignedData::read(bytes)
            .map_err(|error| malformed(&format!("a PKCS#7 bundle: {error}")))?;
        return match bundled(&bundle)? {
            none if none.is_empty() => {
                Err(malformed("there is no certificate in the PKCS#7 bundle"))
            }
            certificates => Ok(certificates),
        };
    }
    let unwrapped = unwrap_nv(bytes).ok_or_else(|| malformed("there is no certificate in it"))?;
    Ok(vec![Certificate::from_der(unwrapped.der)?])
}

/// The text with PEM blocks that `bytes` are, if they are. Comments around the
/// blocks may be in any encoding.
pub(super) fn pem_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if bytes.first() == Some(&tag::SEQUENCE) {
        return None;
    }
    Some(String::from_utf8_lossy(bytes)).filter(|text| is_pem(text))
}

/// Whether these are a ContentInfo (RFC 5652 3), whole or not: in it an OID comes first,
/// in a certificate a SEQUENCE.
fn is_content_info(bytes: &[u8]) -> bool {
    use tag::{OID, SEQUENCE};
    matches!(
        bytes,
        [SEQUENCE, 0..=0x80, OID, ..]
            | [SEQUENCE, 0x81, _, OID, ..]
            | [SEQUENCE, 0x82, _, _, OID, ..]
            | [SEQUENCE, 0x83, _, _, _, OID, ..]
            | [SEQUENCE, 0x84, _, _, _, _, OID, ..]
    )
}

/// The X.509 certificates of a bundle; other kinds are passed over.
fn bundled(bundle: &SignedData<'_>) -> Result<Vec<Certificate>, Error> {
    bundle
        .certificates
        .iter()
        .filter(|element| element.tag == tag::SEQUENCE)
        .map(|element| Certificate::from_der(element.whole))
        .collect()
}
