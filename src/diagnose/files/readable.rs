//! Whether the files could be read at all.

use super::content::ReadFile;
use super::unread;
use crate::diagnose::{Basis, Definition, Diagnostic, Set, Target};

/// The saved files are whole, and it is known what they are.
pub(super) static TRACE_READABLE: Definition = Definition {
    id: "trace-readable",
    set: Set::Base,
    title: "What was saved can be read",
    basis: Basis::Documented,
    source: "Troubleshooting Using the Guarded Fabric Diagnostic Tool, Manual Diagnosis Using Saved Traces",
};

/// One diagnostic for all that was read, and one for each file that was not.
pub(super) fn diagnostics(target: &Target, files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let definition = &TRACE_READABLE;
    let mut found = Vec::new();
    let read: Vec<String> = files
        .iter()
        .filter(|file| file.is_recognised())
        .map(|file| format!("{}: {}", file.name, file.kind()))
        .collect();
    if !read.is_empty() {
        let mut diagnostic = Diagnostic::pass(definition, format!("read: {} files", read.len()));
        diagnostic.evidence.extend(read);
        found.push(diagnostic);
    }
    for file in files {
        match &file.content {
            Ok(_) if file.is_recognised() => {}
            Ok(_) => found.push(
                Diagnostic::warn(
                    definition,
                    format!("{}: nothing is known of what it holds", file.name),
                )
                .then(
                    "leave it out, or save what it should be in a form that is read: \
                     docs/diagnose.md lists them",
                ),
            ),
            Err(error) => {
                found.push(
                    Diagnostic::fail(definition, format!("{}: {error}", file.name))
                        .then(error.help.clone())
                        .then(
                            "what would have been read from it is not diagnosed; save it on the \
                             machine again and copy it whole",
                        ),
                );
            }
        }
    }
    for file in unread(target) {
        found.push(
            Diagnostic::fail(definition, format!("{}: {}", file.what, file.why)).then(
                "see that the path is right, that you may read it and that its disk is in order",
            ),
        );
    }
    found
}
