//! Why a host was refused, by what logs and hosts say: the words of this room for the tables
//! of attestation.

use crate::diagnose::attestation::{self, PolicyInfo, StatusInfo, Step};

/// A reason for which a host is refused. It is a sub-status, to which one policy or more may
/// belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Any of the policies with this sub-status.
    Policy(&'static PolicyInfo),
    /// One that belongs to no policy.
    Other(&'static StatusInfo),
}

/// How an attestation ended, by its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The validation of a TCG log starts; the event carries the digest of the EK.
    Started,
    /// Passed, in TPM mode.
    PassedTpm,
    /// Passed, in AD mode.
    PassedAd,
    /// The EK is not registered; the event carries its digest.
    UnknownEk,
    /// The host is in no group that is trusted.
    UnknownHost,
    /// A policy was not met.
    Refused(Reason),
}

/// What an event of the Attestation Service says. The numbers are those that Microsoft's own
/// GuardedFabricTools reads.
pub(super) fn outcome(event: u32) -> Option<Outcome> {
    Some(match event {
        1203 => Outcome::Started,
        1500 => Outcome::UnknownEk,
        1519 => Outcome::PassedAd,
        1523 => Outcome::PassedTpm,
        1524 => Outcome::UnknownHost,
        _ => Outcome::Refused(Reason::Policy(attestation::by_event(event).next()?)),
    })
}

/// A reason by its name, whose case does not count.
pub(super) fn by_name(name: &str) -> Option<Reason> {
    let policy = attestation::by_substatus(name).next().map(Reason::Policy);
    policy.or_else(|| {
        let other = attestation::sub_status(name);
        // This one says that no reason was given.
        let other = other.filter(|other| other.name != "NoInformation");
        other.map(Reason::Other)
    })
}

impl Reason {
    /// The policy or policies, and what was not met, in words.
    pub(super) fn in_words(self) -> String {
        self.told("")
    }

    /// The same with the events that say so.
    pub(super) fn with_events(self) -> String {
        let events = match self {
            Self::Policy(policy) => policy.events,
            Self::Other(_) => &[],
        };
        let events: Vec<String> = events.iter().map(u32::to_string).collect();
        self.told(&format!("{}, ", events.join(" or ")))
    }

    fn told(self, before: &str) -> String {
        let policy = match self {
            Self::Other(status) => return format!("{}: {}", status.name, status.meaning),
            Self::Policy(policy) => policy,
        };
        let rows: Vec<_> = attestation::by_substatus(policy.sub_status).collect();
        let names: Vec<_> = rows.iter().filter_map(|row| row.name).collect();
        let demands: Vec<_> = rows.iter().map(|row| row.demands).collect();
        format!(
            "{} ({before}policy {}): it is not so, or cannot be told, that {}",
            policy.sub_status,
            names.join(" or "),
            demands.join(" and that ")
        )
    }

    /// What to do.
    pub(super) fn remedy(self) -> &'static [Step] {
        match self {
            Self::Policy(policy) => policy.remedy,
            Self::Other(status) => status.remedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::attestation::POLICIES;

    #[test]
    fn every_event_and_name_has_one_meaning() {
        for policy in POLICIES {
            let found = by_name(policy.sub_status).unwrap();
            assert!(found.in_words().starts_with(policy.sub_status));
            for event in policy.events {
                assert_eq!(outcome(*event), Some(Outcome::Refused(found)));
            }
        }
        assert_eq!(outcome(1500), Some(Outcome::UnknownEk));
        assert_eq!(outcome(1501), None);
        assert_eq!(by_name("NoInformation"), None);
        assert!(
            by_name("tcglogverification")
                .unwrap()
                .in_words()
                .starts_with("TcgLogVerification: ")
        );
        let two = by_name("VirtualSecureMode").unwrap().in_words();
        assert!(two.contains("Hgs_VsmIdkPresent") && two.contains("virtual secure mode runs"));
    }
}
