//! What to look at: the same options for diagnosing it here and for collecting it.

use std::path::PathBuf;

use clap::Args;

use super::OpenedBundle;
use crate::cli::console::Console;
use crate::der::Time;
use crate::diagnose::bundle::Bundle;
use crate::diagnose::files::SavedFile;
use crate::diagnose::{Observation, Role, Target};
use crate::disk::read_file;
use crate::finding::Error;

/// The largest saved file that is read, in octets.
const MAX_FILE_LEN: usize = 64 * 1024 * 1024;

/// What to look at, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to look at")]
pub(super) struct GatherArgs {
    /// Read what was saved on the machine in question: a file, a directory, or a bundle of
    /// 'diagnose collect'; may be repeated
    #[arg(long, value_name = "PATH")]
    path: Vec<PathBuf>,
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
}

/// Looks at all that was named. What cannot be looked at does not hinder the rest; it is
/// told and kept.
///
/// # Errors
/// If nothing was named.
pub(super) fn gather(
    args: &GatherArgs,
    _now: Time,
    console: &mut Console<'_>,
) -> Result<Gathered, Error> {
    if args.path.is_empty() {
        return Err(Error::misuse(
            "nothing was named to look at",
            "name files that were saved on the machine in question, or a bundle, with --path",
        ));
    }
    let mut gathered = Gathered::default();
    let mut targets = Vec::new();
    for path in &args.path {
        let name = path.display().to_string();
        match read_file(path, MAX_FILE_LEN) {
            Ok(bytes) => targets.push(Target {
                name: name.clone(),
                role: Role::Unknown,
                source: name.clone(),
                observations: vec![Observation::File(SavedFile { name, bytes })],
            }),
            Err(error) => gathered.errors.push(error),
        }
    }
    gathered.open_bundles(targets);
    for error in &gathered.errors {
        console.error(error);
    }
    Ok(gathered)
}

impl Gathered {
    /// Puts what the bundles among these files hold in their place.
    fn open_bundles(&mut self, targets: Vec<Target>) {
        self.from_bundles_only = true;
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
                self.targets.push(target);
            }
        }
        self.from_bundles_only &= !self.bundles.is_empty();
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
