//! `inspect`: what is in a file, for people and as JSON.

mod crl;
mod json;
mod lint;
mod page;
mod words;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::exit::Exit;
use super::human::Page;
use super::input::for_each_input;
use super::report::report_unreadable;
use crate::ek::Lint;
use crate::finding::Error;
use crate::identifier::Identifier;
use crate::trust::{Crl, read_crls};

use crl::{describe_crls, inspected_crls};
use json::{inspected, unreadable};
use page::describe;

const AFTER_HELP: &str = "\
Examples:
  endorse inspect hyp01.xml
  endorse inspect --json ek.der
  tpm2_getekcertificate | endorse inspect -
  endorse inspect vendor-root.crl
  endorse inspect --lint -v ek.der
  endorse inspect --format json hyp01.xml > hyp01.json

Nothing is judged: no path is built, no date compared, no signature verified.
Use 'endorse verify' for that. --lint holds each certificate against rules, by
itself: 'profile' rules are those of the TCG's EK credential profile and of
RFC 5280, some of which genuine EKcerts break; what fails a 'usable' rule is
refused by every 'endorse verify'. docs/lint.md has all of them.

Exit codes:
  0  every file could be read, and no certificate fails a 'usable' rule
  1  with --lint: a certificate fails a 'usable' rule
  2  wrong usage, or a file is missing
  3  a file is not a platform identifier, EK certificate, EKpub or CRL";

/// Options of `inspect`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Inspect {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write the one file given as a platform identifier in this form instead
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Hold each certificate against the EK credential profile and RFC 5280
    #[arg(long, conflicts_with = "format")]
    lint: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Microsoft's XML, as far as it is publicly known
    Xml,
    /// The JSON form of this program
    Json,
}

/// What a file turned out to be.
enum Content {
    Identifier(Box<Identifier>),
    Crls(Vec<Crl>),
}

pub(super) fn run(args: &Inspect, console: &mut Console<'_>) -> Result<Exit, Error> {
    if let Some(format) = args.format {
        return convert(args, format, console);
    }
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| {
        let read = input
            .bytes
            .as_deref()
            .map_err(Clone::clone)
            .and_then(|bytes| {
                let content = match Identifier::read(bytes) {
                    Ok(identifier) => Content::Identifier(Box::new(identifier)),
                    // Nobody is judged by a CRL alone, so that it is one is seen last.
                    Err(error) => Content::Crls(read_crls(bytes).map_err(|_| error)?),
                };
                Ok((content, bytes.len()))
            });
        match &read {
            Ok((Content::Identifier(identifier), length)) => {
                let lints = args.lint.then(|| lint::lint(identifier));
                let usable = lints.iter().flatten().all(Lint::is_usable);
                if !usable {
                    exit = exit.and(Exit::Rejected);
                }
                if console.manner.json {
                    results.push(inspected(&input, identifier, lints.as_deref()));
                } else if !console.manner.quiet || !usable {
                    let mut page = Page::new(console.color());
                    let lints = lints
                        .as_deref()
                        .map(|lints| (lints, console.manner.verbose));
                    describe(&mut page, &input, identifier, *length, lints);
                    console.print(&page.into_text());
                }
            }
            Ok((Content::Crls(crls), _)) if console.manner.json => {
                results.push(inspected_crls(&input, crls));
            }
            Ok((Content::Crls(_), _)) if console.manner.quiet => {}
            Ok((Content::Crls(crls), length)) => {
                let mut page = Page::new(console.color());
                describe_crls(&mut page, &input, crls, *length);
                console.print(&page.into_text());
            }
            Err(error) => {
                exit = exit.and(Exit::from(error));
                report_unreadable(console, &input.name, error);
                results.push(unreadable(&input, error));
            }
        }
    });
    if console.manner.json {
        console.print(&super::json::document("inspect", &results));
    }
    Ok(exit)
}

fn convert(args: &Inspect, format: Format, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut identifiers = Vec::new();
    for_each_input(&args.files, console, |_, input| {
        identifiers.push(input.bytes.and_then(|bytes| Identifier::read(&bytes)));
    });
    let mut identifiers = identifiers.into_iter();
    let (Some(identifier), None) = (identifiers.next(), identifiers.next()) else {
        return Err(Error::misuse(
            "--format converts one file at a time",
            "name one file, and run the command once for each",
        ));
    };
    let identifier = identifier?;
    let mut text = match format {
        Format::Xml => identifier.to_xml(),
        Format::Json => identifier.to_json(),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    console.print(&text);
    Ok(Exit::Done)
}
