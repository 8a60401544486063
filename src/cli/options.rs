//! Options that several subcommands share: as typed, and resolved.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use super::console::Console;
use crate::catalogue::{Contents, Directory, Note, load_certificates, load_crls};
use crate::der::Time;
use crate::disk::read_file;
use crate::finding::Error;
use crate::hash::{Sha256Digest, sha256};
use crate::registry::{Location, Mode, Registry};
use crate::trust::{Origin, Policy, Pool, Store, Usage};

const STORE_VARIABLE: &str = "ENDORSE_STORE";
const DEFAULT_STORE: &str = "/var/lib/endorse/store";
const REGISTRY_VARIABLE: &str = "ENDORSE_REGISTRY";
const DEFAULT_REGISTRY: &str = "/var/lib/endorse/registry.db";

/// The largest policy file, in octets; one that names every finding has 2 KiB.
const MAX_POLICY_LEN: usize = 256 * 1024;

/// What is trusted, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Trust")]
pub(super) struct TrustArgs {
    /// Directory with TrustedTPM_RootCA and TrustedTPM_IntermediateCA in it, or with the vendors of an
    /// unpacked TrustedTpm.cab [default: $ENDORSE_STORE, else /var/lib/endorse/store]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Trust these roots as well: a certificate file or a directory of them; may be repeated
    #[arg(long, value_name = "PATH")]
    roots: Vec<PathBuf>,
    /// Use these intermediates as well: a certificate file or a directory of them; may be repeated
    #[arg(long, value_name = "PATH")]
    intermediates: Vec<PathBuf>,
    /// Look certificates up in these CRLs as well: a CRL file or a directory of them; may be repeated.
    /// Those in 'crls' of the store are used always
    #[arg(long, value_name = "PATH")]
    crls: Vec<PathBuf>,
    /// Do not trust the vendor roots embedded in this program
    #[arg(long)]
    no_embedded_roots: bool,
    /// Judge as of this time [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    at: Option<Time>,
    /// What to judge the certificate for
    #[arg(long, value_enum, default_value_t = UsageArg::Ek)]
    usage: UsageArg,
    /// Policy file: what to accept where vendors differ (see docs/policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UsageArg {
    /// An endorsement key certificate
    Ek,
    /// Plain RFC 5280 path validation of any certificate
    Any,
}

/// Where the store is, as typed, for the commands that are about it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Store")]
pub(super) struct StoreArgs {
    /// The store [default: $ENDORSE_STORE, else /var/lib/endorse/store]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl StoreArgs {
    /// The store, to be changed.
    pub(super) fn directory(&self) -> Directory {
        store_directory(self.store.as_deref())
    }

    /// What is in it. One that is not there is an error.
    pub(super) fn read(&self, console: &mut Console<'_>) -> Result<Contents, Error> {
        contents_there(self.store.as_deref(), console)
    }
}

/// What is trusted, loaded.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) store: Store,
    pub(super) policy: Policy,
    /// SHA-256 of the policy file, or of nothing if none was named.
    pub(super) policy_sha256: Sha256Digest,
    pub(super) at: Time,
    pub(super) usage: Usage,
}

/// Where the registry is, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Registry")]
pub(super) struct RegistryArgs {
    /// The registry of hosts: the path of an SQLite file [default: $ENDORSE_REGISTRY, else
    /// /var/lib/endorse/registry.db]
    #[arg(long, value_name = "URL")]
    registry: Option<String>,
}

impl TrustArgs {
    /// The store on disk, to be changed.
    pub(super) fn directory(&self) -> Directory {
        store_directory(self.store.as_deref())
    }

    /// The time as of which to judge, if it was given.
    #[cfg(feature = "diagnose")]
    pub(super) fn given_time(&self) -> Option<Time> {
        self.at
    }

    /// Loads what was named.
    pub(super) fn resolve(&self, console: &mut Console<'_>) -> Result<Trust, Error> {
        let contents = self.contents(console)?;
        self.resolve_with(&contents, console)
    }

    /// What is in the store on disk. The usual one need not be there.
    pub(super) fn contents(&self, console: &mut Console<'_>) -> Result<Contents, Error> {
        store_contents(self.store.as_deref(), console)
    }

    /// What is in the store on disk, which has to be there.
    pub(super) fn contents_there(&self, console: &mut Console<'_>) -> Result<Contents, Error> {
        contents_there(self.store.as_deref(), console)
    }

    /// The same as [`resolve`](Self::resolve) with a store that was read.
    pub(super) fn resolve_with(
        &self,
        contents: &Contents,
        console: &mut Console<'_>,
    ) -> Result<Trust, Error> {
        let (policy, policy_sha256) = self.policy()?;
        let mut store = Store::new();
        self.add_embedded(&mut store)?;
        for stored in &contents.certificates {
            let origin = Origin::File(stored.path.display().to_string());
            store.add(stored.pool, Arc::clone(&stored.certificate), origin);
        }
        for (pool, paths) in [
            (Pool::Root, &self.roots),
            (Pool::Intermediate, &self.intermediates),
        ] {
            for path in paths {
                let loaded = load_certificates(path, pool)?;
                tell(&loaded.notes, console);
                for (certificate, path) in loaded.items {
                    store.add(
                        pool,
                        Arc::new(certificate),
                        Origin::File(path.display().to_string()),
                    );
                }
            }
        }
        for stored in &contents.crls {
            let (crls, error) = stored.read();
            let in_part = !crls.is_empty();
            for crl in crls {
                let path = stored.path.display().to_string();
                store.add_crl(crl, Origin::File(path))?;
            }
            if let Some(error) = error {
                tell(&[stored.passed_over(&error, in_part)], console);
            }
        }
        for path in &self.crls {
            let loaded = load_crls(path)?;
            tell(&loaded.notes, console);
            for (crl, path) in loaded.items {
                store.add_crl(crl, Origin::File(path.display().to_string()))?;
            }
        }
        if store.roots().next().is_none() {
            console.note("no root certificate is trusted, so nothing can be; name some with --store or --roots");
        }
        Ok(Trust {
            store,
            policy,
            policy_sha256,
            at: self.time()?,
            usage: match self.usage {
                UsageArg::Ek => Usage::Ek,
                UsageArg::Any => Usage::Any,
            },
        })
    }

    /// The time as of which is judged.
    pub(super) fn time(&self) -> Result<Time, Error> {
        self.at.map_or_else(now, Ok)
    }

    fn policy(&self) -> Result<(Policy, Sha256Digest), Error> {
        let Some(path) = &self.policy else {
            return Ok((Policy::default(), sha256(b"")));
        };
        let bytes = read_file(path, MAX_POLICY_LEN)?;
        let misuse = |error: &dyn std::fmt::Display, help: &str| {
            Error::misuse(format!("the policy file {}: {error}", path.display()), help)
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| misuse(&error, "a policy file is TOML, in UTF-8"))?;
        let policy =
            Policy::from_toml(text).map_err(|error| misuse(&one_line(&error), &error.help))?;
        Ok((policy, sha256(&bytes)))
    }

    #[cfg(feature = "roots")]
    fn add_embedded(&self, store: &mut Store) -> Result<(), Error> {
        if self.no_embedded_roots {
            return Ok(());
        }
        store.add_embedded_roots()
    }

    #[cfg(not(feature = "roots"))]
    #[allow(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the same signature as with embedded roots"
    )]
    fn add_embedded(&self, _: &mut Store) -> Result<(), Error> {
        Ok(())
    }
}

/// What is in the store that was named, or else in the one that the environment names,
/// or else in the usual one, if that is there.
fn store_contents(named: Option<&Path>, console: &mut Console<'_>) -> Result<Contents, Error> {
    let directory = store_directory(named);
    if named.is_none() && variable(STORE_VARIABLE).is_none() && !directory.path().exists() {
        console.note(&format!(
            "there is no store at {DEFAULT_STORE}; going on without it"
        ));
        return Ok(Contents::default());
    }
    contents_there(named, console)
}

/// The same, and one that is not there is an error.
fn contents_there(named: Option<&Path>, console: &mut Console<'_>) -> Result<Contents, Error> {
    let contents = store_directory(named).read().map_err(|error| Error {
        message: format!("{}{}", error.message, named_by(named)),
        ..error
    })?;
    tell(&contents.notes, console);
    Ok(contents)
}

/// The same store, to be changed.
fn store_directory(named: Option<&Path>) -> Directory {
    match (named, variable(STORE_VARIABLE)) {
        (Some(path), _) => Directory::at(path),
        (None, Some(path)) => Directory::at(path),
        (None, None) => Directory::at(DEFAULT_STORE),
    }
}

/// How the store came to be this one, where nobody typed it.
fn named_by(named: Option<&Path>) -> String {
    match (named, variable(STORE_VARIABLE)) {
        (None, Some(_)) => format!(" (the store is the one that {STORE_VARIABLE} names)"),
        _ => String::new(),
    }
}

pub(super) fn tell(notes: &[Note], console: &mut Console<'_>) {
    for note in notes {
        if note.important {
            console.note(&note.text);
        } else {
            console.detail(&note.text);
        }
    }
}

impl Trust {
    /// Refuses `--usage any`, which says nothing about endorsement keys.
    pub(super) fn must_be_for_ek(&self) -> Result<(), Error> {
        match self.usage {
            Usage::Ek => Ok(()),
            Usage::Any => Err(Error::misuse(
                "a registration rests on a judgement for endorsement keys, not for any usage",
                "leave out --usage any; it is for 'endorse verify'",
            )),
        }
    }
}

impl RegistryArgs {
    /// Whether it was named, or the environment names it.
    #[cfg(feature = "diagnose")]
    pub(super) fn is_named(&self) -> bool {
        self.registry.is_some() || variable(REGISTRY_VARIABLE).is_some()
    }

    /// Opens the registry.
    pub(super) fn open(&self, mode: Mode) -> Result<Registry, Error> {
        let location = match &self.registry {
            Some(location) => location.clone(),
            None => match variable(REGISTRY_VARIABLE).map(OsString::into_string) {
                Some(Ok(location)) => location,
                Some(Err(_)) => {
                    return Err(Error::misuse(
                        format!("{REGISTRY_VARIABLE} is not text in UTF-8"),
                        "give the registry a path in UTF-8",
                    ));
                }
                None => DEFAULT_REGISTRY.to_owned(),
            },
        };
        Registry::open(&Location::parse(&location)?, mode)
    }
}

/// A variable of the environment; one that is empty counts as not set.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The clock, read once for a run.
pub(super) fn now() -> Result<Time, Error> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .map(Time::from_unix)
        .ok_or_else(|| {
            Error::environment(
                "the clock of this machine is set before 1970",
                "set the clock, or give a time with --at",
            )
        })
}

/// Who runs this, for the audit trail: the person behind `sudo`, else the user.
pub(super) fn who() -> String {
    ["SUDO_USER", "USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(who_by_number)
}

#[cfg(unix)]
fn who_by_number() -> String {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").map_or_else(
        |_| "unknown".to_owned(),
        |metadata| format!("uid {}", metadata.uid()),
    )
}

#[cfg(not(unix))]
fn who_by_number() -> String {
    "unknown".to_owned()
}

/// A message of the TOML reader without the picture of the line that is wrong.
fn one_line(error: &Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let kept: Vec<_> = lines
        .filter(|line| {
            !line.is_empty()
                && !line.starts_with('|')
                && !line.starts_with(|c: char| c.is_ascii_digit())
        })
        .collect();
    kept.join(": ")
}

pub(super) fn parse_time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text).map_err(|error| format!("{error}; {}", error.help))
}
