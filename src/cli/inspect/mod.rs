//! `inspect`: what is in a file, for people and as JSON.

mod crl;
mod json;
mod page;
mod words;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::exit::Exit;
use super::human::Page;
use super::input::for_each_input;
use super::report::report_unreadable;
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
  endorse inspect --format json hyp01.xml > hyp01.json

Nothing is judged: no path is built, no date compared, no signature verified.
Use 'endorse verify' for that.

Exit codes:
  0  every file could be read
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
            Ok(_) if console.manner.quiet && !console.manner.json => {}
            Ok((content, length)) if !console.manner.json => {
                let mut page = Page::new(console.color());
                match content {
                    Content::Identifier(identifier) => {
                        describe(&mut page, &input, identifier, *length);
                    }
                    Content::Crls(crls) => describe_crls(&mut page, &input, crls, *length),
                }
                console.print(&page.into_text());
            }
            Ok((Content::Identifier(identifier), _)) => {
                results.push(inspected(&input, identifier));
            }
            Ok((Content::Crls(crls), _)) => results.push(inspected_crls(&input, crls)),
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
