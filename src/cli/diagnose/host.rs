//! Hosts: this machine, and platform identifiers of any.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::input::{Input, for_each_input};
use crate::cli::options::{RegistryArgs, TrustArgs, now};
use crate::der::Time;
use crate::diagnose::files::identifiers as identifiers_in;
use crate::diagnose::host::{HostObservation, IdentifierFile, Judgement, Lookup, TpmSeen};
use crate::diagnose::{Observation, Role, Target};
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::host::{DEFAULT_TCTI, Fact, MachineFacts, SYSTEM_ROOT, machine, platform};
use crate::identifier::Identifier;
use crate::registry::{Filter, Host, Mode};
use crate::verdict::judge;

/// What this machine is called where it has no name.
const NAMELESS: &str = "this machine";

/// Options of `diagnose` about hosts.
#[derive(Args, Debug)]
#[command(next_help_heading = "Hosts")]
pub(super) struct HostArgs {
    /// Look at this machine: its TPM, its platform and its identifier
    #[arg(long)]
    host: bool,
    /// Tell what a service would say to this platform identifier: a file, a directory or '-';
    /// may be repeated
    #[arg(long, value_name = "FILE")]
    identifier: Vec<PathBuf>,
    /// How to reach the TPM of this machine, as the TCG software stack writes it
    #[arg(long, value_name = "TCTI", default_value = DEFAULT_TCTI, requires = "host")]
    tcti: String,
    /// Where 'sys', 'proc' and 'dev' of this machine are, if they are mounted elsewhere
    #[arg(long, value_name = "DIR", default_value = SYSTEM_ROOT, requires = "host")]
    system_root: PathBuf,
}

/// What identifiers are judged by; flattened into `diagnose` only.
#[derive(Args, Debug)]
pub(super) struct IdentifierArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

impl HostArgs {
    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        !self.host && self.identifier.is_empty()
    }

    /// Has to come before anything is read or written: the program may start itself again to
    /// silence the software stack.
    pub(super) fn prepare(&self) {
        #[cfg(feature = "tpm")]
        if self.host {
            crate::cli::software_stack::silence();
        }
    }

    /// Looks at what was named, after [`prepare`](Self::prepare).
    ///
    /// An identifier that cannot be read is among the targets too, and counts in the exit
    /// code.
    pub(super) fn gather(&self, console: &mut Console<'_>) -> Result<(Vec<Target>, Exit), Error> {
        let mut exit = Exit::Done;
        let mut targets = Vec::new();
        if self.host {
            targets.push(self.this_machine()?);
        }
        let at = now()?;
        for_each_input(&self.identifier, console, |_, input| {
            let (target, error) = of_input(input, at);
            targets.push(target);
            if let Some(error) = error {
                exit = exit.and(Exit::from(&error));
            }
        });
        Ok((targets, exit))
    }

    fn this_machine(&self) -> Result<Target, Error> {
        if !self.system_root.is_dir() {
            return Err(Error::misuse(
                format!("there is no directory {}", self.system_root.display()),
                "name the one in which 'sys', 'proc' and 'dev' of this machine are with \
                 --system-root, or leave it out",
            ));
        }
        let mut seen = HostObservation::new(now()?);
        let facts = machine(&self.system_root);
        let name = facts.machine.host_name.clone();
        let name = name.unwrap_or_else(|| NAMELESS.to_owned());
        let (tpm, identifier) = tpm(&self.tcti, &name, facts);
        seen.platform = Some(Box::new(platform(&self.system_root)));
        seen.identifier = Some(match identifier {
            Some(bytes) => Fact::Known(IdentifierFile { bytes }),
            None => Fact::Unknown("the TPM was not read".to_owned()),
        });
        seen.tpm = Some(tpm);
        Ok(Target {
            name,
            role: Role::GuardedHost,
            source: NAMELESS.to_owned(),
            observations: vec![Observation::Host(seen)],
        })
    }
}

impl IdentifierArgs {
    /// The time as of which to judge, if it was given.
    pub(super) fn at(&self) -> Option<Time> {
        self.trust.given_time()
    }

    /// Judges the identifiers among the targets by the store and the registry. A registry
    /// that nobody named need not be there.
    pub(super) fn judgements(
        &self,
        targets: &[Target],
        at: Time,
        console: &mut Console<'_>,
    ) -> Result<(Vec<Judgement>, Exit), Error> {
        let files: Vec<&[u8]> = identifiers(targets).collect();
        if files.is_empty() {
            return Ok((Vec::new(), Exit::Done));
        }
        let trust = match self.trust.resolve(console) {
            Ok(trust) => trust,
            // All the rest is told nevertheless.
            Err(error) => {
                console.error(&error);
                return Ok((Vec::new(), Exit::from(&error)));
            }
        };
        trust.must_be_for_ek()?;
        let registry = self.registry.open(Mode::ReadOnly);
        let registered = registry.and_then(|registry| registry.list(&Filter::default()));
        let mut exit = Exit::Done;
        if let Err(error) = &registered
            && self.registry.is_named()
        {
            exit = Exit::from(error);
            console.error(error);
        }
        let registered = registered.as_deref().map(by_ek);
        let judged = files.into_iter().filter_map(|bytes| {
            // One that cannot be read is a diagnostic of its own.
            let identifier = Identifier::read(bytes).ok()?;
            let verdict = judge(&identifier, &trust.store, &trust.policy, at, trust.usage);
            let lookup = match &registered {
                Err(error) => Lookup::NotAsked(error.to_string()),
                Ok(owners) => Lookup::of(&identifier, |ek| owners.get(ek).copied()),
            };
            Some(Judgement::new(bytes, &verdict, lookup))
        });
        Ok((judged.collect(), exit))
    }
}

/// Asks the TPM, and makes an identifier of what it says.
#[cfg(feature = "tpm")]
fn tpm(tcti: &str, name: &str, facts: MachineFacts) -> (TpmSeen, Option<Vec<u8>>) {
    use crate::host::{EkChoice, Tpm, read_tpm, report};
    let mut tpm = match Tpm::open(tcti) {
        Ok(tpm) => tpm,
        Err(error) => return (not_reached(&error), None),
    };
    match read_tpm(&mut tpm, EkChoice::Auto) {
        Ok(contents) => {
            let seen = TpmSeen::Answered((&contents).into());
            let report = report(name, facts, contents);
            (seen, Some(report.identifier.to_json().into_bytes()))
        }
        Err(error) => {
            let failed = TpmSeen::Failed {
                message: error.to_string(),
                help: error.help,
            };
            (failed, None)
        }
    }
}

/// Says that this build cannot.
#[cfg(not(feature = "tpm"))]
fn tpm(_: &str, _: &str, _: MachineFacts) -> (TpmSeen, Option<Vec<u8>>) {
    let error = Error::environment(
        "this build of endorse cannot read a TPM",
        "build it with the feature 'tpm' (needs libtss2), or name an identifier that was made \
         elsewhere with --identifier",
    );
    (not_reached(&error), None)
}

fn not_reached(error: &Error) -> TpmSeen {
    TpmSeen::NotReached {
        message: error.to_string(),
        help: error.help.clone(),
    }
}

/// A target for each platform identifier among the saved files of this one: what a service
/// would say to it is the same wherever it came from.
pub(super) fn in_files(saved: &Target, at: Time) -> Vec<Target> {
    let found = identifiers_in(saved).into_iter();
    let targets = found.map(|(file, _)| {
        let (name, bytes) = (file.name.clone(), Ok(file.bytes.clone()));
        of_input(Input { name, bytes }, at).0
    });
    targets.collect()
}

/// The target of one identifier, and why it cannot be read.
fn of_input(input: Input, at: Time) -> (Target, Option<Error>) {
    let mut seen = HostObservation::new(at);
    let (name, error) = match input.bytes {
        Ok(bytes) => {
            let read = Identifier::read(&bytes);
            seen.identifier = Some(Fact::Known(IdentifierFile { bytes }));
            match read {
                Ok(identifier) => (identifier.name, None),
                Err(error) => (None, Some(error)),
            }
        }
        Err(error) => {
            seen.identifier = Some(Fact::Unknown(error.to_string()));
            (None, Some(error))
        }
    };
    let target = Target {
        name: name.unwrap_or_else(|| input.name.clone()),
        role: Role::GuardedHost,
        source: input.name,
        observations: vec![Observation::Host(seen)],
    };
    (target, error)
}

fn identifiers(targets: &[Target]) -> impl Iterator<Item = &[u8]> {
    let observations = targets.iter().flat_map(|target| &target.observations);
    observations.filter_map(|one| match one {
        Observation::Host(HostObservation {
            identifier: Some(Fact::Known(file)),
            ..
        }) => Some(file.bytes.as_slice()),
        _ => None,
    })
}

/// Hosts by their EKs, each of which one host at most has.
fn by_ek(hosts: &[Host]) -> HashMap<Sha256Digest, &Host> {
    let each = hosts
        .iter()
        .flat_map(|host| host.eks.iter().map(move |ek| (ek.spki_sha256, host)));
    each.collect()
}
