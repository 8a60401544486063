use tss_esapi::attributes::SessionAttributesBuilder;
use tss_esapi::constants::{PropertyTag, SessionType};
use tss_esapi::handles::{AuthHandle, KeyHandle, ObjectHandle, PersistentTpmHandle, SessionHandle};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{
    Data, Digest, DigestList, EncryptedSecret, IdObject, Nonce, PcrSelectionListBuilder, PcrSlot,
    Public, SignatureScheme, SymmetricDefinition,
};
use tss_esapi::traits::{Marshall as _, UnMarshall as _};

use super::tpm::describe;
use super::{AnsweringTpm, Place, Tpm, TpmTrouble};
use crate::ek::{EkPolicy, NameAlg, TpmPublic};
use crate::possession::Credential;

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
        self.with_primary(ak_template, |tpm, ak| {
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
        self.with_primary(ak_template, |tpm, ak| {
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
    /// Some TPMs answer TPM_RC_FAILURE to a seed that they cannot decrypt, though they are
    /// not in failure mode (libtpms does): they answer the next question.
    fn trouble_with_credential(&mut self, error: tss_esapi::Error) -> TpmTrouble {
        match self.trouble(error) {
            TpmTrouble::Lost(lost) => {
                match self.context.get_tpm_property(PropertyTag::Manufacturer) {
                    Ok(_) => TpmTrouble::Refused(describe(error)),
                    Err(_) => TpmTrouble::Lost(lost),
                }
            }
            refused => refused,
        }
    }

    /// Runs `work` with the EK, which is in the TPM already or made anew.
    fn with_ek<T>(
        &mut self,
        ek: &Place,
        work: impl FnOnce(&mut Self, KeyHandle) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        match ek {
            Place::Template(template) => self.with_primary(template, work),
            Place::Persistent(handle) => {
                let handle =
                    PersistentTpmHandle::new(*handle).map_err(|error| self.trouble(error))?;
                self.with_object(handle.into(), |tpm, object| work(tpm, object.into()))
            }
        }
    }

    /// Runs `work` with the primary key of the endorsement hierarchy that a template
    /// gives, and flushes it, whatever became of the work.
    fn with_primary<T>(
        &mut self,
        template: &[u8],
        work: impl FnOnce(&mut Self, KeyHandle) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        let public = Public::unmarshall(template)
            .map_err(|_| TpmTrouble::Refused("the template cannot be read".to_owned()))?;
        let made = self
            .context
            .execute_with_session(Some(AuthSession::Password), |context| {
                context.create_primary(Hierarchy::Endorsement, public, None, None, None, None)
            })
            .map_err(|error| self.trouble(error))?;
        let result = work(self, made.key_handle);
        let flushed = self.context.flush_context(made.key_handle.into());
        let value = result?;
        flushed.map_err(|error| self.trouble(error))?;
        Ok(value)
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
