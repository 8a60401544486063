//! Reading a real machine and its TPM, or a dump of both. The only room that names
//! tss-esapi.
//!
//! What is asked of a TPM is a trait of six questions, [`TpmDevice`], so that all
//! that follows from the answers (which certificate belongs to which key, what is
//! missing and why) is the same for a chip, an emulator and a test.
#![allow(
    clippy::disallowed_methods,
    reason = "this room is at the edge: it reads sysfs and the TPM, and writes the result"
)]

mod answer;
mod dump;
#[cfg(feature = "fetch")]
mod ekcert_service;
mod hypervisor;
mod machine;
mod platform;
mod read;
mod report;
#[cfg(feature = "tpm")]
mod tcti;
#[cfg(feature = "tpm")]
mod tpm;
#[cfg(feature = "tpm")]
mod tpm_answer;

pub use answer::{AnsweringTpm, answer, ask, recover};
pub use dump::{Dump, Recorder};
#[cfg(feature = "fetch")]
pub use ekcert_service::fetch_missing;
pub use machine::{MachineFacts, machine};
pub use platform::{
    Fact, Iommu, KernelTpm, PlatformFacts, SecureBoot, Swap, Virtualisation, platform,
};
pub use read::{Place, read_tpm};
pub use report::{HostReport, report};
#[cfg(feature = "tpm")]
pub use tpm::Tpm;

pub use crate::ek::TpmFacts;
use crate::ek::{Algorithm, Certificate, TpmPublic};
use crate::finding::{Error, Finding};

/// The TPM that is read unless another is named: the kernel's resource manager,
/// which lets several programs use the TPM at once.
pub const DEFAULT_TCTI: &str = "device:/dev/tpmrm0";

/// Below it, in `sys` and `proc`, Linux describes the machine.
pub const SYSTEM_ROOT: &str = "/";

/// Which endorsement keys are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EkChoice {
    /// Every key that has a certificate or, if none has, the RSA-2048 key, or the
    /// P-256 key of a TPM without RSA.
    #[default]
    Auto,
    /// Keys of this kind only, with or without a certificate.
    Only(Algorithm),
}

impl EkChoice {
    /// Whether keys of this kind are among those chosen.
    fn takes(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Auto => true,
            Self::Only(only) => only == algorithm,
        }
    }
}

/// Why a TPM did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TpmTrouble {
    /// It answered, and the answer was no. The text says why.
    Refused(String),
    /// It did not answer, or will answer nothing else either.
    Lost(Error),
}

/// The questions that are asked of a TPM. None of them changes anything in it.
pub trait TpmDevice {
    /// What it says about itself (TPM2_GetCapability).
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble>;

    /// The defined NV indices in the range for endorsement keys, 0x01C00000 and up.
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble>;

    /// All of an NV index, in as many pieces as the TPM needs.
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble>;

    /// The persistent handles, 0x81000000 and up.
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble>;

    /// The `TPMT_PUBLIC` of the object with this handle.
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble>;

    /// The `TPMT_PUBLIC` of the primary key that this template gives in the
    /// endorsement hierarchy. The key is flushed before the call returns.
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble>;
}

/// A certificate found in NV memory.
#[derive(Clone, Debug)]
pub struct NvCertificate {
    /// Its NV index.
    pub index: u32,
    /// The certificate, unwrapped.
    pub certificate: Certificate,
}

/// A certificate found in the chain area of NV memory.
#[derive(Clone, Debug)]
pub struct ChainCertificate {
    /// The NV index in which it starts. It may end in a later one.
    pub index: u32,
    /// Which of the certificates that start there it is, from one.
    pub number: usize,
    /// The certificate.
    pub certificate: Certificate,
}

/// A certificate that the vendor of the TPM had.
#[derive(Clone, Debug)]
pub struct FetchedCertificate {
    /// Where it was fetched from.
    pub url: String,
    /// The certificate.
    pub certificate: Certificate,
}

/// An endorsement key that the TPM showed.
#[derive(Clone, Debug)]
pub struct TpmKey {
    /// The key with its whole public area, from which the TPM's Name for it comes.
    pub public: TpmPublic,
    /// How it was found.
    pub source: KeySource,
}

/// How an endorsement key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// At a persistent handle.
    Persistent(u32),
    /// Made from a template: `L-1`, or `the template at NV 0x01c00004`.
    Template(String),
}

/// All that was read of a TPM.
#[derive(Clone, Debug, Default)]
pub struct TpmContents {
    /// What it says about itself.
    pub facts: TpmFacts,
    /// The certificates, in the order of their indices.
    pub certificates: Vec<NvCertificate>,
    /// The CA certificates that the TPM keeps, from those that issued its certificates
    /// upwards, without repetition.
    pub chain: Vec<ChainCertificate>,
    /// Certificates that are not in the TPM; see `fetch_missing`.
    pub fetched: Vec<FetchedCertificate>,
    /// The keys, in the order of the certificates, without repetition.
    pub keys: Vec<TpmKey>,
    /// What was missing or wrong.
    pub findings: Vec<Finding>,
}
