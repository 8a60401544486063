//! The command line: one file per subcommand, two renderers (for people and JSON),
//! and the exit codes.
//!
//! Every subcommand works in two stages: what was typed (`clap` structs) is
//! resolved into objects (a loaded store, a policy, a time, an open registry)
//! before any input is looked at.
#![allow(
    clippy::disallowed_methods,
    reason = "the command line is the edge: files, the environment and the clock are read here"
)]

#[cfg(feature = "diagnose")]
mod attestation_policy;
mod challenge;
#[cfg(feature = "diagnose")]
mod check_certificate;
#[cfg(any(feature = "fetch", feature = "diagnose"))]
mod connection;
mod console;
#[cfg(feature = "diagnose")]
mod diagnose;
mod exit;
mod fetch_ekcert;
mod get_platform_identifier;
mod hosts;
mod human;
mod input;
mod inspect;
mod json;
#[cfg(feature = "diagnose")]
mod make_request;
mod options;
mod register_host;
mod report;
#[cfg(feature = "tpm")]
mod software_stack;
mod store;
mod verify;

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

pub use console::Streams;
pub use exit::Exit;

use crate::finding::escape;

use console::{Console, Manner};

const AFTER_HELP: &str = "\
Examples:
  endorse inspect hyp01.xml
  endorse verify hyp01.xml
  endorse register-host hyp01.xml
  endorse hosts list

A FILE is a platform identifier (the XML of Windows' Get-PlatformIdentifier, or
the JSON of this program), an EK certificate (DER, PEM, or as it lies in the
TPM's NV memory), an EKpub, or what Windows stores and prints: an export of the
registry's key TPM, WMI, Endorsement, or Get-TpmEndorsementKeyInfo as JSON or
Clixml. '-' is standard input; a directory stands for the files in it.

Exit codes:
  0  everything was accepted or done
  1  judged and rejected, or a check failed
  2  wrong usage, or a file, device or database is missing or broken
  3  an input could not be read as what it should be
With many inputs every one is reported, and the worst in the order 2, 3, 1, 0
is the exit code.";

/// Judges TPM endorsement keys and platform identifiers, and registers the hosts they belong to
#[derive(Parser, Debug)]
#[command(
    name = "endorse",
    bin_name = "endorse",
    version,
    term_width = 80,
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
struct GlobalArgs {
    /// Write one JSON document to standard output, and nothing else there
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    /// Say more: the checks that were made, the files that were skipped
    #[arg(long, short, global = true, display_order = 901)]
    verbose: bool,
    /// Say nothing but errors and rejections
    #[arg(
        long,
        short,
        global = true,
        display_order = 902,
        conflicts_with = "verbose"
    )]
    quiet: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Read the TPM and the machine of this host and write a platform identifier
    GetPlatformIdentifier(get_platform_identifier::GetPlatformIdentifier),
    /// Show what is in a file, judging nothing
    Inspect(inspect::Inspect),
    /// Judge endorsement keys; registers nothing
    Verify(verify::Verify),
    /// Judge endorsement keys and register the hosts they belong to
    RegisterHost(register_host::RegisterHost),
    /// List, show, remove and recheck registered hosts
    Hosts(hosts::Hosts),
    /// Fill, inspect and keep up to date the two certificate stores
    Store(store::Store),
    /// Have hosts prove that they hold their endorsement keys
    Challenge(challenge::Challenge),
    /// Tell what is wrong with a guarded fabric and how to mend it
    #[cfg(feature = "diagnose")]
    Diagnose(Box<diagnose::Diagnose>),
    /// Check certificates, requests and templates for a Host Guardian Service
    #[cfg(feature = "diagnose")]
    CheckCertificate(check_certificate::CheckCertificate),
    /// Write a request for a certificate that fits a Host Guardian Service
    #[cfg(feature = "diagnose")]
    MakeRequest(make_request::MakeRequest),
    /// Explain the attestation policies, and which of them a host would fail
    #[cfg(feature = "diagnose")]
    AttestationPolicy(attestation_policy::AttestationPolicy),
}

/// Runs the command line `args`, program name first.
pub fn run(args: impl IntoIterator<Item = OsString>, streams: Streams<'_>) -> Exit {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut console = Console::new(streams, no_color);
    let exit = match Cli::try_parse_from(with_subcommand(args.into_iter().collect())) {
        Ok(cli) => cli.run(&mut console),
        Err(error) => answer(&error, &mut console),
    };
    match console.finish() {
        Ok(()) => exit,
        Err(error) => exit.and(Exit::from(&error)),
    }
}

impl Cli {
    fn run(&self, console: &mut Console<'_>) -> Exit {
        console.manner = Manner {
            json: self.global.json,
            verbose: self.global.verbose,
            quiet: self.global.quiet,
        };
        let (name, result) = match &self.command {
            Command::GetPlatformIdentifier(args) => (
                "get-platform-identifier",
                get_platform_identifier::run(args, console),
            ),
            Command::Inspect(args) => ("inspect", inspect::run(args, console)),
            Command::Verify(args) => ("verify", verify::run(args, console)),
            Command::RegisterHost(args) => ("register-host", register_host::run(args, console)),
            Command::Hosts(args) => (args.schema(), hosts::run(args, console)),
            Command::Store(args) => (args.schema(), store::run(args, console)),
            Command::Challenge(args) => (args.schema(), challenge::run(args, console)),
            #[cfg(feature = "diagnose")]
            Command::Diagnose(args) => (args.schema(), diagnose::run(args, console)),
            #[cfg(feature = "diagnose")]
            Command::CheckCertificate(args) => {
                ("check-certificate", check_certificate::run(args, console))
            }
            #[cfg(feature = "diagnose")]
            Command::MakeRequest(args) => ("make-request", make_request::run(args, console)),
            #[cfg(feature = "diagnose")]
            Command::AttestationPolicy(args) => {
                (args.schema(), attestation_policy::run(args, console))
            }
        };
        result.unwrap_or_else(|error| {
            console.error(&error);
            if self.global.json {
                console.print(&json::failure(name, &error));
            }
            Exit::from(&error)
        })
    }
}

/// Help and version go to standard output and are no failure.
fn answer(error: &clap::Error, console: &mut Console<'_>) -> Exit {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = if console.color() {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            console.print(&text);
            Exit::Done
        }
        _ => {
            // It repeats what was typed, which a script may have from elsewhere.
            for line in text.to_string().lines() {
                console.complain(&format!("{}\n", escape(line)));
            }
            Exit::Trouble
        }
    }
}

/// Under the name of one of the two commands that administrators of a Host
/// Guardian Service know, the program acts as that subcommand.
fn with_subcommand(mut args: Vec<OsString>) -> Vec<OsString> {
    let called = args
        .first()
        .and_then(|program| Path::new(program).file_stem())
        .and_then(|stem| stem.to_str())
        .map(str::to_ascii_lowercase);
    if let Some(called @ ("get-platform-identifier" | "register-host")) = called.as_deref() {
        args.insert(1, called.into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Wider lines would be wrapped in the middle.
    #[test]
    fn examples_and_exit_codes_fit_into_the_width_of_the_help() {
        fn walk(command: &clap::Command, seen: &mut usize) {
            *seen += 1;
            let name = command.get_name();
            let text = command.get_after_help().expect(name).to_string();
            assert!(text.contains("Exit codes:"), "{name}");
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
            for below in command.get_subcommands() {
                walk(below, seen);
            }
        }
        let mut seen = 0;
        walk(&Cli::command(), &mut seen);
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn the_program_acts_as_the_command_it_is_called_by() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            with_subcommand(args(&["/usr/bin/register-host", "a.xml"])),
            args(&["/usr/bin/register-host", "register-host", "a.xml"])
        );
        assert_eq!(
            with_subcommand(args(&["Get-Platform-Identifier.exe"])),
            args(&["Get-Platform-Identifier.exe", "get-platform-identifier"])
        );
        assert_eq!(
            with_subcommand(args(&["endorse", "inspect"])),
            args(&["endorse", "inspect"])
        );
        assert_eq!(with_subcommand(args(&[])), args(&[]));
    }
}
