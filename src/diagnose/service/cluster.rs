//! What can be seen only by comparing the nodes of a service.

use std::collections::HashSet;

use super::clocks::{Clocks, FAIL_SECONDS, WARN_SECONDS};
use super::view::{Reply, Seen};
use crate::diagnose::commands::SET_CLOCK;
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::diagnose::{Basis, Definition, Diagnostic, Question, Set, Status};

pub(super) static SAME_MODE: Definition = Definition {
    id: "hgs-nodes-same-mode",
    set: Set::HostGuardianService,
    title: "All nodes attest in the same mode",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Switching Attestation Modes",
};

pub(super) static SAME_SIGNER: Definition = Definition {
    id: "hgs-nodes-same-signer",
    set: Set::HostGuardianService,
    title: "All nodes publish the same signers of health certificates",
    basis: Basis::Inferred,
    source: "the service makes and renews the signer; that its nodes share it is inferred",
};

pub(super) static SAME_CLOCK: Definition = Definition {
    id: "hgs-nodes-same-clock",
    set: Set::HostGuardianService,
    title: "The clocks of all nodes agree",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Time Drift; how far is too far is inferred",
};

pub(super) static SAME_LEVEL: Definition = Definition {
    id: "hgs-nodes-same-level",
    set: Set::HostGuardianService,
    title: "All nodes have the same functional levels",
    basis: Basis::Inferred,
    source: "[MS-HGSA] ServiceInfoReply; that they should be the same is inferred",
};

pub(super) static SINGLE: Definition = Definition {
    id: "hgs-single-address",
    set: Set::BestPractices,
    title: "The service has more than one node",
    basis: Basis::Inferred,
    source: "Review HGS prerequisites names a cluster of three nodes for availability",
};

/// The diagnostics about all nodes of one service.
pub(super) fn diagnostics(nodes: &[&Seen<'_>], question: &Question) -> Vec<Diagnostic> {
    let asked: Vec<&Seen<'_>> = nodes
        .iter()
        .filter(|seen| seen.node.address.is_some())
        .copied()
        .collect();
    let Some(first) = asked.first() else {
        return Vec::new();
    };
    if asked.len() == 1 {
        let alone = |definition| Diagnostic::not_applicable(definition, "there is one node");
        let mut found = [&SAME_MODE, &SAME_SIGNER, &SAME_CLOCK, &SAME_LEVEL]
            .map(alone)
            .to_vec();
        found.push(
            Diagnostic::warn(
                &SINGLE,
                format!(
                    "{} is at {} alone",
                    first.node.service.host,
                    first.node.name()
                ),
            )
            .then(
                "if it has more nodes, give them with --node: what is wrong at one of them may not \
                 show at this one",
            )
            .then("if it does not, no host can start shielded machines while the node is away"),
        );
        return found;
    }
    let mut found = vec![
        same_mode(&asked, question),
        same_signer(&asked),
        same_clock(&asked),
        same_level(&asked),
    ];
    // What one node says does not become true by what another says.
    for one in &mut found {
        for seen in &asked {
            if one.status == Status::Pass {
                *one = seen.weighed(one.clone());
            }
        }
    }
    found.push(Diagnostic::pass(&SINGLE, format!("{} nodes", asked.len())));
    found
}

fn same_mode(nodes: &[&Seen<'_>], question: &Question) -> Diagnostic {
    let mode = |seen: &&Seen<'_>| (seen.node.name(), seen.info().map(|info| info.mode));
    judge_same_mode(&nodes.iter().map(mode).collect::<Vec<_>>(), question)
}

/// Judges the modes of nodes by their names, whether seen over the network or in saved files.
pub(in crate::diagnose) fn judge_same_mode(
    nodes: &[(String, Option<OperationMode>)],
    question: &Question,
) -> Diagnostic {
    let lines = nodes.iter().map(|(name, mode)| match mode {
        Some(mode) => format!("{name}: {mode}"),
        None => format!("{name}: not known"),
    });
    let modes = || nodes.iter().map(|(_, mode)| *mode);
    let known: HashSet<OperationMode> = modes().flatten().collect();
    let mut found = match (
        known.len(),
        modes().next(),
        modes().all(|mode| mode.is_some()),
    ) {
        (1, Some(Some(mode)), true) => {
            return Diagnostic::pass(&SAME_MODE, format!("{mode} at all of them"));
        }
        (0 | 1, ..) => Diagnostic::warn(&SAME_MODE, "not every node says in which mode it is")
            .then("settle why those nodes do not answer first"),
        _ => Diagnostic::fail(&SAME_MODE, "the nodes are in different modes"),
    };
    found.evidence.extend(lines);
    if found.status != Status::Fail {
        return found;
    }
    let lagging = |wanted: OperationMode| -> Vec<&str> {
        let behind = nodes
            .iter()
            .filter(|(_, mode)| mode.is_some_and(|mode| mode != wanted));
        behind.map(|(name, _)| name.as_str()).collect()
    };
    let is_known_problem = known
        == HashSet::from([OperationMode::ActiveDirectory, OperationMode::Tpm])
        && matches!(
            question.expected_mode,
            None | Some(OperationMode::ActiveDirectory)
        );
    found = match question.waited {
        None => found.then(
            "after a change it may take ten minutes until every node works in the new mode: wait \
             with --wait-for-mode",
        ),
        Some(waited) => found.seen(format!(
            "after {} minutes and {} seconds of waiting",
            waited.as_secs().div_euclid(60),
            waited.as_secs().rem_euclid(60)
        )),
    };
    if is_known_problem {
        found = found
            .seen(
                "known problem: if the cluster was initialised in TPM mode, a change to Active \
                 Directory mode reaches only the node on which it was made",
            )
            .then(match question.expected_mode {
                Some(_) => "then make the change on each node that is behind",
                None => {
                    "if the change was to Active Directory mode, make it on each node that is behind"
                }
            });
        return on_each(
            found,
            &lagging(OperationMode::ActiveDirectory),
            OperationMode::ActiveDirectory,
        );
    }
    match question.expected_mode {
        Some(wanted) => on_each(
            found.then("if they stay different, make the change on each node that is behind"),
            &lagging(wanted),
            wanted,
        ),
        None => found.then("say with --expect-mode which is right, to be told what to do"),
    }
}

/// The command for each of these nodes, by itself.
fn on_each(mut found: Diagnostic, nodes: &[&str], mode: OperationMode) -> Diagnostic {
    for name in nodes {
        if let Some(command) = mode.command() {
            // The name may come from a folder: a line end in it would end the comment.
            let name: String = name.chars().filter(|c| !c.is_control()).collect();
            found = found.powershell(format!("{command}  # on the node {name}"));
        }
    }
    found
}

fn same_signer(nodes: &[&Seen<'_>]) -> Diagnostic {
    let thumbprints: Vec<Option<Vec<String>>> = nodes
        .iter()
        .map(|seen| match &seen.signers {
            Reply::Read(signers) => {
                let all = signers.signing().into_iter();
                let mut all: Vec<_> = all.map(|one| one.thumbprint_sha1().to_string()).collect();
                all.sort_unstable();
                all.dedup();
                Some(all)
            }
            _ => None,
        })
        .collect();
    let known: Vec<_> = thumbprints.iter().flatten().collect();
    let differ = known.windows(2).any(|pair| match pair {
        [one, other] => one != other,
        _ => false,
    });
    let mut found = match (differ, known.len() == nodes.len()) {
        (false, true) => {
            return Diagnostic::pass(&SAME_SIGNER, "the same thumbprints at all of them");
        }
        (false, false) => Diagnostic::warn(&SAME_SIGNER, "not every node publishes its signers")
            .then("settle why those nodes do not answer first"),
        (true, _) => Diagnostic::warn(&SAME_SIGNER, "the nodes publish different signers")
            .then(
                "if the signer was renewed just now, look again in some minutes; otherwise see \
                 which signers each node knows, and whether key protection takes them all",
            )
            .powershell("Get-HgsAttestationSignerCertificate")
            .powershell("Get-HgsKeyProtectionAttestationSignerCertificate"),
    };
    found
        .evidence
        .extend(each(nodes, &thumbprints, |all| match all {
            Some(all) => all.join(", "),
            None => "not known".to_owned(),
        }));
    found
}

fn same_clock(nodes: &[&Seen<'_>]) -> Diagnostic {
    let offsets: Vec<_> = nodes
        .iter()
        .map(|seen| Clocks::of(seen.node).node)
        .collect();
    let known: Vec<_> = offsets.iter().flatten().collect();
    // The two that are furthest apart: the one that is surely ahead most, and the one that is
    // surely behind most.
    let ahead = known.iter().max_by_key(|offset| offset.low_ms);
    let behind = known.iter().min_by_key(|offset| offset.high_ms);
    let widest = match (ahead, behind) {
        (Some(ahead), Some(behind)) => ahead.minus(**behind).at_least_seconds(),
        _ => 0,
    };
    let lines = each(nodes, &offsets, |offset| match offset {
        Some(offset) => offset.in_words("the machine that looked"),
        None => "not known".to_owned(),
    });
    let mut found = match (widest, known.len() == nodes.len()) {
        (..=WARN_SECONDS, true) if known.iter().any(|offset| !offset.is_exact()) => {
            Diagnostic::warn(
                &SAME_CLOCK,
                "what the nodes say of the time is not exact enough",
            )
            .then("look again when the network is faster, or ask the nodes by NTP: --node-ntp")
        }
        (..=WARN_SECONDS, true) => {
            return Diagnostic::pass(&SAME_CLOCK, "as far as can be told, they are the same");
        }
        (..=WARN_SECONDS, false) => Diagnostic::warn(&SAME_CLOCK, "not every node tells the time")
            .then("settle why those nodes do not answer first"),
        (seconds, _) => {
            let text = format!("two of them differ by {seconds} s or more");
            let found = match seconds > FAIL_SECONDS {
                true => Diagnostic::fail(&SAME_CLOCK, text),
                false => Diagnostic::warn(&SAME_CLOCK, text),
            };
            found
                .then("set the clock right on the nodes that are off")
                .powershell(SET_CLOCK)
        }
    };
    found.evidence.extend(lines);
    found
}

fn same_level(nodes: &[&Seen<'_>]) -> Diagnostic {
    let levels: Vec<_> = nodes
        .iter()
        .map(|seen| {
            let info = seen.info()?;
            let mut supported = info.supported_functional_levels.clone();
            supported.sort_unstable();
            Some((info.functional_level, supported))
        })
        .collect();
    let known: Vec<_> = levels.iter().flatten().collect();
    let differ = known.windows(2).any(|pair| match pair {
        [one, other] => one != other,
        _ => false,
    });
    let mut found = match (differ, known.len() == nodes.len()) {
        (false, true) => return Diagnostic::pass(&SAME_LEVEL, "the same at all of them"),
        (false, false) => Diagnostic::warn(&SAME_LEVEL, "not every node says its level")
            .then("settle why those nodes do not answer first"),
        (true, _) => Diagnostic::warn(&SAME_LEVEL, "the nodes have different levels")
            .then("bring every node to the same cumulative update")
            .powershell("Get-HotFix | Sort-Object InstalledOn | Select-Object -Last 1"),
    };
    found
        .evidence
        .extend(each(nodes, &levels, |level| match level {
            None => "not known".to_owned(),
            Some((Some(level), supported)) => format!("level {level} of {supported:?}"),
            Some((None, supported)) => format!("no level of {supported:?}"),
        }));
    found
}

/// A line a node.
fn each<T>(nodes: &[&Seen<'_>], values: &[T], shown: impl Fn(&T) -> String) -> Vec<String> {
    let pairs = nodes.iter().zip(values);
    let line = |(seen, value): (&&Seen<'_>, &T)| format!("{}: {}", seen.node.name(), shown(value));
    pairs.map(line).collect()
}
