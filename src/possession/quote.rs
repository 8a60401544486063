use ::der::Encode as _;
use ::der::asn1::UintRef;

use super::HELP;
use super::ak::AttestationKey;
use crate::ek::{NameAlg, Scheme, Wire};
use crate::finding::{Code, Error, Finding};
use crate::trust::{SignatureAlgorithm, SignatureError, SignatureHash, verify_message};

/// `TPM_GENERATED_VALUE`, `ff` and `TCG` (TPM 2.0 Part 2, 6.2): a restricted key signs
/// nothing that starts so unless the TPM made it.
const MAGIC: u32 = 0xff54_4347;
/// `TPM_ST_ATTEST_QUOTE`.
const ATTEST_QUOTE: u16 = 0x8018;
/// The most PCR banks in a quote: more than there are hash algorithms.
const MAX_BANKS: u32 = 16;

const ALG_RSASSA: u16 = 0x0014;
const ALG_ECDSA: u16 = 0x0018;

/// A `TPMS_ATTEST` of a quote (TPM 2.0 Part 2, 10.12.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What the caller gave the TPM to sign with the rest (`extraData`).
    pub extra_data: Vec<u8>,
    bytes: Vec<u8>,
}

/// A `TPMT_SIGNATURE` (TPM 2.0 Part 2, 11.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteSignature {
    scheme: Scheme,
    value: Value,
}

/// The signature itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// An integer as long as the modulus.
    Rsa(Vec<u8>),
    /// The two numbers of ECDSA.
    Ecdsa(Vec<u8>, Vec<u8>),
}

impl Quote {
    /// Reads a `TPMS_ATTEST` that fills `bytes` exactly and is a quote.
    ///
    /// # Errors
    /// `quote-invalid`, with the place where it breaks.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::of("the quote (TPMS_ATTEST)", bytes, Code::QuoteInvalid, HELP);
        if wire.u32_be("magic")? != MAGIC {
            return Err(wire.error("no TPM made it: it does not start with TPM_GENERATED_VALUE"));
        }
        let kind = wire.u16_be("type")?;
        if kind != ATTEST_QUOTE {
            return Err(wire.error(format!("type {kind:#06x} is no quote")));
        }
        wire.sized("qualifiedSigner")?;
        let extra_data = wire.sized("extraData")?.to_vec();
        // Clock, reset count, restart count, safe; then the firmware version.
        wire.take(17, "clockInfo")?;
        wire.take(8, "firmwareVersion")?;
        let banks = wire.u32_be("pcrSelect.count")?;
        if banks > MAX_BANKS {
            return Err(wire.error(format!("{banks} banks of PCRs are too many")));
        }
        for _ in 0..banks {
            wire.u16_be("pcrSelect.hash")?;
            let length = wire.u8("pcrSelect.sizeofSelect")?;
            wire.take(usize::from(length), "pcrSelect.pcrSelect")?;
        }
        wire.sized("pcrDigest")?;
        wire.finish()?;
        Ok(Self {
            extra_data,
            bytes: bytes.to_vec(),
        })
    }

    /// The bytes as received, which are what was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether `key` signed it.
    ///
    /// # Errors
    /// A `quote-invalid` finding.
    pub fn verify(
        &self,
        signature: &QuoteSignature,
        key: &AttestationKey,
    ) -> Result<(), Box<Finding>> {
        let invalid = |what: &str| {
            Box::new(Finding::new(
                Code::QuoteInvalid,
                format!("the quote is not signed by the attestation key: {what}"),
                "have the host answer the challenge again; if it stays so, somebody else answers \
                 for it",
            ))
        };
        // The scheme is the key's, whatever the signature says of itself.
        if key.public().scheme != Some(signature.scheme) {
            return Err(invalid("the signature is of another scheme than the key"));
        }
        let (algorithm, der) = match (&signature.value, signature.scheme) {
            (Value::Rsa(value), Scheme::RsaSsa(hash)) => (
                signature_hash(hash).map(SignatureAlgorithm::RsaPkcs1),
                Some(value.clone()),
            ),
            (Value::Ecdsa(r, s), Scheme::Ecdsa(hash)) => (
                signature_hash(hash).map(SignatureAlgorithm::Ecdsa),
                ecdsa_der(r, s),
            ),
            _ => (None, None),
        };
        let (Some(algorithm), Some(der)) = (algorithm, der) else {
            return Err(invalid("its signature is none"));
        };
        let spki = key.public().key.spki_der();
        verify_message(algorithm, spki, &self.bytes, &der).map_err(|error| match error {
            SignatureError::Invalid => invalid("the signature is wrong"),
            SignatureError::Unsupported(what) => {
                invalid(&format!("{what} cannot be verified here"))
            }
        })
    }
}

impl QuoteSignature {
    /// Reads a `TPMT_SIGNATURE` by RSASSA or ECDSA that fills `bytes` exactly.
    ///
    /// # Errors
    /// `quote-invalid`, with the place where it breaks.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::of(
            "the signature (TPMT_SIGNATURE)",
            bytes,
            Code::QuoteInvalid,
            HELP,
        );
        let algorithm = wire.u16_be("sigAlg")?;
        if !matches!(algorithm, ALG_RSASSA | ALG_ECDSA) {
            return Err(wire.error(format!("{algorithm:#06x} is neither RSASSA nor ECDSA")));
        }
        let id = wire.u16_be("hash")?;
        let Some(hash) = NameAlg::from_id(id) else {
            return Err(wire.error(format!("hash {id:#06x} is not one that is known here")));
        };
        let (scheme, value) = if algorithm == ALG_RSASSA {
            let value = wire.sized("sig")?.to_vec();
            (Scheme::RsaSsa(hash), Value::Rsa(value))
        } else {
            let r = wire.sized("signatureR")?.to_vec();
            let s = wire.sized("signatureS")?.to_vec();
            (Scheme::Ecdsa(hash), Value::Ecdsa(r, s))
        };
        wire.finish()?;
        Ok(Self { scheme, value })
    }
}

fn signature_hash(hash: NameAlg) -> Option<SignatureHash> {
    match hash {
        NameAlg::Sha256 => Some(SignatureHash::Sha256),
        NameAlg::Sha384 => Some(SignatureHash::Sha384),
        NameAlg::Sha512 => Some(SignatureHash::Sha512),
        _ => None,
    }
}

/// `Ecdsa-Sig-Value` (RFC 3279 2.2.3), as the verifier takes it.
fn ecdsa_der(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    #[derive(::der::Sequence)]
    struct EcdsaSigValue<'a> {
        r: UintRef<'a>,
        s: UintRef<'a>,
    }
    let value = EcdsaSigValue {
        r: UintRef::new(r).ok()?,
        s: UintRef::new(s).ok()?,
    };
    value.to_der().ok()
}
