use std::collections::BTreeSet;

use crate::finding::{Code, Error, Finding, Severity};
use crate::hash::Sha256Digest;

use super::candidate::Candidate;
use super::findings::{
    duplicate_ek, duplicate_machine, forced, other_keys, possession_missing, upgraded,
    version_conflict,
};
use super::model::{Host, PolicyVersion, Possession, State, Trust, Waived};
use super::name::HostName;

/// The longest reason, in characters: a few sentences and a ticket number.
pub const MAX_REASON_CHARS: usize = 4096;

/// Machine GUIDs that tell nothing, because many machines have them: the AMI firmware's placeholder, in both byte orders that SMBIOS readers use.
const JUNK_GUIDS: [&str; 2] = [
    "03000200040005000006000700080009",
    "00020003000400050006000700080009",
];

/// What the operator asked for, besides the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--name`: the host's name; else the ForeignKey, given or in the file.
    pub name: Option<String>,
    /// `--foreign-key`: instead of the one in the file.
    pub foreign_key: Option<String>,
    /// `--force`: register although the EK is not proven genuine.
    pub force: bool,
    /// `--reason`: why; a must with `force`.
    pub reason: Option<String>,
    /// `--policy-version`; `None` leaves it to the rules.
    pub policy_version: Option<PolicyVersion>,
    /// `--stage`: keep it, but not in force.
    pub stage: bool,
    /// `--what-if`: answer, and change nothing.
    pub what_if: bool,
    /// `--replace`: take the place of the host that has the name now.
    pub replace: bool,
    /// `--require-possession`: only if the host has proven that it holds its EKs. A
    /// staged registration need not: it is what a host is challenged for.
    pub require_possession: bool,
}

/// The outcome of a registration, as in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Registered and in force.
    Registered,
    /// It was registered like this already.
    Unchanged,
    /// Kept, not in force.
    Staged,
    /// Refused.
    Rejected,
}

/// What a registration did to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The name was free.
    New,
    /// A staged registration is in force now.
    Activated,
    /// A forced registration is verified now.
    Upgraded,
    /// It took the place of another registration of the name (`--replace`).
    Replaced,
}

/// The answer to an attempt to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The outcome.
    pub outcome: Outcome,
    /// What changed; `None` if nothing did.
    pub change: Option<Change>,
    /// The host as it stands now, or as it would after a what-if; `None` if rejected.
    pub host: Option<Host>,
    /// Findings about the registration. Those of the verdict are not repeated.
    pub findings: Vec<Finding>,
    /// Nothing was written because the question was what if.
    pub what_if: bool,
}

/// What the registry knows that matters to one candidate; current hosts only.
#[derive(Clone, Debug, Default)]
pub(super) struct Existing {
    /// The host that has the name.
    pub(super) by_name: Option<Host>,
    /// Hosts that have one of the EKs.
    pub(super) by_ek: Vec<Host>,
    /// Hosts with the same machine GUID.
    pub(super) by_machine: Vec<Host>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    /// Nothing: refused.
    Reject(Vec<Finding>),
    /// Nothing: this host is what was asked for.
    Unchanged(Box<Host>, Vec<Finding>),
    /// A registration is to be written.
    Write(Box<Write>),
}

/// A registration that is to be written.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) change: Change,
    /// The registration that it ends.
    pub(super) supersedes: Option<i64>,
    pub(super) trust: Trust,
    pub(super) policy_version: PolicyVersion,
    pub(super) state: State,
    pub(super) waived: Vec<Waived>,
    /// The proof that the registration it ends has, for the same EKs.
    pub(super) possession: Option<Possession>,
    pub(super) findings: Vec<Finding>,
}

/// Trust as the force table gives it.
struct Grant {
    trust: Trust,
    waived: Vec<Waived>,
}

impl Options {
    /// Refuses combinations that make no sense.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse).
    pub fn validate(&self) -> Result<(), Error> {
        let reason = self.reason.as_deref().map(str::trim);
        if self.force && reason.is_none_or(str::is_empty) {
            return Err(Error::misuse(
                "--force needs a reason",
                "say why with --reason; it is kept in the audit trail",
            ));
        }
        if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
            return Err(Error::misuse(
                format!("the reason is longer than {MAX_REASON_CHARS} characters"),
                "shorten it; a ticket number can stand for the details",
            ));
        }
        if self.stage && self.replace {
            return Err(Error::misuse(
                "--stage and --replace exclude each other",
                "a staged registration is not in force, so it cannot take another's place; leave one of them out",
            ));
        }
        Ok(())
    }

    /// The name to register `candidate` under.
    pub(super) fn host_name(&self, candidate: &Candidate) -> Result<HostName, Error> {
        let name = [&self.name, &self.foreign_key, &candidate.name]
            .into_iter()
            .find_map(|name| name.as_deref());
        match name {
            Some(name) => HostName::new(name),
            None => Err(Error::misuse(
                "the file gives the host no name",
                "give one with --name",
            )),
        }
    }
}

/// Applies the rules of registration. Pure; `docs/registry.md` has them in words.
pub(super) fn decide(
    candidate: &Candidate,
    name: &HostName,
    options: &Options,
    existing: &Existing,
) -> Decision {
    let mut findings = candidate.extra.clone();
    let grant = grant(candidate, options, &mut findings);
    findings.extend(duplicate_eks(candidate, name, &existing.by_ek));
    let own = existing.by_name.as_ref();
    let possession = own.and_then(|own| possession(candidate, own));
    let demanded = options.require_possession || candidate.requires_possession;
    if demanded && !options.stage && possession.is_none() {
        findings.push(possession_missing(name.as_str()));
    }
    let Some(grant) = grant.filter(|_| !has_error(&findings)) else {
        return Decision::Reject(findings);
    };
    let policy_version = options.policy_version.unwrap_or(match (grant.trust, own) {
        (Trust::Forced, _) => PolicyVersion::V1,
        // The host's baseline and code integrity policies are of the version it has.
        (Trust::Verified, Some(own)) if own.trust == Trust::Verified => own.policy_version,
        (Trust::Verified, _) => PolicyVersion::V2,
    });
    let change = match own {
        None => Ok(Some(Change::New)),
        Some(own) => change(candidate, options, own, grant.trust, policy_version),
    };
    match change {
        Err(finding) => {
            findings.push(*finding);
            Decision::Reject(findings)
        }
        Ok(None) => match own {
            Some(own) => Decision::Unchanged(Box::new(own.clone()), findings),
            None => Decision::Reject(findings),
        },
        Ok(Some(change)) => {
            if grant.trust == Trust::Forced {
                findings.push(forced(&grant.waived));
            }
            if own.is_some_and(|own| own.trust == Trust::Forced) && grant.trust == Trust::Verified {
                findings.push(upgraded(name, own, policy_version));
            }
            findings.extend(duplicate_machines(candidate, name, &existing.by_machine));
            Decision::Write(Box::new(Write {
                change,
                supersedes: own.map(|own| own.id),
                trust: grant.trust,
                policy_version,
                state: if options.stage {
                    State::Staged
                } else {
                    State::Active
                },
                waived: grant.waived,
                possession,
                findings,
            }))
        }
    }
}

/// The force table of the contract: on what the registration may rest, if on anything.
fn grant(candidate: &Candidate, options: &Options, findings: &mut Vec<Finding>) -> Option<Grant> {
    if candidate.trusted {
        if options.force {
            findings.push(
                Finding::new(
                    Code::Forced,
                    "--force has nothing to waive: the EK is trusted",
                    "leave --force out",
                )
                .with_severity(Severity::Info),
            );
        }
        return Some(Grant {
            trust: Trust::Verified,
            waived: Vec::new(),
        });
    }
    if !options.force {
        return None;
    }
    let mut allowed = true;
    if options.policy_version == Some(PolicyVersion::V2) {
        allowed = false;
        findings.push(Finding::new(
            Code::ForceNotAllowed,
            "policy version v2 demands a trusted EKcert; --force has no effect on it",
            "make the EKcert trusted (see the other findings), or register under --policy-version v1",
        ));
    }
    let absolute: BTreeSet<Code> = candidate
        .errors
        .iter()
        .map(|error| error.code)
        .filter(|code| code.is_absolute())
        .collect();
    // Without an error there is nothing that was judged, hence nothing to waive.
    if !absolute.is_empty() || candidate.eks.is_empty() || candidate.errors.is_empty() {
        allowed = false;
        let codes: Vec<&str> = absolute.iter().map(|code| code.as_str()).collect();
        findings.push(Finding::new(
            Code::ForceNotAllowed,
            format!("--force never waives {}", codes.join(", ")),
            "find out what is wrong with this TPM or this file; do not register it",
        ));
    }
    allowed.then(|| Grant {
        trust: Trust::Forced,
        waived: candidate
            .errors
            .iter()
            .map(|error| Waived {
                code: error.code.to_string(),
                message: error.message.clone(),
            })
            .collect(),
    })
}

/// What registering `candidate` under the name of `own` means: `None` nothing.
fn change(
    candidate: &Candidate,
    options: &Options,
    own: &Host,
    trust: Trust,
    version: PolicyVersion,
) -> Result<Option<Change>, Box<Finding>> {
    let ids: BTreeSet<Sha256Digest> = candidate.eks.iter().map(|ek| ek.spki_sha256).collect();
    let own_ids: BTreeSet<Sha256Digest> = own.eks.iter().map(|ek| ek.spki_sha256).collect();
    let same_terms = trust == own.trust && version == own.policy_version;
    let stays = own.state == State::Active || options.stage;
    let known = ids.is_subset(&own_ids);

    if options.replace {
        let identical = ids == own_ids
            && same_terms
            && stays
            && candidate.file_sha256 == own.file_sha256
            && options
                .foreign_key
                .as_ref()
                .is_none_or(|key| Some(key) == own.foreign_key.as_ref());
        return Ok((!identical).then_some(Change::Replaced));
    }
    // Fewer of its own keys, on the same terms, is the same host told in part.
    if known && same_terms && stays {
        return Ok(None);
    }
    if ids != own_ids {
        return Err(Box::new(other_keys(own, &ids, &own_ids)));
    }
    let upgrade = own.trust == Trust::Forced && trust == Trust::Verified;
    if version != own.policy_version && !upgrade {
        return Err(Box::new(version_conflict(own, version)));
    }
    if options.stage && own.state == State::Active {
        return Err(Box::new(Finding::new(
            Code::DuplicateName,
            format!(
                "the host {} is in force; a staged registration cannot change it",
                own.name
            ),
            "leave --stage out",
        )));
    }
    if own.trust == Trust::Verified && trust == Trust::Forced {
        return Err(Box::new(Finding::new(
            Code::DuplicateName,
            format!(
                "the host {} is registered as verified; --force would lower its trust",
                own.name
            ),
            "leave it as it is, or add --replace to make it a forced one",
        )));
    }
    if own.state == State::Staged && !options.stage {
        return Ok(Some(Change::Activated));
    }
    Ok(Some(Change::Upgraded))
}

/// The proof that `own` has, if it is for every EK of the candidate.
fn possession(candidate: &Candidate, own: &Host) -> Option<Possession> {
    let same = candidate.eks.iter().all(|ek| own.has_ek(&ek.spki_sha256));
    own.possession.clone().filter(|_| same)
}

/// Why the force table refuses the candidate, whatever its name; `None` if it does not.
pub(super) fn refusal(candidate: &Candidate, options: &Options) -> Option<Vec<Finding>> {
    let mut findings = candidate.extra.clone();
    match grant(candidate, options, &mut findings) {
        Some(_) => None,
        None => Some(findings),
    }
}

fn has_error(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

fn duplicate_eks(candidate: &Candidate, name: &HostName, owners: &[Host]) -> Vec<Finding> {
    let others = owners.iter().filter(|owner| !owner.is_named(name));
    others
        .flat_map(|owner| {
            let theirs = candidate
                .eks
                .iter()
                .filter(|ek| owner.has_ek(&ek.spki_sha256));
            theirs.map(|ek| duplicate_ek(owner, ek))
        })
        .collect()
}

fn duplicate_machines(candidate: &Candidate, name: &HostName, hosts: &[Host]) -> Vec<Finding> {
    let guid = candidate.machine.guid.as_deref().unwrap_or_default();
    hosts
        .iter()
        .filter(|host| !host.is_named(name))
        .map(|host| duplicate_machine(host, guid))
        .collect()
}

/// The form in which machine GUIDs are compared; `None` for one that tells nothing.
pub(super) fn machine_key(guid: Option<&str>) -> Option<String> {
    let key: String = guid?
        .trim()
        .trim_matches(['{', '}'])
        .chars()
        .filter(|c| *c != '-')
        .collect::<String>()
        .to_ascii_uppercase();
    let mut digits = key.chars();
    let first = digits.next()?;
    let uniform = matches!(first, '0' | 'F') && digits.all(|c| c == first);
    (!uniform && !JUNK_GUIDS.contains(&key.as_str())).then_some(key)
}
