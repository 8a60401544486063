use std::fmt;

use aws_lc_rs::rand;

use super::credential::{Credential, MAX_CREDENTIAL_LEN, Protection, make_credential};
use super::refused_by_cryptography;
use super::request::Request;
use crate::der::Time;
use crate::ek::EkPub;
use crate::finding::{Error, Fault};
use crate::hash::{Sha256Digest, from_hex, hex, sha256};

/// Names a challenge: random, so that it tells nothing and meets no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChallengeId(pub [u8; 16]);

/// What a challenge is about, on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The challenge's name.
    pub id: ChallengeId,
    /// The name the host is registered under.
    pub host: String,
    /// Random, never used again.
    pub nonce: [u8; 32],
    /// Until when it may be answered.
    pub expires: Time,
    /// The Name of the attestation key that it is made for.
    pub ak_name: Vec<u8>,
}

/// A challenge, as it goes to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What it is about.
    pub terms: Terms,
    /// The credentials: one for each EK, two for an EK whose protection is not known.
    pub credentials: Vec<EkCredential>,
}

/// A credential for one of the host's EKs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EkCredential {
    /// SPKI SHA-256 of the EK.
    pub ek: Sha256Digest,
    /// The EK's kind: `rsa2048`, `ecc-p256`, … The host looks among keys of that kind
    /// first.
    pub algorithm: String,
    /// How it is protected.
    pub protection: Protection,
    /// The credential.
    pub credential: Credential,
}

/// What the challenger keeps. The secrets are not in it, only their digests, so that
/// who reads the registry cannot answer for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is about.
    pub terms: Terms,
    /// Every EK of the host.
    pub eks: Vec<KeptEk>,
}

/// What is kept of one EK's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEk {
    /// SPKI SHA-256 of the EK.
    pub ek: Sha256Digest,
    /// SHA-256 of the secret.
    pub secret_sha256: Sha256Digest,
}

/// A challenge that was just made.
#[derive(Clone, Debug)]
pub struct NewChallenge {
    /// For the host.
    pub challenge: Challenge,
    /// For the registry.
    pub kept: Kept,
}

impl NewChallenge {
    /// Makes a challenge for a host that is registered as `host` with these EKs.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] for an EK of a kind that no template makes and whose
    /// public area the request does not have; what
    /// [`make_credential`] says of impossible keys.
    pub fn new(host: &str, eks: &[EkPub], request: &Request, expires: Time) -> Result<Self, Error> {
        let terms = Terms {
            id: ChallengeId(random()?),
            host: host.to_owned(),
            nonce: random()?,
            expires,
            ak_name: request.ak.name().to_vec(),
        };
        let mut credentials = Vec::new();
        let mut kept = Vec::new();
        for key in eks {
            let ek = key.spki_sha256();
            if kept.iter().any(|known: &KeptEk| known.ek == ek) {
                continue;
            }
            let secret: [u8; MAX_CREDENTIAL_LEN] = random()?;
            for protection in protections(key, request)? {
                credentials.push(EkCredential {
                    ek,
                    algorithm: key.algorithm().to_string(),
                    protection,
                    credential: make_credential(key, protection, &terms.ak_name, &secret)?,
                });
            }
            kept.push(KeptEk {
                ek,
                secret_sha256: sha256(&secret),
            });
        }
        if kept.is_empty() {
            return Err(Error::misuse(
                format!("{host} has no EK that could be challenged"),
                "register it again from its own file",
            ));
        }
        Ok(Self {
            challenge: Challenge {
                terms: terms.clone(),
                credentials,
            },
            kept: Kept { terms, eks: kept },
        })
    }
}

impl Challenge {
    /// Reads the file of a challenge. What it says of itself must agree.
    ///
    /// # Errors
    /// `challenge-malformed`.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        super::files::read_challenge(bytes)
    }

    /// The challenge as a file. Ends in a line feed.
    pub fn to_json(&self) -> String {
        super::files::write_challenge(self)
    }

    /// What the attestation key has to sign, as `qualifyingData` of TPM2_Quote.
    pub fn qualifying_data(&self) -> Sha256Digest {
        let mut eks: Vec<Sha256Digest> = Vec::new();
        for credential in &self.credentials {
            if !eks.contains(&credential.ek) {
                eks.push(credential.ek);
            }
        }
        self.terms.qualifying_data(&eks)
    }
}

impl Kept {
    /// The same as [`Challenge::qualifying_data`].
    pub fn qualifying_data(&self) -> Sha256Digest {
        let eks: Vec<Sha256Digest> = self.eks.iter().map(|kept| kept.ek).collect();
        self.terms.qualifying_data(&eks)
    }

    /// SHA-256 over all that is kept, for whoever watches over it.
    pub fn fingerprint(&self) -> Sha256Digest {
        let mut all = self.qualifying_data().0.to_vec();
        for kept in &self.eks {
            all.extend_from_slice(&kept.secret_sha256.0);
        }
        sha256(&all)
    }
}

impl Terms {
    /// Everything that a challenge is about, in one digest. Each part has a fixed length
    /// or its length before it, so that no two challenges give the same octets.
    fn qualifying_data(&self, eks: &[Sha256Digest]) -> Sha256Digest {
        let mut all = b"endorse.challenge/1\0".to_vec();
        all.extend_from_slice(&self.id.0);
        all.extend_from_slice(&self.nonce);
        all.extend_from_slice(&self.expires.unix().to_be_bytes());
        for part in [self.host.as_bytes(), &self.ak_name] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            all.extend_from_slice(&length.to_be_bytes());
            all.extend_from_slice(part);
        }
        for ek in eks {
            all.extend_from_slice(&ek.0);
        }
        sha256(&all)
    }
}

/// How credentials for a key are protected: as its public area says, if the request
/// has it, else as the templates have it.
fn protections(key: &EkPub, request: &Request) -> Result<Vec<Protection>, Error> {
    let stated = request.eks.iter().filter(|public| public.key == *key);
    let mut all: Vec<Protection> = stated.filter_map(Protection::of).collect();
    all.truncate(1);
    if all.is_empty() {
        all = Protection::of_templates(key);
    }
    if all.is_empty() {
        return Err(Error::new(
            Fault::Unsupported,
            format!(
                "no credential can be made for the {} EK {}: how it protects what it is sent is \
                 not known",
                key.algorithm(),
                key.spki_sha256()
            ),
            "give the request that 'endorse challenge ask' writes on the host; it has the EK's \
             public area",
        ));
    }
    Ok(all)
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| refused_by_cryptography("give random numbers"))?;
    Ok(bytes)
}

impl ChallengeId {
    /// The id that displays as `text`.
    pub fn from_text(text: &str) -> Option<Self> {
        from_hex(text)?.try_into().ok().map(Self)
    }
}

/// Lower-case hex.
impl fmt::Display for ChallengeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ChallengeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
