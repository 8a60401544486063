use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::{Page, name_in_words};
use crate::cli::input::{Input, for_each_input};
use crate::cli::json::{self, JsonError};
use crate::diagnose::Basis;
use crate::diagnose::attestation::{self, DUMP_KEY_SOURCE, dump_key};
use crate::ek::Certificate;
use crate::finding::Error;
use crate::hash::hex;
use crate::trust::read_certificates;

pub(super) const SCHEMA: &str = "attestation-policy-dump-key";

/// Options of `attestation-policy dump-key`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse attestation-policy dump-key dumps.cer
  endorse attestation-policy dump-key dumps.cer --json | jq -r .results[].hash

A host names the key that its memory dumps are encrypted for in its registry,
as a BCRYPT_RSAKEY_BLOB, and the hash is the SHA-256 of that.

Exit codes:
  0  done
  1  a key is not RSA with 2048 bits
  2  wrong usage, or a file cannot be read
  3  a file holds no certificate")]
pub(super) struct DumpKey {
    /// Certificates in DER, PEM or PKCS#7, or '-' for standard input
    #[arg(value_name = "CERT", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct JsonDumpKey {
    input: String,
    subject: Option<String>,
    thumbprint_sha1: Option<String>,
    hash: Option<String>,
    hash_of: &'static str,
    basis: &'static str,
    source: &'static str,
    public_key_blob: Option<String>,
    not_to_be_mistaken_for: Vec<JsonOther>,
    error: Option<JsonError>,
}

#[derive(Serialize)]
struct JsonOther {
    hash_of: &'static str,
    hash: String,
}

pub(super) fn run(args: &DumpKey, console: &mut Console<'_>) -> Exit {
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| {
        for (certificate, result) in keys(&input) {
            match &result {
                Ok(key) if !console.manner.json => {
                    let page = page(&input.name, certificate.as_ref(), key, console);
                    console.print(&page);
                }
                Ok(_) => {}
                Err(error) => {
                    exit = exit.and(Exit::from(error));
                    console.error(&Error {
                        message: format!("{}: {}", input.name, error.message),
                        ..error.clone()
                    });
                }
            }
            results.push(json_key(&input.name, certificate.as_ref(), result));
        }
    });
    if console.manner.json {
        console.print(&json::document(SCHEMA, &results));
    }
    exit
}

type Keyed = (Option<Certificate>, Result<attestation::DumpKey, Error>);

fn keys(input: &Input) -> Vec<Keyed> {
    let bytes = input.bytes.as_deref().map_err(Clone::clone);
    match bytes.and_then(read_certificates) {
        Ok(certificates) => certificates
            .into_iter()
            .map(|certificate| {
                let key = dump_key(&certificate);
                (Some(certificate), key)
            })
            .collect(),
        Err(error) => vec![(None, Err(error))],
    }
}

fn page(
    input: &str,
    certificate: Option<&Certificate>,
    key: &attestation::DumpKey,
    console: &Console<'_>,
) -> String {
    let mut page = Page::new(console.color());
    // As Microsoft's script prints it.
    let hash = key.hash.to_string().to_uppercase();
    page.head(input, Paint::Strong, &hash, "");
    if let Some(certificate) = certificate {
        page.field(1, "subject", &name_in_words(certificate.subject()));
        let thumbprint = certificate.thumbprint_sha1().to_string();
        page.field(1, "thumbprint", &thumbprint.to_uppercase());
    }
    page.field(1, "SHA-256 of", "the key as BCRYPT_RSAKEY_BLOB");
    page.field(
        1,
        "basis",
        &format!("{}: {DUMP_KEY_SOURCE}", Basis::Documented.as_str()),
    );
    for (what, other) in &key.others {
        page.field(1, "not", &format!("{other}, which is that of {what}"));
    }
    page.line(1, ">>> on the service:");
    page.line(
        1,
        &format!(">>> PS> Add-HgsAttestationDumpPolicy -Name 'NAME' -PublicKeyHash '{hash}'"),
    );
    page.into_text()
}

fn json_key(
    input: &str,
    certificate: Option<&Certificate>,
    result: Result<attestation::DumpKey, Error>,
) -> JsonDumpKey {
    let key = result.as_ref().ok();
    let others = key.iter().flat_map(|key| &key.others);
    JsonDumpKey {
        input: input.to_owned(),
        subject: certificate.map(|certificate| certificate.subject().to_string()),
        thumbprint_sha1: certificate.map(|certificate| certificate.thumbprint_sha1().to_string()),
        hash: key.map(|key| key.hash.to_string()),
        hash_of: "BCRYPT_RSAKEY_BLOB",
        basis: Basis::Documented.as_str(),
        source: DUMP_KEY_SOURCE,
        public_key_blob: key.map(|key| hex(&key.blob)),
        not_to_be_mistaken_for: others
            .map(|(hash_of, hash)| JsonOther {
                hash_of,
                hash: hash.to_string(),
            })
            .collect(),
        error: result.as_ref().err().map(JsonError::from),
    }
}
