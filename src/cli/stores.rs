//! Where the certificates and CRLs of a store lie: the two directories of a Host Guardian
//! Service, or vendor by vendor as in Microsoft's package TrustedTpm.cab.

use std::path::{Path, PathBuf};

use super::certificates::{Pool, Source};
use super::console::Console;
use super::input::{Entry, EntryKind, entries_of};
use super::options::variable;
use crate::finding::Error;

const VARIABLE: &str = "ENDORSE_STORE";
const DEFAULT: &str = "/var/lib/endorse/store";

/// At the top of a store, named as on a Host Guardian Service. Microsoft spells them
/// in two ways itself; names of stores on Windows have no case. CRLs lie beside them here;
/// a Host Guardian Service has no place for them.
const TOP: [(&str, Pool); 3] = [
    ("TrustedTPM_RootCA", Pool::Roots),
    ("TrustedTPM_IntermediateCA", Pool::Intermediates),
    ("crls", Pool::Crls),
];
/// In the directory of each vendor, as TrustedTpm.cab has them.
const OF_VENDOR: [(&str, Pool); 2] = [
    ("RootCA", Pool::Roots),
    ("IntermediateCA", Pool::Intermediates),
];

const WHAT_IT_IS: &str = "a store is a directory that has TrustedTPM_RootCA and TrustedTPM_IntermediateCA in it, \
     or directories of vendors with RootCA and IntermediateCA, as TrustedTpm.cab unpacks";

/// The directories with certificates and CRLs in the store `named`, or else in the one that
/// the environment names, or else in the usual one.
pub(super) fn store_sources(
    named: Option<&Path>,
    console: &mut Console<'_>,
) -> Result<Vec<Source>, Error> {
    let (path, by) = match (named, variable(VARIABLE)) {
        (Some(path), _) => (path.to_owned(), String::new()),
        (None, Some(path)) => (PathBuf::from(path), format!(", which {VARIABLE} names")),
        (None, None) if !Path::new(DEFAULT).exists() => {
            console.note(&format!(
                "there is no store at {DEFAULT}; going on without it"
            ));
            return Ok(Vec::new());
        }
        (None, None) => (PathBuf::from(DEFAULT), String::new()),
    };
    if !path.is_dir() {
        let what = if path.exists() {
            format!("{} is no directory", path.display())
        } else {
            format!("there is no store at {}", path.display())
        };
        return Err(Error::environment(format!("{what}{by}"), WHAT_IT_IS));
    }
    let entries = entries_of(&path)?;
    let mut sources = Vec::new();
    for entry in &entries {
        if entry.kind != EntryKind::Directory {
            continue;
        }
        if let Some(source) = source(entry, &TOP) {
            sources.push(source);
            continue;
        }
        match entries_of(&entry.path) {
            Ok(inner) => sources.extend(inner.iter().filter_map(|inner| source(inner, &OF_VENDOR))),
            // Such as lost+found.
            Err(error) => console.note(&format!("{} was skipped: {error}", entry.path.display())),
        }
    }
    if !sources.is_empty() {
        return Ok(sources);
    }
    if entries.is_empty() {
        console.note(&format!("the store {}{by} is empty", path.display()));
        return Ok(sources);
    }
    Err(Error::environment(
        format!("{}{by} is no store", path.display()),
        format!("{WHAT_IT_IS}; name other files and directories with --roots and --intermediates"),
    ))
}

fn source(entry: &Entry, names: &[(&str, Pool)]) -> Option<Source> {
    let name = entry.path.file_name()?.to_str()?;
    let (_, pool) = names
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    (entry.kind == EntryKind::Directory).then(|| Source {
        pool: *pool,
        path: entry.path.clone(),
        named: false,
    })
}
