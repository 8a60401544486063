//! Where the certificates of a store lie: the two directories of a Host Guardian
//! Service, or vendor by vendor as in Microsoft's package TrustedTpm.cab.

use std::path::{Path, PathBuf};

use super::files::Folder;
use super::model::Note;
use crate::disk::{Entry, EntryKind, entries_of};
use crate::finding::Error;
use crate::trust::Pool;

/// The directory of certificate revocation lists.
pub(super) const CRLS: &str = "crls";

/// What records the provenance of what is in a store.
pub(super) const CATALOGUE: &str = "catalogue.json";

/// Locked while the store is changed.
pub(super) const LOCK: &str = ".lock";

/// At the top of a store, named as on a Host Guardian Service. Microsoft spells them
/// in two ways itself; names of stores on Windows have no case.
const TOP: [(&str, Pool); 2] = [
    ("TrustedTPM_RootCA", Pool::Root),
    ("TrustedTPM_IntermediateCA", Pool::Intermediate),
];
/// In the directory of each vendor, as TrustedTpm.cab has them.
const OF_VENDOR: [(&str, Pool); 2] = [
    ("RootCA", Pool::Root),
    ("IntermediateCA", Pool::Intermediate),
];

const WHAT_IT_IS: &str = "a store is a directory that has TrustedTPM_RootCA and TrustedTPM_IntermediateCA in it, \
     or directories of vendors with RootCA and IntermediateCA, as TrustedTpm.cab unpacks";

const HOW_TO_MAKE_ONE: &str = "'endorse store import' and 'endorse store add' make one";

/// The directories of a store, as they are there.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// With certificates.
    pub(super) folders: Vec<Folder>,
    /// With certificate revocation lists: more than one where `crls` and `CRLS` differ.
    pub(super) crls: Vec<PathBuf>,
    /// There is a catalogue.
    pub(super) has_catalogue: bool,
    pub(super) notes: Vec<Note>,
}

impl Layout {
    /// Looks at the directory of a store. One that is empty is an empty store; one that
    /// has something else in it is none.
    pub(super) fn of(store: &Path) -> Result<Self, Error> {
        if !store.is_dir() {
            let what = match store.exists() {
                true => format!("{} is no directory", store.display()),
                false => format!("there is no store at {}", store.display()),
            };
            return Err(Error::environment(
                what,
                format!("{WHAT_IT_IS}; {HOW_TO_MAKE_ONE}"),
            ));
        }
        let entries = entries_of(store)?;
        let mut layout = Self::default();
        for entry in &entries {
            if entry.kind == EntryKind::File && has_name(entry, CATALOGUE) {
                layout.has_catalogue = true;
            }
            if entry.kind != EntryKind::Directory {
                // Such as a link to a share that is not there: what is revoked is not known.
                if has_name(entry, CRLS) {
                    return Err(Error::environment(
                        format!("{} is no directory that can be read", entry.path.display()),
                        "see where it leads; the revocation lists of a store are in a directory of this name",
                    ));
                }
                continue;
            }
            if has_name(entry, CRLS) {
                layout.crls.push(entry.path.clone());
            } else if let Some(folder) = folder(entry, &TOP, None) {
                layout.folders.push(folder);
            } else {
                layout.look_into_vendor(entry);
            }
        }
        // A first change that was broken off may have got no further than this.
        let is_begun = |entry: &Entry| {
            let own = entry.path.file_name().and_then(|own| own.to_str());
            let beside = format!(".{CATALOGUE}.");
            has_name(entry, LOCK) || own.is_some_and(|own| own.starts_with(&beside))
        };
        if !layout.folders.is_empty() || layout.has_catalogue || !layout.crls.is_empty() {
            return Ok(layout);
        }
        if entries.iter().all(is_begun) {
            layout.notes.push(Note {
                text: format!(
                    "the store {} is empty; 'endorse store import' fills it",
                    store.display()
                ),
                important: true,
            });
            return Ok(layout);
        }
        Err(Error::environment(
            format!("{} is no store", store.display()),
            format!(
                "{WHAT_IT_IS}; name other files and directories with --roots and --intermediates"
            ),
        ))
    }

    fn look_into_vendor(&mut self, entry: &Entry) {
        let vendor = entry.path.file_name().and_then(|name| name.to_str());
        match entries_of(&entry.path) {
            Ok(inner) => self.folders.extend(
                inner
                    .iter()
                    .filter_map(|inner| folder(inner, &OF_VENDOR, vendor)),
            ),
            // Such as lost+found.
            Err(error) => self.notes.push(Note {
                text: format!("{} was skipped: {error}", entry.path.display()),
                important: true,
            }),
        }
    }

    /// The directory of one of the two stores, if it is there.
    pub(super) fn top(&self, pool: Pool) -> Option<&Path> {
        self.folders
            .iter()
            .find(|folder| folder.pool == pool && folder.is_top)
            .map(|folder| folder.path.as_path())
    }
}

fn has_name(entry: &Entry, name: &str) -> bool {
    let own = entry.path.file_name().and_then(|own| own.to_str());
    own.is_some_and(|own| own.eq_ignore_ascii_case(name))
}

fn folder(entry: &Entry, names: &[(&str, Pool)], vendor: Option<&str>) -> Option<Folder> {
    let (_, pool) = names.iter().find(|(known, _)| has_name(entry, known))?;
    (entry.kind == EntryKind::Directory).then(|| Folder {
        pool: *pool,
        path: entry.path.clone(),
        vendor: vendor.map(str::to_owned),
        is_top: vendor.is_none(),
    })
}
