use tss_esapi::attributes::SessionAttributesBuilder;
use tss_esapi::constants::SessionType;
use tss_esapi::handles::{AuthHandle, KeyHandle, ObjectHandle, PersistentTpmHandle, SessionHandle};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{
    Data, Digest, DigestList, EncryptedSecret, IdObject, Nonce, PcrSelectionListBuilder, PcrSlot,
    SignatureScheme, SymmetricDefinition,
};
use tss_esapi::traits::Marshall as _;

use super::tpm::{describe, response_code};
use super::{AnsweringTpm, Place, Tpm, TpmTrouble};
use crate::ek::{EkPolicy, NameAlg, TpmPublic};
use crate::finding::Error;
use crate::possession::Credential;

/// `TPM_RC` values (TPM 2.0 Part 2, 6.6.3). Of those about a handle, session or parameter, the
/// bits that do not tell which number it has.
const RC_FAILURE: u32 = 0x101;
const RC_LOCKOUT: u32 = 0x921;
const RC_ERROR: u32 = 0x0ff;
const RC_AUTH_FAIL: u32 = 0x08e;
const RC_BAD_AUTH: u32 = 0x0a2;

impl AnsweringTpm for Tpm {
    fn activate(
        &mut self,
        ek: &Place,
        public: &TpmPublic,
        ak_template: &[u8],
        credential: &Credential,
    ) -> Result<Vec<u8>, TpmTrouble> {
        let blob = body(&credential.id_object)
            .and_then(|body| IdObject::try_from(body.to_vec()).ok())
            .ok_or_else(too_long)?;
        let secret = body(&credential.encrypted_secret)
            .and_then(|body| EncryptedSecret::try_from(body.to_vec()).ok())
            .ok_or_else(too_long)?;
        self.with_primary(ak_template, |tpm, ak, _| {
            tpm.with_ek(ek, |tpm, ek| {
                tpm.with_ek_session(public, |tpm, session| {
                    tpm.context
                        .execute_with_sessions(
                            (Some(AuthSession::Password), Some(session), None),
                            |context| context.activate_credential(ak, ek, blob, secret),
                        )
                        .map(|secret| secret.value().to_vec())
                        .map_err(|error| tpm.trouble_with_credential(error))
                })
            })
        })
    }

    fn quote(
        &mut self,
        ak_template: &[u8],
        qualifying_data: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), TpmTrouble> {
        let data = Data::try_from(qualifying_data.to_vec()).map_err(|error| self.trouble(error))?;
        // A quote must select something; what the PCR holds is not looked at.
        let selection = PcrSelectionListBuilder::new()
            .with_selection(HashingAlgorithm::Sha256, &[PcrSlot::Slot0])
            .build()
            .map_err(|error| self.trouble(error))?;
        self.with_primary(ak_template, |tpm, ak, _| {
            let (quote, signature) = tpm
                .context
                .execute_with_session(Some(AuthSession::Password), |context| {
                    context.quote(ak, data, SignatureScheme::Null, selection)
                })
                .map_err(|error| tpm.trouble(error))?;
            let quote = quote.marshall().map_err(|error| tpm.trouble(error))?;
            let signature = signature.marshall().map_err(|error| tpm.trouble(error))?;
            Ok((quote, signature))
        })
    }
}

impl Tpm {
    /// What it means that TPM2_ActivateCredential failed.
    fn trouble_with_credential(&mut self, error: tss_esapi::Error) -> TpmTrouble {
        let stop = |message: &str, help: &str| {
            TpmTrouble::Lost(Error::environment(
                format!("{message} ({})", describe(error)),
                help,
            ))
        };
        match response_code(error) {
            // Some TPMs answer so to a seed that they cannot decrypt, though they are not in
            // failure mode (libtpms does). In that mode there is no random number, while some
            // properties are told all the same (TPM 2.0 Part 1, failure mode).
            Some(RC_FAILURE) if self.context.get_random(1).is_ok() => {
                TpmTrouble::Refused(format!("it does not decrypt the seed, {}", describe(error)))
            }
            // The attestation key was just made without a password, so it is the EK that has
            // one. Another attempt would only count against the TPM, too.
            Some(code) if matches!(code & RC_ERROR, RC_AUTH_FAIL | RC_BAD_AUTH) => stop(
                "the EK in the TPM has a password",
                "answer with tpm2_activatecredential (docs/challenge.md), which takes the password; \
                 each wrong one may count towards the TPM's lockout",
            ),
            Some(RC_LOCKOUT) => stop(
                "the TPM is in lockout, and its EK has no policy that would do without a password",
                "wait until the lockout is over, or end it: tpm2_dictionarylockout --clear-lockout",
            ),
            _ => self.trouble(error),
        }
    }

    /// Runs `work` with the EK, which is in the TPM already or made anew.
    fn with_ek<T>(
        &mut self,
        ek: &Place,
        work: impl FnOnce(&mut Self, KeyHandle) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        match ek {
            Place::Template(template) => self.with_primary(template, |tpm, key, _| work(tpm, key)),
            Place::Persistent(handle) => {
                let handle =
                    PersistentTpmHandle::new(*handle).map_err(|error| self.trouble(error))?;
                self.with_object(handle.into(), |tpm, object| work(tpm, object.into()))
            }
        }
    }

    /// Runs `work` with a session that authorises the use of an EK: by its policy, if that
    /// is one of the EK Credential Profile's, else by its password, which is empty. With
    /// the policy a TPM in lockout does it as well.
    fn with_ek_session<T>(
        &mut self,
        public: &TpmPublic,
        work: impl FnOnce(&mut Self, AuthSession) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        let policy = NameAlg::from_id(public.name_alg)
            .and_then(|hash| EkPolicy::of(hash, &public.auth_policy));
        let Some(policy) = policy else {
            return work(self, AuthSession::Password);
        };
        let hash = match policy.hash {
            NameAlg::Sha384 => HashingAlgorithm::Sha384,
            NameAlg::Sha512 => HashingAlgorithm::Sha512,
            _ => HashingAlgorithm::Sha256,
        };
        let started = self
            .context
            .execute_without_session(|context| {
                context.start_auth_session(
                    None,
                    None,
                    None,
                    SessionType::Policy,
                    SymmetricDefinition::AES_128_CFB,
                    hash,
                )
            })
            .map_err(|error| self.trouble(error))?;
        let Some(session) = started else {
            return Err(TpmTrouble::Refused("it started no session".to_owned()));
        };
        let result = self
            .meet_policy(session, &policy)
            .and_then(|()| work(self, session));
        // A policy session ends with its use unless it says otherwise; flushed here, it
        // is gone in any case.
        let handle = ObjectHandle::from(SessionHandle::from(session));
        let flushed = self.context.flush_context(handle);
        let value = result?;
        flushed.map_err(|error| self.trouble(error))?;
        Ok(value)
    }

    fn meet_policy(&mut self, session: AuthSession, policy: &EkPolicy) -> Result<(), TpmTrouble> {
        let (attributes, mask) = SessionAttributesBuilder::new()
            .with_continue_session(true)
            .build();
        self.context
            .tr_sess_set_attributes(session, attributes, mask)
            .map_err(|error| self.trouble(error))?;
        let policy_session =
            PolicySession::try_from(session).map_err(|error| self.trouble(error))?;
        self.context
            .execute_with_session(Some(AuthSession::Password), |context| {
                context.policy_secret(
                    policy_session,
                    AuthHandle::Endorsement,
                    Nonce::default(),
                    Digest::default(),
                    Nonce::default(),
                    None,
                )
            })
            .map_err(|error| self.trouble(error))?;
        if policy.alternatives.is_empty() {
            return Ok(());
        }
        let mut alternatives = DigestList::new();
        for digest in &policy.alternatives {
            Digest::try_from(digest.clone())
                .and_then(|digest| alternatives.add(digest))
                .map_err(|error| self.trouble(error))?;
        }
        self.context
            .execute_without_session(|context| context.policy_or(policy_session, alternatives))
            .map_err(|error| self.trouble(error))
    }
}

/// What a TPM2B holds.
fn body(tpm2b: &[u8]) -> Option<&[u8]> {
    tpm2b.get(2..)
}

fn too_long() -> TpmTrouble {
    TpmTrouble::Refused("the credential is longer than any for a TPM".to_owned())
}
