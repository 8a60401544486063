//! The host's side of a challenge: an attestation key, the recovered secrets, a quote.

use super::read::{every_place, locate};
use super::{EkChoice, Place, TpmDevice, TpmTrouble, read_tpm};
use crate::ek::TpmPublic;
use crate::finding::{Code, Error, Fault};
use crate::hash::{Sha256Digest, hex};
use crate::possession::{
    AK_TEMPLATES, Answer, AttestationKey, Challenge, Credential, EkCredential, Protection, Request,
};

const HELP_OTHER_TPM: &str = "answer on the host that the challenge is for; if this is it, its TPM does not hold \
     the key that it is registered with: 'endorse get-platform-identifier' shows which keys it has";
const HELP_NO_AK: &str = "the endorsement hierarchy may be disabled or have a password \
     (tpm2_getcap properties-variable); clear it in the firmware setup";

/// What a TPM does to prove what it holds, besides answering questions. Nothing of it
/// leaves anything in the TPM.
pub trait AnsweringTpm: TpmDevice {
    /// Recovers the secret of a credential (TPM2_ActivateCredential) with the EK at a
    /// place, for the attestation key that this template gives.
    ///
    /// # Errors
    /// [`TpmTrouble`]; refused if the credential is for another EK or another key.
    fn activate(
        &mut self,
        ek: &Place,
        public: &TpmPublic,
        ak_template: &[u8],
        credential: &Credential,
    ) -> Result<Vec<u8>, TpmTrouble>;

    /// Signs a quote over these data with the attestation key that the template gives:
    /// `TPMS_ATTEST` and `TPMT_SIGNATURE`.
    ///
    /// # Errors
    /// [`TpmTrouble`].
    fn quote(
        &mut self,
        ak_template: &[u8],
        qualifying_data: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), TpmTrouble>;
}

/// Makes the request for a challenge: the attestation key that the TPM gives, and the
/// public areas of its EKs. `name` is what the host is registered under, if it knows.
///
/// # Errors
/// [`Fault::Environment`] if the TPM stops answering, makes no attestation key, or shows
/// no EK.
pub fn ask(tpm: &mut dyn TpmDevice, name: Option<&str>) -> Result<Request, Error> {
    let mut refusal = String::new();
    let mut made = None;
    for template in &AK_TEMPLATES {
        match attestation_key(tpm, template.public_area)? {
            Ok(key) => {
                made = Some(key);
                break;
            }
            Err(why) => refusal = why,
        }
    }
    let Some(ak) = made else {
        return Err(no_attestation_key(&refusal));
    };
    let contents = read_tpm(tpm, EkChoice::Auto)?;
    Ok(Request {
        name: name.map(str::to_owned),
        ak,
        eks: contents.keys.into_iter().map(|key| key.public).collect(),
    })
}

/// Answers a challenge.
///
/// # Errors
/// [`Fault::Rejected`] with `ak-mismatch` or `challenge-secret` if this TPM cannot answer
/// it, [`Fault::Environment`] if it stops answering or makes no attestation key.
pub fn answer(tpm: &mut dyn AnsweringTpm, challenge: &Challenge) -> Result<Answer, Error> {
    let (template, ak) = own_attestation_key(tpm, &challenge.terms.ak_name)?;
    let mut secrets: Vec<(Sha256Digest, Vec<u8>)> = Vec::new();
    for credential in &challenge.credentials {
        if secrets.iter().any(|(ek, _)| *ek == credential.ek) {
            continue;
        }
        let ek = locate(tpm, credential.ek, &credential.algorithm)?;
        let Some((place, public)) = ek else {
            return Err(rejected(
                Code::ChallengeSecret,
                format!(
                    "this TPM does not have the {} EK {}",
                    credential.algorithm, credential.ek
                ),
                HELP_OTHER_TPM,
            ));
        };
        let secret = activate(tpm, &place, &public, template, challenge, credential)?;
        secrets.push((credential.ek, secret));
    }
    let quoted = tpm
        .quote(template, &challenge.qualifying_data().0)
        .map_err(|trouble| lost(trouble, "the TPM does not sign a quote"))?;
    let (quote, signature) = quoted;
    Ok(Answer {
        challenge: challenge.terms.id,
        ak: ak.public().clone(),
        secrets,
        quote,
        signature,
    })
}

/// Recovers the secret of a credential that says nothing of its EK, such as one of
/// tpm2_makecredential, with whichever EK of the TPM it is for.
///
/// # Errors
/// [`Fault::Rejected`] with `challenge-secret` if it is for none,
/// [`Fault::Environment`] if the TPM stops answering or makes no attestation key.
pub fn recover(tpm: &mut dyn AnsweringTpm, credential: &Credential) -> Result<Vec<u8>, Error> {
    let mut refusal = "it shows no EK of that kind".to_owned();
    let mut no_key = String::new();
    let mut templates = Vec::new();
    for template in &AK_TEMPLATES {
        match attestation_key(tpm, template.public_area)? {
            Ok(_) => templates.push(template.public_area),
            Err(why) => no_key = why,
        }
    }
    if templates.is_empty() {
        return Err(no_attestation_key(&no_key));
    }
    for place in every_place(tpm)? {
        let Some(public) = public_at(tpm, &place)? else {
            continue;
        };
        if !credential.is_for_a_key_like(&public.key) {
            continue;
        }
        for template in &templates {
            match tpm.activate(&place, &public, template, credential) {
                Ok(secret) => return Ok(secret),
                Err(TpmTrouble::Refused(why)) => refusal = why,
                Err(TpmTrouble::Lost(error)) => return Err(error),
            }
        }
    }
    Err(rejected(
        Code::ChallengeSecret,
        format!("no EK of this TPM recovers the secret: {refusal}"),
        "make the credential for this TPM's EK, and for the Name of the attestation key that \
         'endorse challenge ask' shows",
    ))
}

/// The public area of the key at a place, if it could be an EK.
fn public_at(tpm: &mut dyn AnsweringTpm, place: &Place) -> Result<Option<TpmPublic>, Error> {
    let area = match place {
        Place::Persistent(handle) => tpm.read_public(*handle),
        Place::Template(template) => tpm.create_primary(template),
    };
    match area {
        Ok(area) => Ok(TpmPublic::from_tpmt(&area)
            .ok()
            .filter(|public| Protection::of(public).is_some())),
        Err(TpmTrouble::Refused(_)) => Ok(None),
        Err(TpmTrouble::Lost(error)) => Err(error),
    }
}

/// The credentials for one EK, that which fits its public area first.
fn activate(
    tpm: &mut dyn AnsweringTpm,
    place: &Place,
    public: &TpmPublic,
    template: &[u8],
    challenge: &Challenge,
    first: &EkCredential,
) -> Result<Vec<u8>, Error> {
    let own = Protection::of(public);
    let mut credentials: Vec<&EkCredential> = challenge
        .credentials
        .iter()
        .filter(|credential| credential.ek == first.ek)
        .collect();
    credentials.sort_by_key(|credential| own != Some(credential.protection));
    let mut refusal = String::new();
    for credential in credentials {
        match tpm.activate(place, public, template, &credential.credential) {
            Ok(secret) => return Ok(secret),
            Err(TpmTrouble::Refused(why)) => refusal = why,
            Err(TpmTrouble::Lost(error)) => return Err(error),
        }
    }
    Err(rejected(
        Code::ChallengeSecret,
        format!(
            "the TPM does not recover the secret for its {} EK: {refusal}",
            first.algorithm
        ),
        "the challenge was changed on its way, or made for another key; if the endorsement \
         hierarchy has a password (tpm2_getcap properties-variable), clear it",
    ))
}

/// The attestation key with this Name, and the template that it comes from.
fn own_attestation_key(
    tpm: &mut dyn AnsweringTpm,
    name: &[u8],
) -> Result<(&'static [u8], AttestationKey), Error> {
    let mut made = Vec::new();
    let mut refusals = Vec::new();
    for template in &AK_TEMPLATES {
        match attestation_key(tpm, template.public_area)? {
            Ok(key) if key.name() == name => return Ok((template.public_area, key)),
            Ok(key) => made.push(hex(key.name())),
            Err(why) => refusals.push(why),
        }
    }
    // A TPM that makes none at all is no other TPM.
    if let (true, Some(why)) = (made.is_empty(), refusals.last()) {
        return Err(no_attestation_key(why));
    }
    made.append(&mut refusals);
    Err(rejected(
        Code::AkMismatch,
        format!(
            "the challenge is for the attestation key {}, which this TPM does not make ({})",
            hex(name),
            made.join("; ")
        ),
        "answer on the host that asked; if this is it, its endorsement seed has changed since: \
         register its new keys and ask anew. A key of tpm2_createak is answered for with tpm2-tools",
    ))
}

/// The attestation key that a template gives, or why there is none.
fn attestation_key(
    tpm: &mut (impl TpmDevice + ?Sized),
    template: &[u8],
) -> Result<Result<AttestationKey, String>, Error> {
    let area = match tpm.create_primary(template) {
        Ok(area) => area,
        Err(TpmTrouble::Refused(why)) => return Ok(Err(why)),
        Err(TpmTrouble::Lost(error)) => return Err(error),
    };
    let public = match TpmPublic::from_tpmt(&area) {
        Ok(public) => public,
        Err(error) => return Ok(Err(error.to_string())),
    };
    Ok(AttestationKey::new(public).map_err(|finding| finding.message))
}

fn no_attestation_key(refusal: &str) -> Error {
    Error::environment(
        format!("the TPM makes no attestation key: {refusal}"),
        HELP_NO_AK,
    )
}

fn lost(trouble: TpmTrouble, what: &str) -> Error {
    match trouble {
        TpmTrouble::Lost(error) => error,
        TpmTrouble::Refused(why) => Error::environment(
            format!("{what}: {why}"),
            "see what state the TPM is in: tpm2_getcap properties-variable",
        ),
    }
}

fn rejected(code: Code, message: String, help: &str) -> Error {
    Error {
        code: Some(code),
        ..Error::new(Fault::Rejected, message, help)
    }
}
