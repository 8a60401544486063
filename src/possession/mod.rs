//! Proof that a host holds the private part of its endorsement key.
//!
//! A platform identifier only claims an EK. The proof takes four steps, each of which
//! is a small file that may travel by any way:
//!
//! 1. The host *asks*: it makes an attestation key (AK) in its TPM and sends its public
//!    area ([`Request`]).
//! 2. The registry's side *makes* a [`Challenge`]: for each EK of the host a secret that
//!    only a TPM with that EK and that AK can recover (TPM2_MakeCredential, in software).
//! 3. The host *answers* ([`Answer`]): it recovers the secrets (TPM2_ActivateCredential)
//!    and has the AK sign a quote over the challenge.
//! 4. The registry's side *checks* the answer ([`check`]), which gives a [`Proof`].
//!
//! The AK has to come first because its Name goes into the credential: that is what ties
//! the signature to the chip. One AK for all EKs of a host ties them to one chip.
//!
//! Nothing here needs a TPM. The only thing taken from the environment is randomness.

mod ak;
mod answer;
mod challenge;
mod credential;
mod files;
mod kdf;
mod quote;
mod request;
#[cfg(test)]
pub(crate) mod tests;

pub use ak::{AK_TEMPLATES, AkTemplate, AttestationKey};
pub use answer::{Answer, Proof, check};
pub use challenge::{Challenge, ChallengeId, EkCredential, Kept, KeptEk, NewChallenge, Terms};
pub use credential::{Credential, MAX_CREDENTIAL_LEN, Protection, make_credential};
pub use files::MAX_FILE_LEN;
pub use quote::{Quote, QuoteSignature};
pub use request::Request;

use crate::finding::{Code, Error, Fault};

/// What to do about a file of this room that cannot be read.
const HELP: &str = "take the file again from where it was written; it was cut or changed on the way, \
     or it is another file";

fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(Code::ChallengeMalformed, message, HELP)
}

/// In a pipeline, the command before may have failed and written nothing.
fn refuse_empty(bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::malformed(
            Code::ChallengeMalformed,
            "it is empty",
            "see why the command that should have written it did not",
        ));
    }
    Ok(())
}

/// The cryptography library refused what it should not refuse.
fn refused_by_cryptography(what: &str) -> Error {
    Error::new(
        Fault::Unsupported,
        format!("the cryptography library could not {what}"),
        "report this as a fault of the program",
    )
}
