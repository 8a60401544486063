//! All revocation lists of a store in one file.

use std::path::PathBuf;

use base64::Engine as _;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::listed::read_all;
use crate::catalogue::Source;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::input::to_file;
use crate::cli::options::{StoreArgs, now};
use crate::der::decode_base64;
use crate::disk::save;
use crate::finding::{Code, Error};
use crate::trust::Crl;

pub(super) const EXPORT: &str = "store-crl-export";

/// Names the form of the file.
const SCHEMA: &str = "endorse.crls/1";

/// The largest such file that is read, in octets: a hundred lists of 2 MiB.
pub(super) const MAX_PACK_LEN: usize = 256 * 1024 * 1024;

/// Options of `store crl export`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store crl export > crls.json
  endorse store crl export --output crls.json

The file needs no protection on its way: each list is signed by its CA, and
'import' verifies that against the store it goes into.

Exit codes:
  0  done
  2  wrong usage, or the store is missing or damaged")]
pub(super) struct Export {
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    schema: String,
    exported_at: String,
    crls: Vec<Packed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Packed {
    sha256: String,
    issuer: String,
    this_update: String,
    next_update: Option<String>,
    /// Where it was fetched, if it was.
    url: Option<String>,
    /// In base64.
    der: String,
}

pub(super) fn export(args: &Export, console: &mut Console<'_>) -> Result<Exit, Error> {
    let contents = args.store.read(console)?;
    let crls = read_all(&contents, console)
        .into_iter()
        .map(|(stored, crl)| Packed {
            sha256: crl.sha256().to_string(),
            issuer: crl.issuer().to_string(),
            this_update: crl.this_update().to_string(),
            next_update: crl.next_update().map(|time| time.to_string()),
            url: match stored.record.as_ref().map(|record| &record.source) {
                Some(Source::Url(url)) => Some(url.clone()),
                _ => None,
            },
            der: base64::engine::general_purpose::STANDARD.encode(crl.der()),
        })
        .collect();
    let pack = Pack {
        schema: SCHEMA.to_owned(),
        exported_at: now()?.to_string(),
        crls,
    };
    // Only a map with keys that are no strings could fail here, and there is none.
    let mut text = serde_json::to_string_pretty(&pack).unwrap_or_default();
    text.push('\n');
    match to_file(args.output.as_ref()) {
        None => console.print(&text),
        Some(path) => save(path, text.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// The lists in such a file, each with where it was fetched. All else in it is for people:
/// what a list is shows in itself.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(Crl, Option<String>)>, Error> {
    let malformed = |what: String| {
        Error::malformed(
            Code::CrlMalformed,
            what,
            "name a CRL in DER or PEM, or a file that 'endorse store crl export' wrote",
        )
    };
    let pack: Pack = serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("it is no file of revocation lists: {error}")))?;
    if pack.schema != SCHEMA {
        return Err(malformed(format!(
            "it says that it is '{}', not '{SCHEMA}'",
            pack.schema
        )));
    }
    pack.crls
        .into_iter()
        .map(|packed| {
            let der = decode_base64(&packed.der)
                .map_err(|error| malformed(format!("a list is not base64: {error}")))?;
            Ok((Crl::from_der(der)?, packed.url))
        })
        .collect()
}
