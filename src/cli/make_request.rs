//! `make-request`: a request for a certificate that fits a Host Guardian Service.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::check_certificate::role;
use super::console::Console;
use super::exit::Exit;
use super::input::to_file;
use crate::diagnose::bundle::secret_in;
use crate::diagnose::certificate::{
    CertificateRole, RequestKey, RequestPlan, SubjectPart, key_usage_in_words, parse_subject,
};
use crate::disk::{read_file, save, save_private};
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse make-request --role signing --subject 'CN=HGS Signing,O=Contoso' \\
    --new-key signing.key --output signing.csr
  endorse make-request --role signing --subject 'CN=HGS Signing,O=Contoso' \\
    --key signing.key --output renewal.csr
  endorse make-request --role tls --service-name hgs.bastion.test \\
    --format certreq --output tls.inf
  endorse make-request --role encryption --subject 'CN=HGS Encryption' \\
    --format openssl --output encryption.cnf

A renewal of a signing or encryption certificate has to keep the key (--key), or
shielded VMs do not start. A new key is written unencrypted, readable for its
owner only, and an old file is never written over. Nobody had a certreq at hand
to read what --format certreq writes: endorse check-certificate reads it.

Exit codes:
  0  the request is written
  2  wrong usage, or a file cannot be read or written";

/// The largest file with a private key, in octets; one of 16384 bits has 13 KiB.
const MAX_KEY_LEN: usize = 64 * 1024;

/// Options of `make-request`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct MakeRequest {
    /// What the certificate is for
    #[arg(long, value_parser = role())]
    role: CertificateRole,
    /// The subject: CN, O, OU, L, ST, C [default: CN is the first name of the service]
    #[arg(long, value_name = "NAME", value_parser = subject)]
    subject: Option<Subject>,
    /// A name under which hosts reach the service, or an address; may be repeated
    #[arg(long, value_name = "NAME")]
    service_name: Vec<String>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Csr)]
    format: Format,
    /// The length of a new key in bits
    #[arg(long, value_name = "BITS", default_value = "2048", value_parser = bits())]
    key_size: u16,
    /// Make a new key and write it to this file, which must not be there yet
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    new_key: Option<PathBuf>,
    /// Use the private key in this file: PEM, without encryption
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The key storage provider that certreq is to use [default: Microsoft Software Key Storage
    /// Provider]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Write to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A request (PKCS#10) in PEM
    Csr,
    /// A configuration for openssl req
    Openssl,
    /// A file for certreq of Windows
    Certreq,
}

impl Format {
    fn program(self) -> &'static str {
        match self {
            Self::Csr | Self::Openssl => "openssl",
            Self::Certreq => "certreq",
        }
    }
}

/// One option, so that clap does not take it for several.
#[derive(Clone, Debug)]
struct Subject(Vec<SubjectPart>);

fn subject(text: &str) -> Result<Subject, String> {
    parse_subject(text)
        .map(Subject)
        .map_err(|error| format!("{error}; {}", error.help))
}

fn bits() -> impl clap::builder::TypedValueParser<Value = u16> {
    PossibleValuesParser::new(["2048", "3072", "4096"]).try_map(|text| text.parse::<u16>())
}

#[derive(Serialize)]
struct JsonRequest {
    role: &'static str,
    format: &'static str,
    output: Option<String>,
    new_key: Option<String>,
    key_usage: String,
    /// What was written, if not to a file.
    text: Option<String>,
}

pub(super) fn run(args: &MakeRequest, console: &mut Console<'_>) -> Result<Exit, Error> {
    let subject = args.subject.clone().map(|subject| subject.0);
    let mut plan = RequestPlan::new(
        args.role,
        subject.unwrap_or_default(),
        args.service_name.clone(),
    )?
    .with_key_bits(args.key_size);
    if let Some(provider) = &args.provider {
        plan = plan.with_provider(provider)?;
    }
    let file = to_file(args.output.as_ref());
    if let Some(path) = file {
        keep_key(path, args)?;
    }
    let text = match args.format {
        Format::Csr => plan.to_pem(&key(args, console)?)?,
        Format::Openssl | Format::Certreq if args.key.is_some() || args.new_key.is_some() => {
            return Err(Error::misuse(
                "a configuration has no key in it",
                "leave out --key and --new-key; openssl and certreq make the key, or are told of \
                 the old one as the first lines of the configuration say",
            ));
        }
        Format::Openssl => plan.to_openssl()?,
        Format::Certreq => plan.to_certreq()?,
    };
    if let Some(path) = file {
        // A new key is there by now, and the same file may have two names.
        keep_key(path, args)?;
        save(path, text.as_bytes())?;
        let path = path.display();
        console.note(&match args.format {
            Format::Csr => format!("the request is in {path}"),
            Format::Openssl | Format::Certreq => format!(
                "what {} needs to make the request is in {path}; its first lines say how",
                args.format.program()
            ),
        });
    }
    if console.manner.json {
        let result = JsonRequest {
            role: args.role.as_str(),
            format: match args.format {
                Format::Csr => "csr",
                Format::Openssl => "openssl",
                Format::Certreq => "certreq",
            },
            output: file.map(|path| path.display().to_string()),
            new_key: args.new_key.as_ref().map(|path| path.display().to_string()),
            key_usage: key_usage_in_words(plan.key_usage()),
            text: file.is_none().then_some(text),
        };
        console.print(&super::json::document("make-request", &[result]));
    } else if file.is_none() {
        console.print(&text);
    }
    Ok(Exit::Done)
}

/// Refuses to write the request over a private key: over the one that signs it, by whatever
/// path, or over another.
fn keep_key(output: &Path, args: &MakeRequest) -> Result<(), Error> {
    // A file that is not there yet, a pipe and a device hold no key.
    let is_key = output.is_file()
        && read_file(output, MAX_KEY_LEN).is_ok_and(|bytes| secret_in(&bytes).is_some());
    if is_key || args.new_key.as_deref().is_some_and(|key| key == output) {
        return Err(Error::misuse(
            format!(
                "the request would be written over the private key {}",
                output.display()
            ),
            "name another file with --output",
        ));
    }
    Ok(())
}

/// The key that signs the request; a new one is on the disk before the request is made.
fn key(args: &MakeRequest, console: &mut Console<'_>) -> Result<RequestKey, Error> {
    if let Some(path) = &args.key {
        let bytes = read_file(path, MAX_KEY_LEN)?;
        let text = String::from_utf8_lossy(&bytes);
        return RequestKey::from_pem(&text);
    }
    let Some(path) = &args.new_key else {
        return Err(Error::misuse(
            "a request is signed with the key that the certificate is for, and none was named",
            "make one with --new-key FILE, or name the old one with --key FILE",
        ));
    };
    if path.exists() {
        return Err(there_already(path));
    }
    let key = RequestKey::generate(args.key_size)?;
    write_key(path, &key.to_pem())?;
    console.note(&format!(
        "the new private key is in {}, unencrypted",
        path.display()
    ));
    Ok(key)
}

fn there_already(path: &Path) -> Error {
    Error::environment(
        format!(
            "{} is there already, and a key is never written over",
            path.display()
        ),
        "name another file, or use the key in it with --key",
    )
}

/// Writes a new file that its owner alone may read. The name is taken first, so that nobody's
/// key is written over; under it the key is whole, or there is nothing yet.
fn write_key(path: &Path, pem: &str) -> Result<(), Error> {
    File::create_new(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there_already(path),
        _ => Error::environment(
            format!("cannot write {}: {error}", path.display()),
            "name a file in a directory that exists and that you may write to",
        ),
    })?;
    let written = save_private(path, pem.as_bytes());
    if written.is_err() {
        // An empty file would be in the way the next time.
        let _ = std::fs::remove_file(path);
    }
    written
}
