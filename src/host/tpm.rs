use tss_esapi::Context;
use tss_esapi::constants::{CapabilityType, PropertyTag, Tss2ResponseCode};
use tss_esapi::handles::{
    KeyHandle, NvIndexHandle, NvIndexTpmHandle, ObjectHandle, PersistentTpmHandle, TpmHandle,
};
use tss_esapi::interface_types::resource_handles::{Hierarchy, NvAuth};
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::{CapabilityData, NvPublic, Public};
use tss_esapi::traits::{Marshall as _, UnMarshall as _};

use super::{TpmDevice, TpmFacts, TpmTrouble, tcti};
use crate::finding::Error;

/// The first NV index for endorsement keys, and the first after them (TCG EK
/// Credential Profile, 2.2).
const FIRST_EK_INDEX: u32 = 0x01c0_0000;
const END_EK_INDEX: u32 = 0x01c1_0000;
/// The first persistent handle and the first after them (TPM 2.0 Part 2, 7.2).
const FIRST_PERSISTENT: u32 = 0x8100_0000;
const END_PERSISTENT: u32 = 0x8200_0000;
/// How many handles are asked for at once. A TPM may give fewer.
const HANDLES_AT_ONCE: u32 = 64;
/// The most handles that are listed; TPMs have room for a few dozen objects.
const MAX_HANDLES: usize = 4096;
/// What is read at once from NV if the TPM does not say what it can (that is the
/// least that the PC Client profile asks for).
const DEFAULT_NV_PIECE: usize = 512;
/// The most that is read at once, whatever a TPM says: what the software stack has room
/// for (`TPM2_MAX_NV_BUFFER_SIZE`).
const MAX_NV_PIECE: usize = 2048;
/// `TPM_RC_NV_UNINITIALIZED` (TPM 2.0 Part 2, 6.6.3): nothing was ever written there.
const RC_NV_UNINITIALIZED: u32 = 0x14a;
/// The most that is read from one NV index. Its size has 16 bits.
const MAX_NV_LEN: usize = 65_535;

/// A TPM behind the TCG software stack.
pub struct Tpm {
    pub(super) context: Context,
    tcti: String,
}

impl Tpm {
    /// Connects to the TPM that `tcti` names, such as
    /// [`DEFAULT_TCTI`](super::DEFAULT_TCTI) or `swtpm:host=127.0.0.1,port=2321`.
    ///
    /// The C libraries of the software stack write what goes wrong to standard
    /// error, unless the environment has `TSS2_LOG=all+none` when the process starts.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if `tcti` is no known
    /// form, [`Fault::Environment`](crate::finding::Fault::Environment) if no TPM
    /// 2.0 answers there.
    pub fn open(tcti: &str) -> Result<Self, Error> {
        let name = tcti::parse(tcti)?;
        tcti::check_device(tcti)?;
        let context = Context::new(name).map_err(|error| {
            Error::environment(
                format!("no TPM can be reached at {tcti}: {}", describe(error)),
                if tcti.starts_with("tabrmd") {
                    "see that the resource manager runs (systemctl status tpm2-abrmd) and that \
                     its library is there (libtss2-tcti-tabrmd0)"
                } else {
                    "see that the TPM or its emulator runs and listens there"
                },
            )
        })?;
        Ok(Self {
            context,
            tcti: tcti.to_owned(),
        })
    }

    pub(super) fn trouble(&self, error: tss_esapi::Error) -> TpmTrouble {
        let code = match error {
            tss_esapi::Error::Tss2Error(code) => raw(code),
            // The stack read an answer that it does not understand.
            tss_esapi::Error::WrapperError(kind) => return TpmTrouble::Refused(kind.to_string()),
        };
        let lost = |message: &str, help: &str| {
            TpmTrouble::Lost(Error::environment(
                format!("{message} ({}, {})", self.tcti, describe(error)),
                help,
            ))
        };
        match (layer(code), code & 0xfff) {
            // TPM_RC_BAD_TAG of TPM 1.2 (TPM 2.0 Part 2, 6.6.3).
            (LAYER_TPM, 0x01e) => lost(
                "the TPM is version 1.2",
                "a TPM 2.0 is needed; some machines can switch theirs in the firmware setup or \
                 by a firmware update",
            ),
            (LAYER_TPM, 0x100) => lost(
                "the TPM has not been started",
                "the firmware starts it at boot (TPM2_Startup); start an emulator with \
                 --flags startup-clear",
            ),
            (LAYER_TPM, 0x101) => lost(
                "the TPM is in failure mode",
                "switch the machine off and on again; if it stays so, the TPM is broken",
            ),
            (LAYER_TPM, 0x130) => lost("the TPM wants a restart", "restart the machine"),
            (LAYER_TPM | LAYER_RESMGR, 0x902..=0x906) => lost(
                "the TPM has no room for another object or session",
                "use device:/dev/tpmrm0 or tabrmd, which make room; or flush what was left \
                 behind: tpm2_flushcontext --transient-object",
            ),
            (LAYER_TPM, 0x908 | 0x922) => lost(
                "the TPM is busy",
                "try again in a moment; use device:/dev/tpmrm0 if several programs use it",
            ),
            (LAYER_TPM | LAYER_RESMGR | LAYER_RESMGR_TPM, _) => {
                TpmTrouble::Refused(describe(error))
            }
            (LAYER_MARSHALLING | LAYER_SYSTEM, _) => lost(
                "what answers there is no TPM 2.0",
                "see that a TPM 2.0 is there; a TPM of version 1.2 can be switched on some \
                 machines, in the firmware setup or by a firmware update",
            ),
            _ => lost(
                "the TPM stopped answering",
                "see that the TPM or its emulator still runs, then try again; nothing was \
                 changed in it",
            ),
        }
    }

    fn handles(&mut self, first: u32, end: u32) -> Result<Vec<u32>, TpmTrouble> {
        let mut handles: Vec<u32> = Vec::new();
        let mut next = first;
        loop {
            let (data, more) = self
                .context
                .get_capability(CapabilityType::Handles, next, HANDLES_AT_ONCE)
                .map_err(|error| self.trouble(error))?;
            let CapabilityData::Handles(page) = data else {
                return Err(TpmTrouble::Refused(
                    "it gave something else than handles".to_owned(),
                ));
            };
            let page: Vec<u32> = page.into_inner().into_iter().map(u32::from).collect();
            handles.extend(page.iter().filter(|handle| (next..end).contains(handle)));
            match page.last() {
                Some(&last)
                    if more && last >= next && last < end && handles.len() < MAX_HANDLES =>
                {
                    next = last.saturating_add(1);
                }
                _ => return Ok(handles),
            }
        }
    }

    fn property(&mut self, tag: PropertyTag) -> Result<Option<u32>, TpmTrouble> {
        match self.context.get_tpm_property(tag) {
            Ok(value) => Ok(value),
            Err(error) => match self.trouble(error) {
                TpmTrouble::Refused(_) => Ok(None),
                lost => Err(lost),
            },
        }
    }

    /// Runs `read` on an object that is in the TPM already, and lets go of what the
    /// software stack remembers of it.
    pub(super) fn with_object<T>(
        &mut self,
        handle: TpmHandle,
        read: impl FnOnce(&mut Self, ObjectHandle) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        let mut object = self
            .context
            .tr_from_tpm_public(handle)
            .map_err(|error| self.trouble(error))?;
        let result = read(self, object);
        let closed = self.context.tr_close(&mut object);
        let value = result?;
        closed.map_err(|error| self.trouble(error))?;
        Ok(value)
    }

    /// Runs `work` with the primary key of the endorsement hierarchy that a template
    /// gives, and flushes it, whatever became of the work.
    pub(super) fn with_primary<T>(
        &mut self,
        template: &[u8],
        work: impl FnOnce(&mut Self, KeyHandle, &Public) -> Result<T, TpmTrouble>,
    ) -> Result<T, TpmTrouble> {
        let public = Public::unmarshall(template)
            .map_err(|_| TpmTrouble::Refused("the template cannot be read".to_owned()))?;
        let made = self
            .context
            .execute_with_session(Some(AuthSession::Password), |context| {
                context.create_primary(Hierarchy::Endorsement, public, None, None, None, None)
            })
            .map_err(|error| self.trouble(error))?;
        let result = work(self, made.key_handle, &made.out_public);
        let flushed = self.context.flush_context(made.key_handle.into());
        let value = result?;
        flushed.map_err(|error| self.trouble(error))?;
        Ok(value)
    }

    fn nv_read_with(
        &mut self,
        auth: NvAuth,
        index: NvIndexHandle,
        length: usize,
    ) -> Result<Vec<u8>, TpmTrouble> {
        let piece = self
            .property(PropertyTag::NvBufferMax)?
            .and_then(|size| usize::try_from(size).ok())
            .filter(|&size| size > 0)
            .unwrap_or(DEFAULT_NV_PIECE)
            .min(MAX_NV_PIECE);
        let mut content = Vec::new();
        while content.len() < length {
            let wanted = piece.min(length.saturating_sub(content.len()));
            let size = u16::try_from(wanted).unwrap_or(u16::MAX);
            let offset = u16::try_from(content.len()).unwrap_or(u16::MAX);
            let read = self
                .context
                .execute_with_session(Some(AuthSession::Password), |context| {
                    context.nv_read(auth, index, size, offset)
                });
            let read = match read {
                Ok(read) => read,
                Err(error) if response_code(error) == Some(RC_NV_UNINITIALIZED) => {
                    return Ok(Vec::new());
                }
                Err(error) => return Err(self.trouble(error)),
            };
            if read.value().is_empty() {
                return Err(TpmTrouble::Refused("it gave no more data".to_owned()));
            }
            content.extend_from_slice(read.value());
        }
        content.truncate(length);
        Ok(content)
    }
}

impl TpmDevice for Tpm {
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
        let mut facts = TpmFacts {
            manufacturer: self.property(PropertyTag::Manufacturer)?,
            revision: self.property(PropertyTag::Revision)?,
            lockout_interval: self.property(PropertyTag::LockoutInterval)?,
            ..TpmFacts::default()
        };
        let mut vendor = [0; 4];
        for (part, tag) in vendor.iter_mut().zip([
            PropertyTag::VendorString1,
            PropertyTag::VendorString2,
            PropertyTag::VendorString3,
            PropertyTag::VendorString4,
        ]) {
            *part = self.property(tag)?.unwrap_or(0);
        }
        facts.set_vendor_string(vendor);
        let high = self.property(PropertyTag::FirmwareVersion1)?;
        let low = self.property(PropertyTag::FirmwareVersion2)?;
        facts.firmware = high.zip(low);
        if let Some(attributes) = self.property(PropertyTag::Permanent)? {
            facts.set_permanent(attributes);
        }
        Ok(facts)
    }

    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        self.handles(FIRST_EK_INDEX, END_EK_INDEX)
    }

    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
        let handle = NvIndexTpmHandle::new(index).map_err(|error| self.trouble(error))?;
        self.with_object(handle.into(), |tpm, object| {
            let index = NvIndexHandle::from(object);
            let (public, _) = tpm
                .context
                .nv_read_public(index)
                .map_err(|error| tpm.trouble(error))?;
            let length = public.data_size().min(MAX_NV_LEN);
            let mut refused =
                TpmTrouble::Refused("its attributes permit reading with a policy only".to_owned());
            for auth in authorisations(&public, index) {
                match tpm.nv_read_with(auth, index, length) {
                    Err(trouble @ TpmTrouble::Refused(_)) => refused = trouble,
                    other => return other,
                }
            }
            Err(refused)
        })
    }

    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        self.handles(FIRST_PERSISTENT, END_PERSISTENT)
    }

    fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble> {
        let handle = PersistentTpmHandle::new(handle).map_err(|error| self.trouble(error))?;
        self.with_object(handle.into(), |tpm, object| {
            tpm.context
                .read_public(KeyHandle::from(object))
                .and_then(|(public, _, _)| public.marshall())
                .map_err(|error| tpm.trouble(error))
        })
    }

    fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
        self.with_primary(template, |tpm, _, public| {
            public.marshall().map_err(|error| tpm.trouble(error))
        })
    }
}

/// The ways in which an index may be read with an empty password, most likely
/// first. A wrong password for an index that is not exempt from the dictionary
/// attack protection counts against everybody, so that is tried last.
fn authorisations(public: &NvPublic, index: NvIndexHandle) -> Vec<NvAuth> {
    let attributes = public.attributes();
    let by_index = attributes.auth_read();
    [
        (attributes.owner_read(), NvAuth::Owner),
        (by_index && attributes.no_da(), NvAuth::NvIndex(index)),
        (attributes.pp_read(), NvAuth::Platform),
        (by_index && !attributes.no_da(), NvAuth::NvIndex(index)),
    ]
    .into_iter()
    .filter_map(|(allowed, auth)| allowed.then_some(auth))
    .collect()
}

/// Which layer of the software stack a response code comes from (TCG TSS 2.0
/// Overview and Common Structures, 3.1).
const LAYER_TPM: u32 = 0;
const LAYER_SYSTEM: u32 = 8;
const LAYER_MARSHALLING: u32 = 9;
const LAYER_RESMGR_TPM: u32 = 11;
const LAYER_RESMGR: u32 = 12;

fn layer(code: u32) -> u32 {
    (code >> 16) & 0xff
}

/// The response code of the TPM itself, if that is what the error is (TPM 2.0 Part 2, 6.6).
pub(super) fn response_code(error: tss_esapi::Error) -> Option<u32> {
    let tss_esapi::Error::Tss2Error(code) = error else {
        return None;
    };
    let number = raw(code);
    matches!(layer(number), LAYER_TPM | LAYER_RESMGR_TPM).then_some(number & 0xffff)
}

/// The number itself, which tss-esapi shows only as text.
fn raw(code: Tss2ResponseCode) -> u32 {
    let text = match code {
        Tss2ResponseCode::Success => return 0,
        Tss2ResponseCode::FormatZero(code) => code.to_string(),
        Tss2ResponseCode::FormatOne(code) => code.to_string(),
    };
    text.rsplit_once("0x")
        .and_then(|(_, digits)| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(u32::MAX)
}

pub(super) fn describe(error: tss_esapi::Error) -> String {
    match error {
        tss_esapi::Error::WrapperError(kind) => kind.to_string(),
        tss_esapi::Error::Tss2Error(code) => {
            let number = raw(code);
            match layer(number) {
                LAYER_TPM | LAYER_RESMGR_TPM => format!("{code}, response code {number:#x}"),
                _ => format!("TSS response code {number:#x}"),
            }
        }
    }
}

impl std::fmt::Debug for Tpm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tpm")
            .field("tcti", &self.tcti)
            .finish_non_exhaustive()
    }
}
