use super::ak::AttestationKey;
use super::challenge::{ChallengeId, Kept};
use super::quote::{Quote, QuoteSignature};
use crate::der::Time;
use crate::ek::TpmPublic;
use crate::finding::{Code, Error, Finding};
use crate::hash::{Sha256Digest, hex, sha256};

/// A host's answer to a challenge. Nothing in it is believed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The challenge that is answered.
    pub challenge: ChallengeId,
    /// The public area of the attestation key.
    pub ak: TpmPublic,
    /// The recovered secret of each EK, by the EK's SPKI SHA-256.
    pub secrets: Vec<(Sha256Digest, Vec<u8>)>,
    /// The `TPMS_ATTEST` that the attestation key signed.
    pub quote: Vec<u8>,
    /// The `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
}

/// That a TPM answered which holds every EK of the host, and with them the attestation
/// key. Only [`check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    challenge: ChallengeId,
    eks: Vec<Sha256Digest>,
    ak_name: Vec<u8>,
    at: Time,
}

impl Answer {
    /// Reads the file of an answer.
    ///
    /// # Errors
    /// `challenge-malformed`.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        super::files::read_answer(bytes)
    }

    /// The answer as a file. Ends in a line feed.
    pub fn to_json(&self) -> String {
        super::files::write_answer(self)
    }
}

impl Proof {
    /// The challenge that was answered.
    pub fn challenge(&self) -> ChallengeId {
        self.challenge
    }

    /// SPKI SHA-256 of the EKs whose private part the TPM holds.
    pub fn eks(&self) -> &[Sha256Digest] {
        &self.eks
    }

    /// The Name of the attestation key.
    pub fn ak_name(&self) -> &[u8] {
        &self.ak_name
    }

    /// When it was checked.
    pub fn at(&self) -> Time {
        self.at
    }
}

/// Checks an answer against what was kept of its challenge, at a time. That the
/// challenge is answered once only is for who keeps it.
///
/// # Errors
/// Everything that is wrong with it: `challenge-expired`, `ak-mismatch`,
/// `ak-unsuitable`, `challenge-secret`, `quote-invalid`, `quote-mismatch`; and
/// `challenge-unknown` for an answer to another challenge.
pub fn check(kept: &Kept, answer: &Answer, at: Time) -> Result<Proof, Vec<Finding>> {
    let mut findings = Vec::new();
    if answer.challenge != kept.terms.id {
        findings.push(Finding::new(
            Code::ChallengeUnknown,
            format!(
                "the answer is to the challenge {}, not to {}",
                answer.challenge, kept.terms.id
            ),
            "have the host answer this challenge",
        ));
    }
    if at > kept.terms.expires {
        findings.push(Finding::new(
            Code::ChallengeExpired,
            format!(
                "the challenge had to be answered by {}; it is {at}",
                kept.terms.expires
            ),
            "make a new one; --valid-for gives the host more time",
        ));
    }
    secrets(kept, answer, &mut findings);
    if let Some(key) = attestation_key(kept, answer, &mut findings) {
        findings.extend(quote(kept, answer, &key));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Proof {
        challenge: kept.terms.id,
        eks: kept.eks.iter().map(|kept| kept.ek).collect(),
        ak_name: kept.terms.ak_name.clone(),
        at,
    })
}

/// Each EK's secret must be right. What is there beyond them proves nothing and is
/// passed over.
fn secrets(kept: &Kept, answer: &Answer, findings: &mut Vec<Finding>) {
    for expected in &kept.eks {
        let mut given = answer.secrets.iter().filter(|(ek, _)| *ek == expected.ek);
        let what = match given.next() {
            Some((_, secret)) if sha256(secret) == expected.secret_sha256 => continue,
            Some(_) => "is wrong",
            None => "is missing",
        };
        findings.push(Finding::new(
            Code::ChallengeSecret,
            format!("the secret for the EK {} {what}", expected.ek),
            "only the TPM with that EK can recover it: answer on the host itself; if the host has \
             answered, it does not hold the EK that it is registered with",
        ));
    }
}

fn attestation_key(
    kept: &Kept,
    answer: &Answer,
    findings: &mut Vec<Finding>,
) -> Option<AttestationKey> {
    match AttestationKey::new(answer.ak.clone()) {
        Ok(key) if key.name() == kept.terms.ak_name => Some(key),
        Ok(key) => {
            findings.push(Finding::new(
                Code::AkMismatch,
                format!(
                    "the answer is signed by the attestation key {}, but the challenge is made \
                     for {}",
                    hex(key.name()),
                    hex(&kept.terms.ak_name)
                ),
                "answer with the key that the request was made with, or ask anew",
            ));
            None
        }
        Err(finding) => {
            findings.push(*finding);
            None
        }
    }
}

fn quote(kept: &Kept, answer: &Answer, key: &AttestationKey) -> Option<Finding> {
    let read = Quote::read(&answer.quote)
        .and_then(|quote| Ok((quote, QuoteSignature::read(&answer.signature)?)));
    let (quote, signature) = match read {
        Ok(read) => read,
        Err(error) => return Some(error.into()),
    };
    if let Err(finding) = quote.verify(&signature, key) {
        return Some(*finding);
    }
    let expected = kept.qualifying_data();
    (quote.extra_data != expected.0).then(|| {
        Finding::new(
            Code::QuoteMismatch,
            format!(
                "the quote is over {}, not over this challenge ({expected})",
                hex(&quote.extra_data)
            ),
            "have the host answer this challenge as it was made; an answer to another, or to one \
             that was changed on the way, does not count",
        )
    })
}
