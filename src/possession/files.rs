//! The JSON of requests, challenges and answers, specified in `docs/challenge.md`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::challenge::{Challenge, ChallengeId, EkCredential, Terms};
use super::credential::{Credential, Protection};
use super::request::{Request, suitable};
use super::{malformed, refuse_empty};
use crate::der::Time;
use crate::ek::{NameAlg, TpmPublic};
use crate::finding::Error;
use crate::hash::{Sha256Digest, from_hex, hex};
use crate::identifier::{MAX_KEYS, list};

/// The largest file that is read, in octets: [`MAX_KEYS`] RSA-4096 keys twice, in hex.
pub const MAX_FILE_LEN: usize = 512 * 1024;

/// How much of the reason why a file cannot be read is told, in characters.
const MAX_REASON_CHARS: usize = 200;

/// The longest name of a kind of key, in octets; `ecc-p256` and `rsa16384` have eight.
const MAX_ALGORITHM_LEN: usize = 16;

const REQUEST: &str = "endorse.challenge-request/1";
const CHALLENGE: &str = "endorse.challenge/1";
const ANSWER: &str = "endorse.challenge-answer/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    schema: String,
    name: Option<String>,
    /// `TPMT_PUBLIC`.
    ak: String,
    /// `TPMT_PUBLIC` each.
    eks: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeFile {
    schema: String,
    id: String,
    host: String,
    nonce: String,
    expires: String,
    ak_name: String,
    #[serde(deserialize_with = "list")]
    credentials: Vec<CredentialFile>,
    /// What the others give; for programs that do not compute it.
    qualifying_data: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialFile {
    ek: String,
    algorithm: String,
    name_alg: String,
    aes_bits: u16,
    id_object: String,
    encrypted_secret: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    schema: String,
    challenge: String,
    /// `TPMT_PUBLIC`.
    ak: String,
    #[serde(deserialize_with = "list")]
    secrets: Vec<SecretFile>,
    /// `TPMS_ATTEST`.
    quote: String,
    /// `TPMT_SIGNATURE`.
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFile {
    ek: String,
    secret: String,
}

pub(super) fn read_request(bytes: &[u8]) -> Result<Request, Error> {
    let file: RequestFile = parse(bytes, "a request for a challenge")?;
    expect_schema(&file.schema, REQUEST)?;
    few(file.eks.len(), "/eks")?;
    let mut eks = Vec::new();
    for (index, text) in file.eks.iter().enumerate() {
        let place = format!("/eks/{index}");
        // An EK of a kind that is not read here, such as SM2, is no fault of the file.
        if let Ok(public) = TpmPublic::from_tpmt(&octets(text, &place)?) {
            eks.push(public);
        }
    }
    Ok(Request {
        name: file.name,
        ak: suitable(public_area(&file.ak, "/ak")?)?,
        eks,
    })
}

pub(super) fn write_request(request: &Request) -> String {
    write(&RequestFile {
        schema: REQUEST.to_owned(),
        name: request.name.clone(),
        ak: hex(request.ak.public().tpmt()),
        eks: request.eks.iter().map(|ek| hex(ek.tpmt())).collect(),
    })
}

pub(super) fn read_challenge(bytes: &[u8]) -> Result<Challenge, Error> {
    let file: ChallengeFile = parse(bytes, "a challenge")?;
    expect_schema(&file.schema, CHALLENGE)?;
    few(file.credentials.len(), "/credentials")?;
    let credentials = file
        .credentials
        .into_iter()
        .enumerate()
        .map(|(index, credential)| credential.read(&format!("/credentials/{index}")))
        .collect::<Result<Vec<_>, _>>()?;
    if credentials.is_empty() {
        return Err(malformed("the challenge has no credential").at("/credentials"));
    }
    let terms = Terms {
        id: id(&file.id, "/id")?,
        host: file.host,
        nonce: fixed(&file.nonce, "/nonce")?,
        expires: Time::parse_rfc3339(&file.expires)
            .map_err(|error| malformed(error.message).at("/expires"))?,
        ak_name: octets(&file.ak_name, "/ak_name")?,
    };
    let challenge = Challenge { terms, credentials };
    if challenge.qualifying_data() != digest(&file.qualifying_data, "/qualifying_data")? {
        return Err(malformed(
            "the qualifying data are not those of the challenge: something in it was changed",
        )
        .at("/qualifying_data"));
    }
    Ok(challenge)
}

pub(super) fn write_challenge(challenge: &Challenge) -> String {
    write(&ChallengeFile {
        schema: CHALLENGE.to_owned(),
        id: challenge.terms.id.to_string(),
        host: challenge.terms.host.clone(),
        nonce: hex(&challenge.terms.nonce),
        expires: challenge.terms.expires.to_string(),
        ak_name: hex(&challenge.terms.ak_name),
        credentials: challenge
            .credentials
            .iter()
            .map(CredentialFile::from)
            .collect(),
        qualifying_data: challenge.qualifying_data().to_string(),
    })
}

pub(super) fn read_answer(bytes: &[u8]) -> Result<Answer, Error> {
    let file: AnswerFile = parse(bytes, "an answer to a challenge")?;
    expect_schema(&file.schema, ANSWER)?;
    few(file.secrets.len(), "/secrets")?;
    let secrets = file
        .secrets
        .iter()
        .enumerate()
        .map(|(index, secret)| {
            let place = format!("/secrets/{index}");
            Ok((digest(&secret.ek, &place)?, octets(&secret.secret, &place)?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Answer {
        challenge: id(&file.challenge, "/challenge")?,
        ak: public_area(&file.ak, "/ak")?,
        secrets,
        quote: octets(&file.quote, "/quote")?,
        signature: octets(&file.signature, "/signature")?,
    })
}

pub(super) fn write_answer(answer: &Answer) -> String {
    write(&AnswerFile {
        schema: ANSWER.to_owned(),
        challenge: answer.challenge.to_string(),
        ak: hex(answer.ak.tpmt()),
        secrets: answer
            .secrets
            .iter()
            .map(|(ek, secret)| SecretFile {
                ek: ek.to_string(),
                secret: hex(secret),
            })
            .collect(),
        quote: hex(&answer.quote),
        signature: hex(&answer.signature),
    })
}

impl CredentialFile {
    fn read(self, place: &str) -> Result<EkCredential, Error> {
        let hashes = [NameAlg::Sha256, NameAlg::Sha384, NameAlg::Sha512];
        let protection = hashes
            .into_iter()
            .find(|hash| hash_text(*hash) == self.name_alg)
            .and_then(|hash| Protection::new(hash, self.aes_bits))
            .ok_or_else(|| malformed("such a protection is not known").at(place))?;
        // It is only a hint, but it is repeated in messages.
        if self.algorithm.len() > MAX_ALGORITHM_LEN {
            return Err(malformed("no kind of key has so long a name").at(place));
        }
        Ok(EkCredential {
            ek: digest(&self.ek, place)?,
            algorithm: self.algorithm,
            protection,
            credential: Credential {
                id_object: octets(&self.id_object, place)?,
                encrypted_secret: octets(&self.encrypted_secret, place)?,
            },
        })
    }
}

impl From<&EkCredential> for CredentialFile {
    fn from(credential: &EkCredential) -> Self {
        Self {
            ek: credential.ek.to_string(),
            algorithm: credential.algorithm.clone(),
            name_alg: hash_text(credential.protection.name_alg()).to_owned(),
            aes_bits: credential.protection.aes_bits(),
            id_object: hex(&credential.credential.id_object),
            encrypted_secret: hex(&credential.credential.encrypted_secret),
        }
    }
}

/// The hash of a Name as the file writes it.
fn hash_text(hash: NameAlg) -> &'static str {
    match hash {
        NameAlg::Sha1 => "sha1",
        NameAlg::Sha256 => "sha256",
        NameAlg::Sha384 => "sha384",
        NameAlg::Sha512 => "sha512",
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Error> {
    refuse_empty(bytes)?;
    if bytes.len() > MAX_FILE_LEN {
        return Err(malformed(format!(
            "it has {} bytes; {what} has at most {MAX_FILE_LEN}",
            bytes.len()
        )));
    }
    // What serde derives takes an object's values in a list as well.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(malformed(format!("it is not {what}: it is no JSON object")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        // It may repeat a member's name, which may be as long as the file.
        let why: String = error.to_string().chars().take(MAX_REASON_CHARS).collect();
        malformed(format!("it is not {what}: {why}"))
    })
}

fn expect_schema(found: &str, expected: &str) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    let found: String = found.chars().take(MAX_REASON_CHARS).collect();
    Err(malformed(format!(
        "the file is of the form '{found}', not '{expected}'"
    ))
    .at("/schema"))
}

/// As many as an identifier may have keys, twice for those with two protections.
fn few(count: usize, place: &str) -> Result<(), Error> {
    let most = MAX_KEYS.saturating_mul(2);
    if count > most {
        return Err(malformed(format!("more than {most} are too many")).at(place));
    }
    Ok(())
}

fn write<T: Serialize>(file: &T) -> String {
    // Only a map with keys that are no strings could fail here, and there is none.
    let mut text = serde_json::to_string_pretty(file).unwrap_or_default();
    text.push('\n');
    text
}

fn octets(text: &str, place: &str) -> Result<Vec<u8>, Error> {
    from_hex(text).ok_or_else(|| malformed("it is not hex").at(place))
}

fn fixed<const N: usize>(text: &str, place: &str) -> Result<[u8; N], Error> {
    octets(text, place)?
        .try_into()
        .map_err(|_| malformed(format!("{N} octets in hex are expected")).at(place))
}

fn digest(text: &str, place: &str) -> Result<Sha256Digest, Error> {
    fixed(text, place).map(Sha256Digest)
}

fn id(text: &str, place: &str) -> Result<ChallengeId, Error> {
    fixed(text, place).map(ChallengeId)
}

fn public_area(text: &str, place: &str) -> Result<TpmPublic, Error> {
    TpmPublic::from_tpmt(&octets(text, place)?).map_err(|error| malformed(error.message).at(place))
}
