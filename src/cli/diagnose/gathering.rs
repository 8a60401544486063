//! What to look at: the same options for diagnosing it here and for collecting it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::OpenedBundle;
use super::host::{self, HostArgs};
#[cfg(unix)]
use super::key_file;
#[cfg(feature = "fetch")]
use super::live::LiveArgs;
use super::saved::Saved;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::der::Time;
use crate::diagnose::bundle::Bundle;
use crate::diagnose::files::{SavedFile, nothing_was_read};
use crate::diagnose::{Observation, Report, Target};
use crate::finding::Error;

/// What to look at, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to look at")]
pub(super) struct GatherArgs {
    /// Read what was saved on the machine in question: a file, a directory, or a bundle of
    /// 'diagnose collect'; may be repeated
    #[arg(long, value_name = "PATH")]
    path: Vec<PathBuf>,
    /// Look at this file of a private key on this machine, and at the directories on the way; may be
    /// repeated
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", requires = "account")]
    key_file: Vec<PathBuf>,
    /// Who has to be able to read the key files: a name in /etc/passwd, or UID:GID,GID
    #[cfg(unix)]
    #[arg(long, value_name = "USER", requires = "key_file")]
    account: Option<String>,
    #[command(flatten)]
    pub(super) hosts: HostArgs,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    pub(super) live: LiveArgs,
    /// Look at the nodes of this Host Guardian Service; this build cannot, it needs the feature
    /// 'fetch'
    #[cfg(not(feature = "fetch"))]
    #[arg(long, value_name = "URL", help_heading = "Over the network")]
    hgs: Vec<String>,
}

/// What there was to see.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What was seen.
    pub(super) targets: Vec<Target>,
    /// The bundles that some of it comes from.
    pub(super) bundles: Vec<OpenedBundle>,
    /// Whether all of it comes from bundles.
    pub(super) from_bundles_only: bool,
    /// What could not be looked at.
    pub(super) errors: Vec<Error>,
    /// The worst of what happened to files that are reported with their target.
    exit: Exit,
}

/// Looks at all that was named. What cannot be looked at does not hinder the rest; it is
/// told and kept.
///
/// # Errors
/// If nothing was named.
pub(super) fn gather(
    args: &GatherArgs,
    now: Time,
    console: &mut Console<'_>,
) -> Result<Gathered, Error> {
    #[cfg(not(feature = "fetch"))]
    if !args.hgs.is_empty() {
        return Err(Error::misuse(
            "this build of endorse cannot look at a service over the network",
            "build it with the feature 'fetch'; or have a build that has it collect what there is \
             to see (endorse diagnose collect), and name the bundle with --path",
        ));
    }
    if args.is_empty() {
        return Err(Error::misuse(
            "nothing was named to look at",
            "name a service with --hgs, this machine with --host, or what was saved on the machine in \
             question with --path",
        ));
    }
    let mut gathered = Gathered::default();
    let mut saved = Saved::default();
    gathered.from_bundles_only = true;
    for path in &args.path {
        match saved.read(path) {
            Ok(targets) => gathered.open_bundles(targets, now),
            Err(error) => gathered.errors.push(error),
        }
    }
    gathered.from_bundles_only &= !gathered.bundles.is_empty();
    gathered.exit = saved.exit;
    #[cfg(unix)]
    if let Some(account) = &args.account {
        gathered.from_bundles_only = false;
        gathered
            .targets
            .push(key_file::look(&args.key_file, account)?);
    }
    let (hosts, exit) = args.hosts.gather(console)?;
    gathered.exit = gathered.exit.and(exit);
    gathered.from_bundles_only &= hosts.is_empty();
    gathered.targets.extend(hosts);
    #[cfg(feature = "fetch")]
    {
        let live = args.live.gather()?;
        gathered.from_bundles_only &= live.is_empty();
        gathered.targets.extend(live);
    }
    for error in &gathered.errors {
        console.error(error);
    }
    Ok(gathered)
}

impl GatherArgs {
    fn is_empty(&self) -> bool {
        #[cfg(feature = "fetch")]
        let live = !self.live.is_empty();
        #[cfg(not(feature = "fetch"))]
        let live = false;
        #[cfg(unix)]
        let keys = !self.key_file.is_empty();
        #[cfg(not(unix))]
        let keys = false;
        self.path.is_empty() && self.hosts.is_empty() && !keys && !live
    }
}

impl Gathered {
    /// How gathering ended, by the report on what was gathered: with
    /// [`Unreadable`](Exit::Unreadable) for a path from which nothing at all could be read.
    pub(super) fn exit(&self, report: &Report) -> Exit {
        let mut exit = self.exit_of_gathering();
        let mut read: BTreeMap<&str, bool> = BTreeMap::new();
        for target in &report.targets {
            *read.entry(&target.source).or_default() |= !nothing_was_read(target);
        }
        if read.values().any(|read| !read) {
            exit = exit.and(Exit::Unreadable);
        }
        exit
    }

    /// The same before anything was judged.
    pub(super) fn exit_of_gathering(&self) -> Exit {
        self.errors
            .iter()
            .map(Exit::from)
            .fold(self.exit, Exit::and)
    }

    /// Adds the targets of one path, with what the bundles among their files hold in the place
    /// of these, and a target for each platform identifier.
    fn open_bundles(&mut self, targets: Vec<Target>, now: Time) {
        let mut identifiers = Vec::new();
        for mut target in targets {
            let mut others = Vec::new();
            for observation in std::mem::take(&mut target.observations) {
                match observation {
                    Observation::File(file) if Bundle::is_one(&file.bytes) => self.open(file),
                    other => others.push(other),
                }
            }
            if !others.is_empty() {
                self.from_bundles_only = false;
                target.observations = others;
                identifiers.extend(host::in_files(&target, now));
                self.targets.push(target);
            }
        }
        self.targets.extend(identifiers);
    }

    fn open(&mut self, file: SavedFile) {
        match Bundle::read(&file.bytes) {
            Ok(bundle) => {
                self.bundles.push(OpenedBundle {
                    path: file.name,
                    made_at: bundle.made_at,
                    made_by: bundle.made_by,
                });
                self.targets.extend(bundle.targets);
            }
            Err(error) => self.errors.push(Error {
                message: format!("{}: {}", file.name, error.message),
                ..error
            }),
        }
    }
}
