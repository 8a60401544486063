use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::Arrival;
use super::listed::read_all;
use super::pack::{self, MAX_PACK_LEN};
use crate::catalogue::{Source, load_crls};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::input::read_input;
use crate::cli::json::{self, JsonCrl, JsonError, JsonFinding};
use crate::cli::options::{TrustArgs, tell};
use crate::cli::report::report_unreadable;
use crate::disk::read_file;
use crate::finding::{Code, Error, Finding};
use crate::hash::sha256;
use crate::trust::revocation::{Admission, CrlRefusal};
use crate::trust::{Crl, read_crls};

pub(super) const IMPORT: &str = "store-crl-import";

/// Options of `store crl import`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store crl import crls.json
  endorse store crl import OnDie_CA.crl ODCA_CA2_CSME_Product.crl
  endorse store crl import --what-if crls.json

A list is kept if a CA of the store has signed it that leads to a trusted root,
and if it is no older than what is there; it takes the place of older lists of
the same CA about the same certificates that revoke nothing which it does not.

Exit codes:
  0  all lists are in the store
  1  some was refused; the others are in the store
  2  wrong usage, or the store is missing, damaged or cannot be written
  3  a file could not be read as what it should be; the others are in the store")]
pub(super) struct Import {
    /// Files of revocation lists (DER, PEM, or what 'export' wrote), directories, or '-' for standard
    /// input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Why, for the catalogue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Say what would happen, and change nothing
    #[arg(long)]
    what_if: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Serialize)]
struct JsonImported {
    outcome: &'static str,
    what_if: bool,
    /// None if it could not be read.
    crl: Option<JsonCrl>,
    replaces: Vec<String>,
    findings: Vec<JsonFinding>,
    input: String,
    error: Option<JsonError>,
}

impl JsonImported {
    fn unreadable(path: &Path, error: &Error) -> Self {
        Self {
            outcome: "unreadable",
            what_if: false,
            crl: None,
            replaces: Vec::new(),
            findings: json::findings_of(error),
            input: path.display().to_string(),
            error: Some(error.into()),
        }
    }
}

pub(super) fn run(args: &Import, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    let mut offered = Vec::new();
    for path in &args.files {
        let crls = read(path, console).and_then(|crls| match crls.is_empty() && path.is_dir() {
            true => Err(Error::environment(
                format!("there is nothing to import in {}", path.display()),
                "name a file of revocation lists, or a directory with such files in it",
            )),
            false => Ok(crls),
        });
        match crls {
            Ok(crls) => offered.extend(crls),
            Err(error) => {
                exit = exit.and(Exit::from(&error));
                report_unreadable(console, &path.display().to_string(), &error);
                results.push(JsonImported::unreadable(path, &error));
            }
        }
    }
    let contents = args.trust.contents(console)?;
    let trust = args.trust.resolve_with(&contents, console)?;
    let known = read_all(&contents, console).into_iter();
    let mut there: Vec<Crl> = known.map(|(_, crl)| crl).collect();
    let mut accepted = Vec::new();
    for one in offered {
        let answer = trust
            .store
            .admit_crl(&one.crl, &there, &trust.policy, trust.at);
        if console.manner.json {
            results.push(json_of(&one, &answer, args.what_if));
        } else if !console.manner.quiet || answer.is_err() {
            let page = page_of(&one, &answer, args.what_if, console);
            console.print(&page);
        }
        match &answer {
            Ok(Admission::New { .. }) => {
                // The next is compared with this as well.
                there.push(one.crl.clone());
                accepted.push(one);
            }
            Ok(Admission::Unchanged) => {}
            Err(_) => exit = exit.and(Exit::Rejected),
        }
    }
    if !args.what_if && !accepted.is_empty() {
        let attribution = super::super::attribution("crl import", args.reason.as_deref())?;
        super::take_in(&accepted, &trust, &args.trust.directory(), &attribution)?;
    }
    if console.manner.json {
        console.print(&json::document(IMPORT, &results));
    }
    Ok(exit)
}

fn read(path: &Path, console: &mut Console<'_>) -> Result<Vec<Arrival>, Error> {
    if path.is_dir() {
        let loaded = load_crls(path)?;
        tell(&loaded.notes, console);
        let offered = loaded.items.into_iter().map(|(crl, file)| {
            Ok(Arrival {
                source: Source::File {
                    sha256: sha256(&read_file(&file, MAX_PACK_LEN)?),
                    path: file.display().to_string(),
                },
                crl,
                member: None,
            })
        });
        return offered.collect();
    }
    let bytes = read_input(path, console, MAX_PACK_LEN)?;
    let name = path.display().to_string();
    let crls = if bytes.trim_ascii_start().starts_with(b"{") {
        pack::read(&bytes)
    } else {
        read_crls(&bytes).map(|crls| crls.into_iter().map(|crl| (crl, None)).collect())
    };
    let crls = crls?;
    let source = Source::File {
        path: name,
        sha256: sha256(&bytes),
    };
    Ok(crls
        .into_iter()
        .map(|(crl, member)| Arrival {
            crl,
            source: source.clone(),
            member,
        })
        .collect())
}

fn refused(crl: &Crl, why: &CrlRefusal) -> Finding {
    let help = match why {
        CrlRefusal::IssuerUnknown => {
            "put the issuer's certificate into the store ('endorse store import', 'store add'), and \
             import again"
        }
        CrlRefusal::NotYetIssued(_) => "check the clock, or the time given with --at",
        CrlRefusal::Older { .. } => "nothing to do: the newer list counts",
        _ => "get the list from the CA itself and compare",
    };
    Finding::new(
        Code::CrlRefused,
        format!(
            "the list of '{}', issued at {}, is not kept: {why}",
            crl.issuer(),
            crl.this_update()
        ),
        help,
    )
}

fn word(answer: &Result<Admission, CrlRefusal>) -> (&'static str, Paint) {
    match answer {
        Ok(Admission::New { .. }) => ("imported", Paint::Good),
        Ok(Admission::Unchanged) => ("unchanged", Paint::Good),
        Err(_) => ("refused", Paint::Bad),
    }
}

fn replaced(answer: &Result<Admission, CrlRefusal>) -> Vec<String> {
    match answer {
        Ok(Admission::New { replaces }) => replaces.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn json_of(one: &Arrival, answer: &Result<Admission, CrlRefusal>, what_if: bool) -> JsonImported {
    let refusal = answer.as_ref().err().map(|why| refused(&one.crl, why));
    JsonImported {
        outcome: word(answer).0,
        what_if,
        crl: Some(JsonCrl::from(&one.crl)),
        replaces: replaced(answer),
        findings: refusal.iter().map(JsonFinding::from).collect(),
        input: match &one.source {
            Source::File { path, .. } => path.clone(),
            Source::Url(name) | Source::Package { name, .. } => name.clone(),
        },
        error: None,
    }
}

fn page_of(
    one: &Arrival,
    answer: &Result<Admission, CrlRefusal>,
    what_if: bool,
    console: &Console<'_>,
) -> String {
    let mut page = Page::new(console.color());
    let (word, paint) = word(answer);
    let rest = match what_if {
        true => "-- what if: nothing was written",
        false => "",
    };
    page.head(
        &one.crl.issuer().to_string(),
        paint,
        &word.to_uppercase(),
        rest,
    );
    page.field(1, "SHA-256", &one.crl.sha256().to_string());
    page.field(1, "issued", &one.crl.this_update().to_string());
    let next = one.crl.next_update().map(|time| time.to_string());
    page.optional(1, "next", next.as_deref());
    page.field(1, "entries", &one.crl.entry_count().to_string());
    for replaced in replaced(answer) {
        page.field(1, "replaces", &replaced);
    }
    if let Err(why) = answer {
        page.finding(1, &refused(&one.crl, why));
    }
    page.into_text()
}
