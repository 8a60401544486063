use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::output::deliver;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::input::{Input, for_each_input, to_file};
use crate::cli::json::{self, JsonError};
use crate::cli::options::{RegistryArgs, now, who};
use crate::cli::report::report_unreadable;
use crate::disk::entries_of;
use crate::disk::save;
use crate::finding::{Error, Fault};
use crate::possession::{Challenge, EkCredential, Request};
use crate::registry::{MAX_CHALLENGE_SECONDS, Mode, Registry};

pub(super) const MAKE: &str = "challenge-make";

/// How the files for tpm2_activatecredential end.
const CREDENTIAL: &str = "credential";

/// Options of `challenge make`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse challenge make hyp01.ask --output hyp01.challenge
  endorse challenge make asks/ --output-dir challenges/
  endorse challenge make --host hyp01 ak.pub --tpm2-tools hyp01/

A FILE is what 'challenge ask' wrote, or the public area of an attestation key
alone (ak.pub of tpm2_createak), for which --host is needed. No TPM is needed.
Each challenge is good for one answer, within its time.

Exit codes:
  0  every challenge was made
  1  an attestation key is not suitable
  2  wrong usage, no such host, or the registry is missing or broken
  3  a file is not a request for a challenge")]
pub(super) struct Make {
    /// Requests, directories of them, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Name of the host, or the start of its EKpub's SHA-256 [default: the name in the request];
    /// with one file only
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How long the host may take to answer: a number with s, m, h or d; at most 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_seconds)]
    valid_for: i64,
    /// File to write; without it the challenge goes to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Directory to write a file for each host into; made if need be
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    output_dir: Option<PathBuf>,
    /// Directory, new or empty, to write what tpm2-tools take into: credentials, and what is to be
    /// quoted
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "output_dir"])]
    tpm2_tools: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Serialize)]
struct JsonMade {
    input: String,
    outcome: &'static str,
    host: Option<String>,
    challenge: Option<String>,
    expires: Option<String>,
    output: Option<String>,
    /// The file itself, where it was not written to one.
    document: Option<String>,
    error: Option<JsonError>,
}

pub(super) fn run(args: &Make, console: &mut Console<'_>) -> Result<Exit, Error> {
    let one_file = matches!(args.files.as_slice(), [file] if !file.is_dir());
    let one_place = args.output.is_some()
        || args.tpm2_tools.is_some()
        || args.output_dir.is_none() && !console.manner.json;
    if !one_file && (one_place || args.host.is_some()) {
        return Err(Error::misuse(
            "several requests are named, but one host or one place for the challenge",
            "give --output-dir, and leave out --host: each request names its host",
        ));
    }
    let registry = args.registry.open(Mode::ReadWrite)?;
    for dir in [&args.output_dir, &args.tpm2_tools].into_iter().flatten() {
        make_directory(dir)?;
    }
    if let Some(dir) = &args.tpm2_tools {
        refuse_other_credentials(dir)?;
    }
    let who = who();
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| {
        match args.make(&registry, &who, &input, console) {
            Ok(made) => results.push(made),
            Err(error) => {
                exit = exit.and(Exit::from(&error));
                if error.fault == Fault::Malformed {
                    report_unreadable(console, &input.name, &error);
                } else {
                    console.error(&Error {
                        message: format!("{}: {}", input.name, error.message),
                        ..error.clone()
                    });
                }
                results.push(JsonMade {
                    input: input.name,
                    outcome: "failed",
                    host: None,
                    challenge: None,
                    expires: None,
                    output: None,
                    document: None,
                    error: Some((&error).into()),
                });
            }
        }
    });
    if console.manner.json {
        console.print(&json::document(MAKE, &results));
    }
    Ok(exit)
}

impl Make {
    fn make(
        &self,
        registry: &Registry,
        who: &str,
        input: &Input,
        console: &mut Console<'_>,
    ) -> Result<JsonMade, Error> {
        let request = Request::read(input.bytes.as_deref().map_err(Clone::clone)?)?;
        let challenge =
            registry.challenge(&request, self.host.as_deref(), self.valid_for, now()?, who)?;
        let text = challenge.to_json();
        let output = match (&self.tpm2_tools, &self.output_dir) {
            (Some(dir), _) => {
                write_for_tpm2_tools(&challenge, &text, dir, console)?;
                Some(dir.clone())
            }
            (None, Some(dir)) => Some(dir.join(file_name(&challenge))),
            (None, None) => to_file(self.output.as_ref()).map(Path::to_owned),
        };
        if self.tpm2_tools.is_none() {
            deliver(text.as_bytes(), output.as_deref(), console)?;
        }
        Ok(JsonMade {
            input: input.name.clone(),
            outcome: "made",
            host: Some(challenge.terms.host.clone()),
            challenge: Some(challenge.terms.id.to_string()),
            expires: Some(challenge.terms.expires.to_string()),
            document: output.is_none().then_some(text),
            output: output.map(|path| path.display().to_string()),
            error: None,
        })
    }
}

fn make_directory(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::create_dir(dir).map_err(|error| {
        Error::environment(
            format!("cannot make the directory {}: {error}", dir.display()),
            "name one in a directory that exists and that you may write to",
        )
    })
}

/// A credential of another challenge beside this one's could be taken for it.
fn refuse_other_credentials(dir: &Path) -> Result<(), Error> {
    let other = entries_of(dir)?
        .into_iter()
        .find(|entry| entry.path.extension().is_some_and(|ext| ext == CREDENTIAL));
    match other {
        None => Ok(()),
        Some(entry) => Err(Error::misuse(
            format!("{} is there from another challenge", entry.path.display()),
            "name a new directory, or an empty one",
        )),
    }
}

/// The host's name as far as it is safe in a path and as an argument of a command, and
/// enough of the id to keep two hosts apart.
fn file_name(challenge: &Challenge) -> String {
    let name: String = challenge
        .terms
        .host
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c,
            '.' => '.',
            _ => '_',
        })
        .take(100)
        .collect();
    let id: String = challenge.terms.id.to_string().chars().take(8).collect();
    match name.trim_start_matches(['.', '-']) {
        "" => format!("{id}.challenge"),
        name => format!("{name}-{id}.challenge"),
    }
}

/// The credentials as tpm2_activatecredential takes them, in the order in which
/// 'challenge check' takes the secrets, and what tpm2_quote is to quote.
fn write_for_tpm2_tools(
    challenge: &Challenge,
    text: &str,
    dir: &Path,
    console: &mut Console<'_>,
) -> Result<(), Error> {
    let mut number: usize = 0;
    let mut last = None;
    for credential in &challenge.credentials {
        if last != Some(credential.ek) {
            number = number.saturating_add(1);
            last = Some(credential.ek);
        }
        let path = dir.join(credential_name(number, credential, challenge));
        save(&path, &credential.credential.to_tpm2_tools())?;
        console.note(&format!("wrote {}", path.display()));
    }
    for (name, content) in [
        ("qualifying-data", challenge.qualifying_data().to_string()),
        ("challenge.json", text.to_owned()),
    ] {
        let path = dir.join(name);
        save(&path, content.as_bytes())?;
        console.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn credential_name(number: usize, credential: &EkCredential, challenge: &Challenge) -> String {
    let same = challenge
        .credentials
        .iter()
        .filter(|other| other.ek == credential.ek);
    let hash = match same.count() {
        1 => String::new(),
        _ => format!("-{:?}", credential.protection.name_alg()).to_lowercase(),
    };
    format!("{number}-{}{hash}.{CREDENTIAL}", credential.algorithm)
}

/// `30s`, `15m`, `1h`, `2d`.
fn parse_seconds(text: &str) -> Result<i64, String> {
    let unit = text.chars().last().unwrap_or(' ');
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => 0,
    };
    text.strip_suffix(unit)
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|digits| digits.parse::<i64>().ok())
        .and_then(|number| number.checked_mul(seconds))
        .filter(|seconds| (1..=MAX_CHALLENGE_SECONDS).contains(seconds))
        .ok_or_else(|| {
            "write a number and a unit, such as 30s, 15m, 1h or 2d; at most 7d".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::{file_name, parse_seconds};
    use crate::der::Time;
    use crate::possession::{Challenge, ChallengeId, Terms};

    #[test]
    fn names_of_files() {
        for (host, expected) in [
            ("hyp01.example", "hyp01.example-07070707.challenge"),
            ("../../etc/x", "_.._etc_x-07070707.challenge"),
            ("..", "07070707.challenge"),
            // Neither a hidden file nor an option of whatever is run on the directory.
            (".hidden", "hidden-07070707.challenge"),
            ("-rf", "rf-07070707.challenge"),
            (".-o", "o-07070707.challenge"),
            ("a\\b c'$(d)", "a_b_c___d_-07070707.challenge"),
        ] {
            let terms = Terms {
                id: ChallengeId([7; 16]),
                host: host.to_owned(),
                nonce: [0; 32],
                expires: Time::from_unix(0),
                ak_name: Vec::new(),
            };
            let credentials = Vec::new();
            let challenge = Challenge { terms, credentials };
            assert_eq!(file_name(&challenge), expected, "{host}");
        }
    }

    #[test]
    fn times() {
        for (text, seconds) in [("1s", 1), ("15m", 900), ("1h", 3600), ("7d", 604_800)] {
            assert_eq!(parse_seconds(text), Ok(seconds));
        }
        for text in [
            "",
            "1",
            "h",
            "0h",
            "8d",
            "-1h",
            "+1h",
            "1.5h",
            "1 h",
            "99999999999999999999h",
            "1w",
            "é",
        ] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
