use super::{Answer, Dump, template_name};
use crate::finding::Error;
use crate::host::{MachineFacts, TpmDevice, TpmFacts, TpmTrouble};

/// NV indices of certificates, nonces, templates and chain (TCG EK Credential Profile,
/// 2.2). Others are left alone: an index may have a password, and trying none counts as a
/// wrong one.
const OF_EKS: std::ops::Range<u32> = 0x01c0_0000..0x01c0_0200;
/// The most persistent objects that are read; TPMs have room for a dozen or two.
const MAX_PERSISTENT: usize = 256;

/// Passes questions on to a TPM and keeps the answers.
pub struct Recorder<'a> {
    tpm: &'a mut dyn TpmDevice,
    dump: Dump,
}

impl<'a> Recorder<'a> {
    /// Records what is asked of this TPM.
    pub fn new(tpm: &'a mut dyn TpmDevice) -> Self {
        Self {
            tpm,
            dump: Dump::default(),
        }
    }

    /// What was recorded, with what else there is in NV memory of certificates, nonces,
    /// templates and chain, and at persistent handles. Keys that nobody asked for are not made: that takes many
    /// TPMs some seconds each.
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if the TPM stops
    /// answering.
    pub fn finish(mut self, machine: MachineFacts) -> Result<Dump, Error> {
        self.rest().or_else(|trouble| match trouble {
            TpmTrouble::Refused(_) => Ok(()),
            TpmTrouble::Lost(error) => Err(error),
        })?;
        self.dump.machine = Some(machine);
        Ok(self.dump)
    }

    fn rest(&mut self) -> Result<(), TpmTrouble> {
        // What each answers, refusal or not, is kept by the asking.
        if self.dump.facts.is_none() {
            let _ = answer(self.facts())?;
        }
        let indices = answer(self.nv_indices())?.unwrap_or_default();
        for index in indices.into_iter().filter(|index| OF_EKS.contains(index)) {
            if !self.dump.nv.contains_key(&index) {
                let _ = answer(self.nv_read(index))?;
            }
        }
        let handles = answer(self.persistent_handles())?.unwrap_or_default();
        for handle in handles.into_iter().take(MAX_PERSISTENT) {
            if !self.dump.persistent.contains_key(&handle) {
                let _ = answer(self.read_public(handle))?;
            }
        }
        Ok(())
    }
}

/// A refusal is an answer.
fn answer<T>(result: Result<T, TpmTrouble>) -> Result<Result<T, String>, TpmTrouble> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(TpmTrouble::Refused(why)) => Ok(Err(why)),
        Err(lost) => Err(lost),
    }
}

/// What is kept of a result; a TPM that is lost gave no answer.
fn kept(result: &Result<Vec<u8>, TpmTrouble>) -> Option<Answer> {
    match result {
        Ok(content) => Some(Ok(content.clone())),
        Err(TpmTrouble::Refused(why)) => Some(Err(why.clone())),
        Err(TpmTrouble::Lost(_)) => None,
    }
}

impl TpmDevice for Recorder<'_> {
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
        let facts = self.tpm.facts()?;
        self.dump.facts = Some(facts.clone());
        Ok(facts)
    }

    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        self.tpm.nv_indices()
    }

    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
        let result = self.tpm.nv_read(index);
        self.dump
            .nv
            .extend(kept(&result).map(|answer| (index, answer)));
        result
    }

    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        self.tpm.persistent_handles()
    }

    fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble> {
        let result = self.tpm.read_public(handle);
        self.dump
            .persistent
            .extend(kept(&result).map(|answer| (handle, answer)));
        result
    }

    fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
        let result = self.tpm.create_primary(template);
        let name = template_name(template);
        self.dump
            .primary
            .extend(kept(&result).map(|answer| (name, answer)));
        result
    }
}

impl std::fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("dump", &self.dump)
            .finish_non_exhaustive()
    }
}
