use std::collections::HashMap;

use super::clocks::WARN_SECONDS;
use super::https::{Https, Roots};
use super::{Answer, Exchange, NodeObservation, NtpOutcome, Outcome, Resolution, ServiceAddress};
use crate::diagnose::hgsa::service_info::ServiceInfo;
use crate::diagnose::hgsa::signers::Signers;
use crate::diagnose::{Diagnostic, Status};

/// A node as it was seen, with what can be read of it.
pub(in crate::diagnose) struct Seen<'a> {
    pub(super) node: &'a NodeObservation,
    /// What is to be said of its certificate; `None` if the service is reached by http.
    pub(super) https: Option<Https>,
    pub(super) info: Reply<ServiceInfo>,
    pub(super) signers: Reply<Signers>,
}

/// What came of a request.
pub(in crate::diagnose) enum Reply<T> {
    /// It can be read.
    Read(T),
    /// It was not asked for.
    NotAsked,
    /// No connection, no answer, or none that is whole.
    Nothing(String),
    /// Another status than 200.
    Status(u16, String),
    /// An answer with status 200 that is not what was asked for.
    Unreadable(String),
}

impl<'a> Seen<'a> {
    pub(super) fn new(node: &'a NodeObservation, roots: &Roots) -> Self {
        Self {
            node,
            https: node.service.https.then(|| Https::judge(node, roots)),
            info: read(node.service_info.as_ref(), |body| {
                ServiceInfo::read(body).map_err(|error| error.message)
            }),
            signers: read(node.signers.as_ref(), |body| {
                Signers::read(body).map_err(|error| error.message)
            }),
        }
    }

    /// A diagnostic that rests on what this node answered. Nothing passes on the word of a
    /// server that may be anybody.
    pub(super) fn weighed(&self, diagnostic: Diagnostic) -> Diagnostic {
        let Some(why) = self.https.as_ref().and_then(Https::doubt) else {
            return diagnostic;
        };
        if diagnostic.status != Status::Pass {
            return diagnostic;
        }
        Diagnostic {
            status: Status::Warn,
            ..diagnostic
        }
        .seen(format!(
            "but whoever answered did not prove to be {}: {why}",
            self.node.service.host
        ))
        .then("settle what the set Https says first, and diagnose again")
    }

    /// What the node says of its mode and level, if it does.
    pub(super) fn info(&self) -> Option<&ServiceInfo> {
        match &self.info {
            Reply::Read(info) => Some(info),
            _ => None,
        }
    }
}

fn read<T>(exchange: Option<&Exchange>, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Reply<T> {
    let Some(exchange) = exchange else {
        return Reply::NotAsked;
    };
    match &exchange.outcome {
        Outcome::Failure(trouble) => Reply::Nothing(trouble.to_string()),
        Outcome::Answer(answer) => match (answer.status, &answer.body_trouble) {
            (200, None) => match read(&answer.body.0) {
                Ok(reply) => Reply::Read(reply),
                Err(why) => Reply::Unreadable(format!("{why}{}", content_type(answer))),
            },
            (200, Some(trouble)) => Reply::Nothing(trouble.to_string()),
            (status, _) => Reply::Status(status, status_in_words(answer)),
        },
    }
}

fn content_type(answer: &Answer) -> String {
    match &answer.content_type {
        Some(kind) => format!("; it says that it is {kind}"),
        None => String::new(),
    }
}

/// A status other than 200, with what is known about it.
pub(super) fn status_in_words(answer: &Answer) -> String {
    let target = answer.location.as_deref().unwrap_or("elsewhere");
    match answer.status {
        300..=399 => format!(
            "the answer is HTTP {}: it sends us to {target}, where nobody goes",
            answer.status
        ),
        401 | 403 => format!(
            "the answer is HTTP {}: it wants to know who asks",
            answer.status
        ),
        404 => "the answer is HTTP 404: there is nothing under this path".to_owned(),
        503 => "the answer is HTTP 503: the application pool is stopped, or busy".to_owned(),
        other => format!("the answer is HTTP {other}"),
    }
}

/// How far one clock is ahead of another: somewhere between these, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) low_ms: i64,
    pub(super) high_ms: i64,
}

impl Offset {
    /// No difference at all.
    pub(super) const NONE: Self = Self {
        low_ms: 0,
        high_ms: 0,
    };

    /// What an NTP server says.
    pub(super) fn of_ntp(outcome: &NtpOutcome) -> Option<Self> {
        match outcome {
            NtpOutcome::Failure(_) => None,
            NtpOutcome::Offset {
                ahead_ms,
                uncertainty_ms,
            } => Some(Self {
                low_ms: ahead_ms.saturating_sub(uncertainty_ms.saturating_abs()),
                high_ms: ahead_ms.saturating_add(uncertainty_ms.saturating_abs()),
            }),
        }
    }

    /// How far this clock is ahead of another one, if both are compared with a third.
    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            low_ms: self.low_ms.saturating_sub(other.high_ms),
            high_ms: self.high_ms.saturating_sub(other.low_ms),
        }
    }

    /// What both say, if they do not contradict each other.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            low_ms: self.low_ms.max(other.low_ms),
            high_ms: self.high_ms.min(other.high_ms),
        };
        (both.low_ms <= both.high_ms).then_some(both)
    }

    /// The difference that there is at least, in whole seconds.
    pub(super) fn at_least_seconds(self) -> i64 {
        let least = match (self.low_ms, self.high_ms) {
            (low, _) if low > 0 => low,
            (_, high) if high < 0 => high.saturating_neg(),
            _ => 0,
        };
        least.div_euclid(1000)
    }

    /// Whether it is known well enough to say that there is no difference.
    pub(super) fn is_exact(self) -> bool {
        let width = self.high_ms.saturating_sub(self.low_ms);
        width.div_euclid(2).div_euclid(1000) <= WARN_SECONDS
    }

    /// The middle, in whole seconds.
    pub(super) fn seconds(self) -> i64 {
        self.middle_ms().div_euclid(1000)
    }

    fn middle_ms(self) -> i64 {
        let half_width = self.high_ms.saturating_sub(self.low_ms).div_euclid(2);
        self.low_ms.saturating_add(half_width)
    }

    /// `12.3 s ahead of`, `level with`, with how exact that is.
    pub(super) fn in_words(self, other: &str) -> String {
        let width = self.high_ms.saturating_sub(self.low_ms);
        let exact = seconds_in_words(width.saturating_add(1).div_euclid(2));
        let middle = self.middle_ms();
        match (self.low_ms, self.high_ms) {
            (low, _) if low > 0 => {
                let by = seconds_in_words(middle);
                format!("{by} ahead of {other} (give or take {exact})")
            }
            (_, high) if high < 0 => {
                let by = seconds_in_words(middle.saturating_neg());
                format!("{by} behind {other} (give or take {exact})")
            }
            _ => format!("no different from {other} (give or take {exact})"),
        }
    }
}

/// `0.250 s`, `12.300 s`, `2 d 3 h 0 min 5 s`.
fn seconds_in_words(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    if seconds < 60 {
        return format!("{seconds}.{:03} s", milliseconds.rem_euclid(1000));
    }
    // Nobody wants to know more of so much; 59.9996 s are a minute.
    let seconds = milliseconds.saturating_add(500).div_euclid(1000);
    let parts = [
        (seconds.div_euclid(86_400), "d"),
        (seconds.rem_euclid(86_400).div_euclid(3600), "h"),
        (seconds.rem_euclid(3600).div_euclid(60), "min"),
        (seconds.rem_euclid(60), "s"),
    ];
    let parts = parts.iter().skip_while(|(number, _)| *number == 0);
    let parts: Vec<_> = parts
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    parts.join(" ")
}

/// The nodes of each service, in the order in which they were seen.
pub(super) fn by_service<'s, 'a: 's>(
    seen: impl Iterator<Item = &'s Seen<'a>>,
) -> Vec<Vec<&'s Seen<'a>>> {
    let mut places: HashMap<&ServiceAddress, usize> = HashMap::new();
    let mut services: Vec<Vec<&Seen<'_>>> = Vec::new();
    for one in seen {
        let place = *places.entry(&one.node.service).or_insert(services.len());
        match services.get_mut(place) {
            Some(nodes) => nodes.push(one),
            None => services.push(vec![one]),
        }
    }
    services
}

/// Whether there is any address to ask.
pub(super) fn has_address(resolution: &Resolution) -> bool {
    !resolution.addresses.is_empty() || !resolution.by_hand.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(low_ms: i64, high_ms: i64) -> Offset {
        Offset { low_ms, high_ms }
    }

    #[test]
    fn differences() {
        assert_eq!(offset(-400, 600).at_least_seconds(), 0);
        assert_eq!(offset(30_000, 31_000).at_least_seconds(), 30);
        assert_eq!(offset(-31_000, -30_000).at_least_seconds(), 30);
        assert_eq!(offset(1, 2).minus(offset(-5, 10)), offset(-9, 7));
        assert_eq!(offset(0, 10).and(offset(10, 20)), Some(offset(10, 10)));
        assert_eq!(offset(0, 10).and(offset(11, 20)), None);
        let far = offset(i64::MIN, i64::MAX);
        assert_eq!(far.minus(far), far);
        assert_eq!(far.at_least_seconds(), 0);
        let hostile = NtpOutcome::Offset {
            ahead_ms: i64::MIN,
            uncertainty_ms: i64::MIN,
        };
        assert!(Offset::of_ntp(&hostile).unwrap().low_ms < 0);
    }

    #[test]
    fn in_words() {
        assert_eq!(
            offset(599_500, 600_500).in_words("that of this machine"),
            "10 min 0 s ahead of that of this machine (give or take 0.500 s)"
        );
        assert_eq!(
            offset(-90_000_000, -90_000_000).in_words("X"),
            "1 d 1 h 0 min 0 s behind X (give or take 0.000 s)"
        );
        assert_eq!(
            offset(-250, 750).in_words("X"),
            "no different from X (give or take 0.500 s)"
        );
    }
}
