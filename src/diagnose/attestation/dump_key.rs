use crate::ek::{Algorithm, Certificate};
use crate::finding::{Error, Fault};
use crate::hash::{Sha256Digest, sha256};

/// The size of the key that dumps are encrypted for, in bits. Microsoft's script refuses any
/// other.
const DUMP_KEY_BITS: usize = 2048;

/// Where the hash of a dump key is told: the script writes the registry value and prints the
/// hash of it for the service, and the header says the same of what is measured.
pub const DUMP_KEY_SOURCE: &str = "Microsoft's Set-DumpEncryptionConfiguration.ps1 (Virtualization-Documentation); wbcl.h, \
     SIPAEVENT_DUMP_ENCRYPTION_KEY_DIGEST; About dump encryption";

/// The key for which a host encrypts its memory dumps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpKey {
    /// The registry value `PublicKey` below
    /// `CrashControl\EncryptionCertificates\Certificate.1`: the key as a
    /// `BCRYPT_RSAKEY_BLOB`.
    pub blob: Vec<u8>,
    /// What `Add-HgsAttestationDumpPolicy -PublicKeyHash` takes: SHA-256 of the blob.
    pub hash: Sha256Digest,
    /// Other digests of the same key that may be mistaken for it, by what is hashed.
    pub others: [(&'static str, Sha256Digest); 3],
}

/// The dump key of a certificate.
///
/// # Errors
/// [`Fault::Rejected`] if the key is not RSA with 2048 bits; `ekpub-malformed` if it cannot
/// be read.
pub fn dump_key(certificate: &Certificate) -> Result<DumpKey, Error> {
    let key = certificate.public_key()?;
    if key.algorithm() != Algorithm::Rsa(DUMP_KEY_BITS) {
        return Err(Error::new(
            Fault::Rejected,
            format!(
                "the key is {}, and memory dumps are encrypted for RSA with 2048 bits",
                key.algorithm()
            ),
            "make a certificate with an RSA key of 2048 bits for memory dumps",
        ));
    }
    let blob = key.to_bcrypt();
    Ok(DumpKey {
        hash: sha256(&blob),
        others: [
            ("SubjectPublicKeyInfo", sha256(certificate.spki_der())),
            ("RSAPublicKey (PKCS#1)", sha256(key.subject_public_key())),
            ("the certificate", certificate.sha256()),
        ],
        blob,
    })
}
