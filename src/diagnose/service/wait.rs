//! Waiting, after a change of the mode, until every node works in the new one.

use std::time::Duration;

use super::super::hgsa::service_info::{OperationMode, ServiceInfo};
use super::NodeObservation;

/// The longest that a change may take (Troubleshoot the Host Guardian Service, Switching
/// Attestation Modes): ten minutes.
pub const LONGEST: Duration = Duration::from_secs(600);

/// How long to wait between two questions.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// How the waiting ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waited {
    /// Whether every node was in the mode at the end.
    pub agreed: bool,
    /// For how long.
    pub time: Duration,
    /// How often the nodes were asked.
    pub rounds: u32,
}

/// The clock and the patience of whoever waits: given, so that a test need not wait.
pub trait Pace {
    /// How much time has passed since some moment before the first call.
    fn now(&mut self) -> Duration;
    /// Lets that much time pass.
    fn sleep(&mut self, time: Duration);
    /// Told after each round which nodes are not in the mode, and what they say instead.
    fn round(&mut self, lagging: &[(String, String)], nodes: usize);
}

/// Asks until every node is in this mode, or until `limit` (at most [`LONGEST`]) has passed.
/// A node that does not say its mode is not in it. `ask` looks at all of them once. If there
/// is nobody to ask in the first round, that is the end.
pub fn wait_for_mode(
    mode: OperationMode,
    limit: Duration,
    mut ask: impl FnMut() -> Vec<NodeObservation>,
    pace: &mut impl Pace,
) -> Waited {
    let limit = limit.min(LONGEST);
    let started = pace.now();
    let mut rounds: u32 = 0;
    loop {
        let nodes = ask();
        rounds = rounds.saturating_add(1);
        let lagging: Vec<_> = nodes.iter().filter_map(|node| lags(node, mode)).collect();
        pace.round(&lagging, nodes.len());
        let time = pace.now().saturating_sub(started);
        let agreed = lagging.is_empty() && !nodes.is_empty();
        let is_nobody = nodes.iter().all(|node| node.address.is_none());
        let left = match rounds == 1 && is_nobody {
            true => Duration::ZERO,
            false => limit.saturating_sub(time),
        };
        if agreed || left.is_zero() {
            return Waited {
                agreed,
                time,
                rounds,
            };
        }
        pace.sleep(INTERVAL.min(left));
    }
}

/// The node and what it says, if it is not in this mode.
fn lags(node: &NodeObservation, mode: OperationMode) -> Option<(String, String)> {
    let answer = node.service_info.as_ref().and_then(|one| one.answer());
    let info = answer
        .filter(|answer| answer.status == 200)
        .and_then(|answer| ServiceInfo::read(&answer.body.0).ok());
    match info {
        Some(info) if info.mode == mode => None,
        Some(info) => Some((node.name(), info.mode.to_string())),
        None => Some((node.name(), "no answer".to_owned())),
    }
}
