use crate::der::Time;
use crate::ek::EkPub;
use crate::finding::{Code, Error, Finding};
use crate::possession::{Answer, Challenge, NewChallenge, Request, check};

use super::audit::{Action, Event, append};
use super::backend::{StoredChallenge, Transaction};
use super::model::{Host, Possession};
use super::name::HostName;
use super::registrar::Registry;
use super::search::find;

/// The longest that a host may take to answer, in seconds: a week, for hosts that are
/// reached by a courier. What may be answered later proves less of now.
pub const MAX_CHALLENGE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// How long challenges are remembered after they expired, in seconds: ninety days, so
/// that an answer that is played back is told as one. The trail keeps them for good.
const REMEMBERED_SECONDS: i64 = 90 * 24 * 60 * 60;

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerReport {
    /// The host that was challenged, with its proof if it is proven; `None` if the
    /// challenge is not known, or the host is registered no more.
    pub host: Option<Host>,
    /// Why it is not proven; empty if it is.
    pub findings: Vec<Finding>,
}

impl AnswerReport {
    /// Whether the host has proven that it holds its EKs.
    pub fn is_proven(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Registry {
    /// Challenges a current host, named by `host` (as for [`show`](Self::show)) or else
    /// in the request, and remembers what the answer must be. `valid_for` is in seconds.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if no such host is registered,
    /// none is named, or the time makes no sense; what
    /// [`NewChallenge::new`] says; trouble with the database.
    pub fn challenge(
        &self,
        request: &Request,
        host: Option<&str>,
        valid_for: i64,
        at: Time,
        who: &str,
    ) -> Result<Challenge, Error> {
        self.accepts(false)?;
        if !(1..=MAX_CHALLENGE_SECONDS).contains(&valid_for) {
            return Err(Error::misuse(
                format!("a challenge cannot be valid for {valid_for} seconds"),
                format!("give from one second to seven days ({MAX_CHALLENGE_SECONDS} seconds)"),
            ));
        }
        let Some(name) = host.or(request.name.as_deref()) else {
            return Err(Error::misuse(
                "the request does not say which host it is from",
                "name the host with --host",
            ));
        };
        let transaction = self.backend.write()?;
        let host = find(&*transaction, name)?;
        let eks = host
            .eks
            .iter()
            .map(|ek| EkPub::from_spki(&ek.spki_der))
            .collect::<Result<Vec<_>, _>>()?;
        let expires = Time::from_unix(at.unix().saturating_add(valid_for));
        let new = NewChallenge::new(&host.name, &eks, request, expires)?;
        let forgotten = Time::from_unix(at.unix().saturating_sub(REMEMBERED_SECONDS));
        transaction.forget_challenges(forgotten)?;
        transaction.insert_challenge(&new.kept, at)?;
        let event = Event {
            challenge: Some(&new.kept),
            ..Event::new(Action::Challenge, at, who)
        };
        append(&*transaction, &host, &event)?;
        self.finish(transaction, false)?;
        Ok(new.challenge)
    }

    /// Checks an answer to a challenge of this registry. If it is right, the host is
    /// recorded as proven and the challenge as used, both or neither. An answer that is
    /// wrong changes nothing, so that nobody can use up another's challenge.
    ///
    /// # Errors
    /// Trouble with the database. A wrong answer is no error but has findings.
    pub fn answer(&self, answer: &Answer, at: Time, who: &str) -> Result<AnswerReport, Error> {
        self.accepts(false)?;
        let refused = |host, finding| {
            Ok(AnswerReport {
                host,
                findings: vec![finding],
            })
        };
        let transaction = self.backend.write()?;
        let Some(stored) = transaction.challenge(answer.challenge)? else {
            return refused(None, unknown(answer));
        };
        let Some(mut host) = challenged(&*transaction, &stored)? else {
            return refused(None, host_changed(&stored));
        };
        if let Some(used_at) = stored.used_at {
            return refused(Some(host), used(answer, used_at));
        }
        let proof = match check(&stored.kept, answer, at) {
            Ok(proof) => proof,
            Err(findings) => {
                return Ok(AnswerReport {
                    host: Some(host),
                    findings,
                });
            }
        };
        let possession = Possession {
            proven_at: proof.at(),
            ak_name: proof.ak_name().to_vec(),
            challenge: proof.challenge(),
        };
        transaction.use_challenge(proof.challenge(), at)?;
        transaction.set_possession(host.id, &possession)?;
        host.possession = Some(possession);
        append(&*transaction, &host, &Event::new(Action::Prove, at, who))?;
        self.finish(transaction, false)?;
        Ok(AnswerReport {
            host: Some(host),
            findings: Vec::new(),
        })
    }
}

/// The host that was challenged, as it is registered now. It may have been registered
/// anew meanwhile, but every EK it has must have been challenged.
fn challenged(
    transaction: &dyn Transaction,
    stored: &StoredChallenge,
) -> Result<Option<Host>, Error> {
    let name = HostName::new(&stored.kept.terms.host)?;
    let host = transaction.current_by_name(name.key())?;
    Ok(host.filter(|host| {
        host.eks
            .iter()
            .all(|ek| stored.kept.eks.iter().any(|kept| kept.ek == ek.spki_sha256))
    }))
}

fn unknown(answer: &Answer) -> Finding {
    Finding::new(
        Code::ChallengeUnknown,
        format!("this registry has no challenge {}", answer.challenge),
        "check it with the registry that made the challenge, or make a new one",
    )
}

fn host_changed(stored: &StoredChallenge) -> Finding {
    Finding::new(
        Code::ChallengeUnknown,
        format!(
            "{} is not registered any more with the EKs that it was challenged for",
            stored.kept.terms.host
        ),
        "register it, and make a new challenge",
    )
}

fn used(answer: &Answer, at: Time) -> Finding {
    Finding::new(
        Code::ChallengeUsed,
        format!("the challenge {} was answered at {at}", answer.challenge),
        "nothing if that was this host ('endorse hosts show' tells); else make a new challenge",
    )
}
