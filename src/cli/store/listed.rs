use std::collections::BTreeSet;

use clap::Args;

use super::json::JsonStored;
use super::select::{SelectArgs, by_digest};
use crate::catalogue::{Contents, PackageSignature, Record, Source, StoredCertificate};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::{Page, table};
use crate::cli::json;
use crate::cli::options::StoreArgs;
use crate::finding::Error;
use crate::hash::hex;
use crate::trust::Pool;

pub(super) const LIST: &str = "store-list";
pub(super) const SHOW: &str = "store-show";

/// Options of `store list`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store list
  endorse store list --vendor Infineon --pool root
  endorse store list --json

The roots embedded in this program are no part of the store.

Exit codes:
  0  done, even if the store is empty
  2  wrong usage, or the store is missing or damaged")]
pub(super) struct List {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `store show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store show 5f3a9c01
  endorse store show 0DD6D4D4F46C0C7C2671962C4D361D607E370940

Exit codes:
  0  done
  2  wrong usage, no such certificate, or the store is missing or damaged")]
pub(super) struct Show {
    /// Start (8 digits or more) of the certificate's SHA-256 or SHA-1 thumbprint
    #[arg(value_name = "DIGEST")]
    digest: String,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn list(args: &List, console: &mut Console<'_>) -> Result<Exit, Error> {
    let contents = args.store.read(console)?;
    let mut selected: Vec<&StoredCertificate> = contents
        .certificates
        .iter()
        .filter(|stored| args.select.takes(stored))
        .collect();
    selected.sort_by_cached_key(|stored| {
        (
            stored.vendor.clone(),
            stored.pool,
            stored.certificate.subject().to_string(),
            stored.certificate.sha256(),
        )
    });
    if console.manner.json {
        let results: Vec<_> = selected.into_iter().map(JsonStored::from).collect();
        console.print(&json::document(LIST, &results));
    } else if selected.is_empty() {
        console.note(&none_selected(&contents));
    } else {
        let head = [
            "VENDOR",
            "STORE",
            "PURPOSE",
            "SHA-256",
            "VALID UNTIL",
            "KEY",
            "FROM",
            "SUBJECT",
        ];
        let rows: Vec<_> = selected.into_iter().map(row).collect();
        console.print(&table(&head, &rows));
    }
    Ok(Exit::Done)
}

/// That no certificate is as asked for, and what there is instead.
pub(super) fn none_selected(contents: &Contents) -> String {
    let vendors: BTreeSet<&str> = contents
        .certificates
        .iter()
        .filter_map(|stored| stored.vendor.as_deref())
        .collect();
    let vendors: Vec<&str> = vendors.into_iter().collect();
    match (contents.certificates.len(), vendors.is_empty()) {
        (0, _) => "no certificate".to_owned(),
        (number, true) => format!("no such certificate among the {number} of the store"),
        (number, false) => format!(
            "no such certificate among the {number} of the store; its vendors are {}",
            vendors.join(", ")
        ),
    }
}

fn row(stored: &StoredCertificate) -> Vec<String> {
    /// Digits that are shown: enough to name it with.
    const SHOWN: usize = 16;
    let certificate = &stored.certificate;
    let digest: String = certificate
        .sha256()
        .to_string()
        .chars()
        .take(SHOWN)
        .collect();
    let until = certificate.not_after().to_string();
    vec![
        stored.vendor.clone().unwrap_or_else(|| "-".to_owned()),
        stored.pool.as_str().to_owned(),
        stored.purpose.as_str().to_owned(),
        digest,
        until.split('T').next().unwrap_or_default().to_owned(),
        certificate
            .key_algorithm()
            .map_or_else(|| "other".to_owned(), |key| key.to_string()),
        match stored.record.as_ref().map(|record| &record.source) {
            None => "by hand",
            Some(Source::Package {
                signature: Some(_), ..
            }) => "package",
            Some(Source::Package { .. }) => "UNSIGNED",
            Some(Source::File { .. }) => "file",
            Some(Source::Url(_)) => "url",
        }
        .to_owned(),
        certificate.subject().to_string(),
    ]
}

pub(super) fn show(args: &Show, console: &mut Console<'_>) -> Result<Exit, Error> {
    let contents = args.store.read(console)?;
    let found = by_digest(&contents, &args.digest)?;
    if console.manner.json {
        let results: Vec<_> = found.into_iter().map(JsonStored::from).collect();
        console.print(&json::document(SHOW, &results));
        return Ok(Exit::Done);
    }
    let mut page = Page::new(console.color());
    for stored in found {
        describe(&mut page, stored);
    }
    console.print(&page.into_text());
    Ok(Exit::Done)
}

fn describe(page: &mut Page, stored: &StoredCertificate) {
    let certificate = &stored.certificate;
    let word = match stored.pool {
        Pool::Root => "ROOT",
        Pool::Intermediate => "INTERMEDIATE",
    };
    page.head(
        &certificate.subject().to_string(),
        Paint::Strong,
        word,
        &format!("in {}", stored.pool.store_name()),
    );
    page.field(1, "SHA-256", &certificate.sha256().to_string());
    page.field(
        1,
        "thumbprint",
        &certificate.thumbprint_sha1().to_string().to_uppercase(),
    );
    page.field(1, "issuer", &certificate.issuer().to_string());
    page.field(1, "serial", &hex(certificate.serial()));
    page.field(
        1,
        "valid",
        &format!(
            "{} to {}",
            certificate.not_before(),
            certificate.not_after()
        ),
    );
    page.optional(
        1,
        "key",
        certificate
            .key_algorithm()
            .map(|key| key.to_string())
            .as_deref(),
    );
    page.optional(1, "vendor", stored.vendor.as_deref());
    page.field(1, "purpose", stored.purpose.as_str());
    match &stored.record {
        None => page.field(
            1,
            "from",
            "put there by hand: nothing is recorded of where it came from",
        ),
        Some(record) => provenance(page, record),
    }
    page.field(1, "file", &stored.path.display().to_string());
}

/// Where something came from, in a line.
pub(super) fn source_line(source: &Source) -> String {
    match source {
        Source::Package { name, sha256, .. } => format!("package {name} (SHA-256 {sha256})"),
        Source::File { path, sha256 } => format!("file {path} (SHA-256 {sha256})"),
        Source::Url(url) => url.clone(),
    }
}

/// Where something came from.
pub(super) fn provenance(page: &mut Page, record: &Record) {
    page.field(1, "from", &source_line(&record.source));
    if let Source::Package {
        edition, signature, ..
    } = &record.source
    {
        page.optional(1, "edition", edition.as_deref());
        page.field(1, "signed", &signed(signature.as_ref()));
    }
    page.optional(1, "member", record.member.as_deref());
    page.field(
        1,
        "added",
        &format!("{} by {}", record.added_at, record.added_by),
    );
    page.optional(1, "reason", record.reason.as_deref());
}

/// Who signed a package, or that nobody is known to have.
pub(super) fn signed(signature: Option<&PackageSignature>) -> String {
    let Some(signature) = signature else {
        return "NOT VERIFIED: --allow-unsigned was given".to_owned();
    };
    match signature.signed_at {
        Some(time) => format!("{time} by {}", signature.signer),
        None => format!("by {}, without a time stamp", signature.signer),
    }
}
