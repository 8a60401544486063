//! Who signs health certificates: the certificates that a service publishes at
//! `signingCertificates`.

use crate::der::{decode_base64, tag};
use crate::ek::Certificate;
use crate::finding::{Code, Error};
use crate::trust::read_certificates;

/// Where a service publishes them, on every node.
pub const PATH: &str = "/Attestation/v2.0/signingCertificates";

/// The longest reply that is read, in octets. As numbers in JSON a certificate has some 4 KiB;
/// a service has one signer, and keeps some that it replaced.
pub const MAX_REPLY_LEN: usize = 512 * 1024;

/// The most certificates that are read.
pub const MAX_SIGNERS: usize = 64;

/// The subject of the certificate with which a service signs health certificates, unless
/// somebody gave it another (Troubleshoot the Host Guardian Service).
pub const SUBJECT: &str = "Microsoft Remote Attestation Service";

/// How the certificates were written in the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// An array of numbers in JSON, one an octet: what clients of SQL Server read.
    JsonNumbers,
    /// Base64, as it is or as a string in JSON.
    Base64,
    /// DER as it is.
    Der,
}

/// The certificates of a reply.
#[derive(Clone, Debug)]
pub struct Signers {
    /// As they were there.
    pub certificates: Vec<Certificate>,
    /// How they were written.
    pub encoding: Encoding,
}

impl Signers {
    /// Reads the body of the reply: PKCS#7 in one of the encodings. [MS-HGSA] calls it a byte
    /// array and does not say how it is written.
    ///
    /// # Errors
    /// What is wrong with it: too long, no bytes in any of the encodings, no certificates in
    /// them, or more than [`MAX_SIGNERS`].
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        let too_large = |what: String| Error::malformed(Code::InputTooLarge, what, HELP);
        if body.len() > MAX_REPLY_LEN {
            return Err(too_large(format!(
                "the reply has more than {MAX_REPLY_LEN} bytes"
            )));
        }
        let (bytes, encoding) = bytes_of(body)?;
        let certificates = read_certificates(&bytes)?;
        match certificates.len() {
            0..=MAX_SIGNERS => Ok(Self {
                certificates,
                encoding,
            }),
            many => Err(too_large(format!(
                "there are {many} certificates in the reply, more than {MAX_SIGNERS}"
            ))),
        }
    }

    /// Those that may sign health certificates: no CAs, which are there for the path only,
    /// unless there is nothing else.
    pub fn signing(&self) -> Vec<&Certificate> {
        let leaves: Vec<_> = self
            .certificates
            .iter()
            .filter(|one| !one.is_ca())
            .collect();
        match leaves.is_empty() {
            true => self.certificates.iter().collect(),
            false => leaves,
        }
    }
}

const HELP: &str = "see who answers under this URL: a Host Guardian Service publishes the \
                    certificates that sign its health certificates there";

fn bytes_of(body: &[u8]) -> Result<(Vec<u8>, Encoding), Error> {
    let malformed = |code, what: String| Error::malformed(code, what, HELP);
    let start = body.iter().find(|octet| !octet.is_ascii_whitespace());
    match start {
        // Numbers only: whatever nests is refused at its first bracket.
        Some(b'[') => {
            let bytes = serde_json::from_slice(body).map_err(|error| {
                malformed(
                    Code::JsonMalformed,
                    format!("the reply is no array of octets: {error}"),
                )
            })?;
            Ok((bytes, Encoding::JsonNumbers))
        }
        Some(b'"') => {
            let text: String = serde_json::from_slice(body).map_err(|error| {
                malformed(
                    Code::JsonMalformed,
                    format!("the reply is no string: {error}"),
                )
            })?;
            Ok((base64(&text)?, Encoding::Base64))
        }
        // '0' cannot begin a PKCS#7 bundle in base64: the first octet would be 0xd0.
        _ if body.first() == Some(&tag::SEQUENCE) => Ok((body.to_vec(), Encoding::Der)),
        Some(_) => {
            let text = std::str::from_utf8(body).unwrap_or_default();
            Ok((base64(text)?, Encoding::Base64))
        }
        None => Err(malformed(
            Code::EkcertMalformed,
            "the reply is empty".to_owned(),
        )),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, Error> {
    decode_base64(text)
        .ok()
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| {
            Error::malformed(
                Code::EkcertMalformed,
                "the reply is neither an array of octets, nor base64, nor PKCS#7",
                HELP,
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_reply() {
        for (body, code) in [
            (&b""[..], Code::EkcertMalformed),
            (b" \n", Code::EkcertMalformed),
            (b"<html></html>", Code::EkcertMalformed),
            (b"{}", Code::EkcertMalformed),
            (b"[256]", Code::JsonMalformed),
            (b"[-1]", Code::JsonMalformed),
            (b"[1.5]", Code::JsonMalformed),
            (b"[\"MA==\"]", Code::JsonMalformed),
            (b"[48,128]x", Code::JsonMalformed),
            (b"[]", Code::EkcertMalformed),
            (b"[48,0]", Code::EkcertMalformed),
            (b"\"MAA\"", Code::EkcertMalformed),
            (b"\"x", Code::JsonMalformed),
            (b"0\x00", Code::EkcertMalformed),
            (b"\xff\xfe", Code::EkcertMalformed),
        ] {
            let error = Signers::read(body).unwrap_err();
            assert_eq!(error.code, Some(code), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn deep_json_costs_no_stack() {
        let body = "[".repeat(MAX_REPLY_LEN);
        let error = Signers::read(body.as_bytes()).unwrap_err();
        assert_eq!(error.code, Some(Code::JsonMalformed));
        let error = Signers::read(format!("{body}[").as_bytes()).unwrap_err();
        assert_eq!(error.code, Some(Code::InputTooLarge));
    }
}
