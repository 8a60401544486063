//! What time it is at a node.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::answers::not_asked;
use super::view::{Offset, Reply, Seen};
use super::{Exchange, NodeObservation, NtpOutcome};
use crate::der::Time;
use crate::diagnose::commands::{RENEW_SIGNER, SET_CLOCK, SHOW_CLOCK};
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::diagnose::{Basis, Definition, Diagnostic, Set, in_words};

pub(super) static CLOCK: Definition = Definition {
    id: "hgs-clock",
    set: Set::HostGuardianService,
    title: "The clock of the node is right",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Time Drift; how far is too far is inferred",
};

pub(super) static REFERENCE: Definition = Definition {
    id: "clock-of-this-machine",
    set: Set::Base,
    title: "The clock of the machine that looked is right",
    basis: Basis::Inferred,
    source: "validity and drift are judged by it",
};

pub(super) static AD_MODE: Definition = Definition {
    id: "ad-mode-clock",
    set: Set::GuardedFabricADMode,
    title: "In AD mode, the clock of the node is within what Kerberos tolerates",
    basis: Basis::Documented,
    source: "[MS-HGSA]: hosts attest in this mode by Kerberos, of which RFC 4120 section 8.2 \
             recommends a tolerance of five minutes",
};

/// The difference from which on somebody should look, in seconds: Windows keeps the clocks of
/// a forest within a second or so, and HTTP tells whole seconds.
pub(super) const WARN_SECONDS: i64 = 30;

/// The difference from which on things fail, in seconds: what Kerberos tolerates by default
/// (RFC 4120 section 8.2 recommends it), and with it Active Directory.
pub(super) const FAIL_SECONDS: i64 = 300;

/// How the clocks of a node, of a reference and of the machine that looked differ.
pub(super) struct Clocks {
    /// The node against the machine that looked.
    pub(super) node: Option<Offset>,
    /// The reference against the machine that looked.
    pub(super) reference: Option<Offset>,
    /// By HTTP and by NTP, if they contradict each other.
    contradiction: Option<(Offset, Offset)>,
}

impl Clocks {
    pub(super) fn of(node: &NodeObservation) -> Self {
        let http = by_http(node);
        let ntp = node.ntp.as_ref();
        let ntp = ntp.and_then(|reading| Offset::of_ntp(&reading.outcome));
        let reference = node.reference.as_ref();
        Self {
            node: match (http, ntp) {
                (Some(http), Some(ntp)) => Some(http.and(ntp).unwrap_or(ntp)),
                (http, ntp) => ntp.or(http),
            },
            reference: reference.and_then(|reading| Offset::of_ntp(&reading.outcome)),
            contradiction: match (http, ntp) {
                (Some(http), Some(ntp)) if http.and(ntp).is_none() => Some((http, ntp)),
                _ => None,
            },
        }
    }

    /// What time it was by each clock that counts, when it was `at` by that of the machine
    /// that looked: at the earliest and at the latest. A reference counts in place of that
    /// machine.
    pub(super) fn times(&self, at: Time) -> Vec<(&'static str, [Time; 2])> {
        let by = |offset: Offset| {
            [offset.low_ms, offset.high_ms].map(|milliseconds| {
                Time::from_unix(at.unix().saturating_add(milliseconds.div_euclid(1000)))
            })
        };
        let mut times = vec![match self.reference {
            Some(reference) => ("the reference clock", by(reference)),
            None => ("the clock of the machine that looked", [at, at]),
        }];
        times.extend(self.node.map(|node| ("the clock of the node", by(node))));
        times
    }
}

/// The difference by the header `Date` of all answers together. It tells whole seconds, and
/// was written at some moment while the request was under way.
fn by_http(node: &NodeObservation) -> Option<Offset> {
    let mut all = node.exchanges().filter_map(of_exchange);
    let first = all.next()?;
    Some(all.fold(first, |both, one| both.and(one).unwrap_or(both)))
}

fn of_exchange(exchange: &Exchange) -> Option<Offset> {
    let date = exchange.answer()?.date.as_deref()?;
    let date = OffsetDateTime::parse(date, &Rfc2822).ok()?;
    let date_ms = date.unix_timestamp().saturating_mul(1000);
    let low_ms = date_ms.saturating_sub(exchange.answered_ms);
    let high_ms = date_ms
        .saturating_add(1000)
        .saturating_sub(exchange.asked_ms);
    (low_ms <= high_ms).then_some(Offset { low_ms, high_ms })
}

/// The diagnostic about the clock of one node.
pub(super) fn diagnostic(seen: &Seen<'_>, clocks: &Clocks) -> Diagnostic {
    seen.weighed(clock(seen, clocks))
}

fn clock(seen: &Seen<'_>, clocks: &Clocks) -> Diagnostic {
    let unread = match &seen.node.ntp.as_ref().map(|reading| &reading.outcome) {
        Some(NtpOutcome::Failure(why)) => Some(why.as_str()),
        _ => None,
    };
    let Some(node) = clocks.node else {
        if unread.is_none() && matches!(seen.info, Reply::NotAsked) {
            return not_asked(&CLOCK);
        }
        let mut found = Diagnostic::warn(
            &CLOCK,
            "this was not found out: no answer with a date came from the node",
        );
        if let Some(why) = unread {
            found = found.seen(why);
        }
        return found.then("see why the node does not answer, or ask it by NTP: --node-ntp");
    };
    let (difference, text) = match clocks.reference {
        Some(reference) => {
            let difference = node.minus(reference);
            (difference, difference.in_words("the reference clock"))
        }
        None => (
            node,
            node.in_words("the clock of the machine that looked, which nobody compared (--ntp)"),
        ),
    };
    let text = format!("the clock of the node is {text}");
    let by = difference.at_least_seconds();
    if by <= WARN_SECONDS && !difference.is_exact() {
        return Diagnostic::warn(&CLOCK, text)
            .seen("what came says too little: the answers took too long, or a clock talks nonsense")
            .then("look again when the network is faster, or ask the node by NTP: --node-ntp");
    }
    if by <= WARN_SECONDS {
        let mut found = Diagnostic::pass(&CLOCK, text);
        if let Some((http, ntp)) = clocks.contradiction {
            found = Diagnostic::warn(&CLOCK, "the node says one time by HTTP and another by NTP")
                .seen(format!("by HTTP it is {}", http.in_words("this machine")))
                .seen(format!("by NTP it is {}", ntp.in_words("this machine")))
                .then("see whether a proxy or a load balancer answers in place of the node");
        }
        if let Some(why) = unread {
            found = found.seen(format!("by HTTP alone: {why}"));
        }
        return found;
    }
    let found = match by > FAIL_SECONDS {
        true => Diagnostic::fail(&CLOCK, text)
            .seen("more than the five minutes that Kerberos tolerates by default"),
        false => Diagnostic::warn(&CLOCK, text),
    };
    let found = found.seen(match difference.low_ms > 0 {
        true => {
            "a health certificate that this node issues now begins in the future for a host whose \
             clock is right"
        }
        false => {
            "a health certificate that this node issues now ends early for a host whose clock is \
             right"
        }
    });
    let found = found.seen(against_the_signer(seen, node));
    found
        .then("set the clock of the node right; the nodes take their time from their domain")
        .powershell(SHOW_CLOCK)
        .powershell(SET_CLOCK)
        .then(
            "if the signer of health certificates was made while the clock was wrong, have the \
             service make a new one, on a node",
        )
        .powershell(RENEW_SIGNER)
}

/// The diagnostic about Kerberos, by which hosts attest in AD mode alone. Nothing if the mode
/// is not known, which another diagnostic tells.
pub(super) fn for_kerberos(seen: &Seen<'_>, clocks: &Clocks) -> Option<Diagnostic> {
    let mode = seen.info()?.mode;
    Some(match mode {
        OperationMode::ActiveDirectory => seen.weighed(kerberos(clocks)),
        other => Diagnostic::not_applicable(&AD_MODE, format!("the mode is {other}")),
    })
}

fn kerberos(clocks: &Clocks) -> Diagnostic {
    let Some(node) = clocks.node else {
        return Diagnostic::warn(&AD_MODE, "no answer with a date came from the node")
            .then("ask it by NTP: --node-ntp");
    };
    let (difference, than) = match clocks.reference {
        Some(reference) => (node.minus(reference), "the reference clock"),
        None => (node, "the clock of the machine that looked"),
    };
    let text = format!("the clock of the node is {}", difference.in_words(than));
    match difference.at_least_seconds() > FAIL_SECONDS {
        false => Diagnostic::pass(&AD_MODE, text),
        true => Diagnostic::fail(&AD_MODE, text)
            .seen("hosts whose clock is right cannot log on to this node, so they do not attest")
            .then("set the clock of the node right")
            .powershell("w32tm /resync"),
    }
}

/// How much room the signer's validity leaves for the difference.
fn against_the_signer(seen: &Seen<'_>, by_node: Offset) -> String {
    let Reply::Read(signers) = &seen.signers else {
        return "the validity of the signer is not known".to_owned();
    };
    let at = seen.node.time();
    let there = Time::from_unix(at.unix().saturating_add(by_node.seconds()));
    let is_valid = |time| {
        let mut all = signers.signing().into_iter();
        all.any(|one| in_words::is_valid(one, time))
    };
    match (is_valid(at), is_valid(there)) {
        (true, true) => "the signer is within its validity by both clocks".to_owned(),
        (true, false) => {
            "the signer is not within its validity by the clock of the node".to_owned()
        }
        (false, true) => {
            "the signer is within its validity by the clock of the node alone".to_owned()
        }
        (false, false) => "the signer is not within its validity by either clock".to_owned(),
    }
}

/// Whether the clock that everything is compared with is right itself.
pub(super) fn of_this_machine(node: &NodeObservation) -> Diagnostic {
    let Some(reading) = &node.reference else {
        return Diagnostic::not_applicable(&REFERENCE, "no reference clock was asked");
    };
    let offset = match &reading.outcome {
        NtpOutcome::Failure(why) => {
            return Diagnostic::warn(&REFERENCE, why.as_str())
                .then("name another reference clock with --ntp");
        }
        outcome => Offset::of_ntp(outcome),
    };
    let offset = offset.map(|offset| Offset::NONE.minus(offset));
    let Some(offset) = offset else {
        return Diagnostic::warn(&REFERENCE, "the reference clock said nothing")
            .then("name another reference clock with --ntp");
    };
    let text = format!(
        "the clock of the machine that looked is {}",
        offset.in_words(&reading.server)
    );
    match offset.at_least_seconds() {
        ..=WARN_SECONDS if !offset.is_exact() => Diagnostic::warn(&REFERENCE, text)
            .seen("what came says too little: the answer took too long, or it is nonsense")
            .then("name another reference clock with --ntp"),
        ..=WARN_SECONDS => Diagnostic::pass(&REFERENCE, text),
        _ => Diagnostic::warn(&REFERENCE, text)
            .then("set the clock of this machine right and look again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Question;
    use crate::diagnose::service::https::Roots;
    use crate::diagnose::service::{Answer, Blob, NtpReading, Outcome, ServiceAddress};

    fn exchange(date: &str, asked_ms: i64, answered_ms: i64) -> Exchange {
        Exchange {
            path: "/".to_owned(),
            asked_ms,
            answered_ms,
            tls_chain: None,
            outcome: Outcome::Answer(Answer {
                status: 200,
                content_type: None,
                date: Some(date.to_owned()),
                location: None,
                body: Blob::default(),
                body_trouble: None,
            }),
        }
    }

    #[test]
    fn the_date_tells_a_whole_second() {
        // The example of RFC 9110 5.6.7.
        let seen = of_exchange(&exchange(
            "Sun, 06 Nov 1994 08:49:37 GMT",
            784_111_777_200,
            784_111_777_400,
        ));
        assert_eq!(
            seen,
            Some(Offset {
                low_ms: -400,
                high_ms: 800
            })
        );
        for date in ["", "yesterday", "Sun, 06 Nov 1994", "784111777"] {
            assert_eq!(of_exchange(&exchange(date, 0, 1)), None, "{date}");
        }
        // A clock of this machine that was set back in between.
        assert_eq!(
            of_exchange(&exchange("Thu, 01 Jan 1970 00:00:00 GMT", 10_000, 0)),
            None
        );
        let far = exchange("Fri, 31 Dec 9999 23:59:59 GMT", i64::MIN, i64::MIN);
        assert!(of_exchange(&far).is_some());
    }

    /// Both sides of both limits, ahead and behind; less than what is uncertain is no
    /// difference.
    #[test]
    fn how_far_is_too_far() {
        use crate::diagnose::Status::{Fail, Pass, Warn};
        let judged = |ahead_ms, uncertainty_ms| {
            let service = ServiceAddress {
                https: false,
                host: "hgs.bastion.test".to_owned(),
                port: 80,
            };
            let mut node = NodeObservation::new(Time::from_unix(1_700_000_000), service);
            node.ntp = Some(NtpReading {
                server: String::new(),
                outcome: NtpOutcome::Offset {
                    ahead_ms,
                    uncertainty_ms,
                },
            });
            let seen = Seen::new(&node, &Roots::new(&Question::new(node.time())));
            diagnostic(&seen, &Clocks::of(&node)).status
        };
        for (milliseconds, status) in [
            (0, Pass),
            (30_999, Pass),
            (31_000, Warn),
            (300_999, Warn),
            (301_000, Fail),
            (i64::MAX, Fail),
        ] {
            assert_eq!(judged(milliseconds, 0), status, "{milliseconds}");
            assert_eq!(judged(-milliseconds, 0), status, "-{milliseconds}");
        }
        assert_eq!(judged(40_000, 9_001), Pass);
        assert_eq!(judged(40_000, 9_000), Warn);
        // What may be far off is not known to be right.
        assert_eq!(judged(0, 30_999), Pass);
        for uncertainty in [31_000, 10_000_000, i64::MAX, i64::MIN] {
            assert_eq!(judged(0, uncertainty), Warn, "{uncertainty}");
        }
        assert_eq!(judged(400_000, 31_000), Fail);
    }
}
