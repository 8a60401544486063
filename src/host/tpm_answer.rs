use tss_esapi::attributes::SessionAttributesBuilder;
use tss_esapi::constants::SessionType;
use tss_esapi::handles::{AuthHandle, KeyHandle, ObjectHandle, PersistentTpmHandle, SessionHandle};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{
    Data, Digest, EncryptedSecret, IdObject, Nonce, PcrSelectionListBuilder, PcrSlot, Public,
    SignatureScheme, SymmetricDefinition,
};
use tss_esapi::traits::{Marshall as _, UnMarshall as _};

use super::{AnsweringTpm, Place, Tpm, TpmTrouble};
use crate::ek::{NameAlg, TpmPublic};
use crate::possession::Credential;

/// `userWithAuth` (TPM 2.0 Part 2, 8.3): the key may be used with its password, which
/// for an EK is empty. Without it the policy must be met.
const USER_WITH_AUTH: u32 = 1 << 6;

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
                        .map_err(|error| tpm.trouble(error))
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

    /// Runs `work` with a session that authorises the use of an EK: its password, or its
    /// policy, which is PolicySecret with the endorsement hierarchy (policy A of the EK
    /// Credential Profile).
    fn with_ek_session<T>(
        &mut self,
        public: &TpmPublic,
        work: impl FnOnce(&mut Self, AuthSession) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        if public.attributes & USER_WITH_AUTH != 0 {
            return work(self, AuthSession::Password);
        }
        let hash = match NameAlg::from_id(public.name_alg) {
            Some(NameAlg::Sha384) => HashingAlgorithm::Sha384,
            Some(NameAlg::Sha512) => HashingAlgorithm::Sha512,
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
        let result = self.meet_policy(session).and_then(|()| work(self, session));
        // A policy session ends with its use unless it says otherwise; flushed here, it
        // is gone in any case.
        let handle = ObjectHandle::from(SessionHandle::from(session));
        let flushed = self.context.flush_context(handle);
        let value = result?;
        flushed.map_err(|error| self.trouble(error))?;
        Ok(value)
    }

    fn meet_policy(&mut self, session: AuthSession) -> Result<(), TpmTrouble> {
        let (attributes, mask) = SessionAttributesBuilder::new()
            .with_continue_session(true)
            .build();
        self.context
            .tr_sess_set_attributes(session, attributes, mask)
            .map_err(|error| self.trouble(error))?;
        let policy = PolicySession::try_from(session).map_err(|error| self.trouble(error))?;
        self.context
            .execute_with_session(Some(AuthSession::Password), |context| {
                context.policy_secret(
                    policy,
                    AuthHandle::Endorsement,
                    Nonce::default(),
                    Digest::default(),
                    Nonce::default(),
                    None,
                )
            })
            .map_err(|error| self.trouble(error))?;
        Ok(())
    }
}

/// What a TPM2B holds.
fn body(tpm2b: &[u8]) -> Option<&[u8]> {
    tpm2b.get(2..)
}

fn too_long() -> TpmTrouble {
    TpmTrouble::Refused("the credential is longer than any for a TPM".to_owned())
}
