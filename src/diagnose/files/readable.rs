//! Whether the files could be read at all.

use super::content::ReadFile;
use super::unread;
use crate::diagnose::bundle::secret_in;
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
        let count = match read.len() {
            1 => "read: 1 file".to_owned(),
            many => format!("read: {many} files"),
        };
        let mut diagnostic = Diagnostic::pass(definition, count);
        diagnostic.evidence.extend(read);
        found.push(diagnostic);
    }
    for file in files {
        match &file.content {
            Ok(_) if file.is_recognised() => {}
            Ok(_) => found.push(unknown(file, "nothing is known of what it holds")),
            Err(_) if of_another_kind(file.bytes).is_some() => found.push(unknown(file, "")),
            Err(error) => found.push(
                Diagnostic::fail(definition, format!("{}: {error}", file.name))
                    .seen("what would have been read from it is not diagnosed")
                    .then(error.help.clone()),
            ),
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

/// A file of which nothing can be said here, with what is to be done with it if that shows.
fn unknown(file: &ReadFile<'_>, otherwise: &str) -> Diagnostic {
    let (what, todo) = of_another_kind(file.bytes).unwrap_or((
        otherwise,
        "leave it out, or save what it should be in a form that is read: docs/diagnose.md lists \
         them",
    ));
    Diagnostic::warn(&TRACE_READABLE, format!("{}: {what}", file.name)).then(todo)
}

/// What a file is that was not meant to be given like this, and what to do with it.
fn of_another_kind(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if bytes.is_empty() {
        return Some((
            "it is empty",
            "save it on the machine again, and copy it whole",
        ));
    }
    let why = secret_in(bytes)?;
    let todo = match why.contains("archive") {
        true => "unpack it, and give the directory that comes of it",
        false => {
            "leave it out, and give it to nobody: what is secret is not looked at here. Whether an \
             account can read the file of a key --key-file tells, and check-certificate judges a \
             PFX"
        }
    };
    Some((why, todo))
}

/// The same where there are objects in the files and none of them is known: that is nothing to
/// pass.
pub(super) fn of_nothing_known(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let all = files
        .iter()
        .map(|file| unknown(file, "there is nothing in it that is known here"));
    all.collect()
}
