use std::path::PathBuf;

use clap::Args;

use super::super::network::NetworkArgs;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::options::TrustArgs;
use crate::finding::Error;

pub(super) const CRL_FETCH: &str = "store-crl-fetch";

/// Options of `store crl fetch`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store crl fetch --what-if
  endorse store crl fetch
  endorse store crl fetch identifiers/

Asks for the revocation lists that the CA certificates of the store and the
certificates in the FILEs name. Only known hosts of TPM vendors are asked, and
those named with --allow-host. What comes is kept if a CA of the store has
signed it that leads to a trusted root, and if it is no older than what is
there; it takes the place of older lists of the same CA about the same
certificates that revoke nothing which it does not.
Needs a build with the feature 'fetch'.

Exit codes:
  0  every list was got
  1  some was not got, or was refused
  2  wrong usage, or the store is damaged or cannot be written
  3  a file could not be read as what it should be")]
#[cfg_attr(
    not(feature = "fetch"),
    allow(dead_code, reason = "read where there is something to fetch with")
)]
pub(super) struct CrlFetch {
    /// Files, directories, or '-' for standard input, beside the certificates of the store
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Why, for the catalogue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

#[cfg(not(feature = "fetch"))]
pub(super) fn run(_: &CrlFetch, _: &mut Console<'_>) -> Result<Exit, Error> {
    Err(super::super::network::absent("store crl fetch"))
}

#[cfg(feature = "fetch")]
pub(super) use with_fetch::run;

#[cfg(feature = "fetch")]
mod with_fetch {
    use std::sync::Arc;

    use serde::Serialize;

    use super::super::super::network::{JsonPlanned, planned_line};
    use super::super::Arrival;
    use super::{CRL_FETCH, Console, CrlFetch, Error, Exit};
    use crate::catalogue::{Contents, Source};
    use crate::cli::console::Paint;
    use crate::cli::human::{Page, name_in_words};
    use crate::cli::input::for_each_input;
    use crate::cli::json::{self, JsonCrl, JsonError, JsonFinding, findings_of};
    use crate::cli::options::Trust;
    use crate::cli::report::report_unreadable;
    use crate::ek::Certificate;
    use crate::fetch::{
        Basis, CrlPoint, CrlReport, FetchedCrl, PlannedFetch, Repository, crl_points, fetch_crl,
        plan_crls, read_known,
    };
    use crate::identifier::Identifier;

    /// What came of one URL, or of an input that could not be read.
    #[derive(Debug, Default, Serialize)]
    struct JsonCrls {
        input: Option<String>,
        url: Option<String>,
        named_by: Option<JsonNamedBy>,
        outcome: &'static str,
        crls: Vec<JsonNewCrl>,
        planned: Option<JsonPlanned>,
        findings: Vec<JsonFinding>,
        error: Option<JsonError>,
    }

    #[derive(Debug, Serialize)]
    struct JsonNamedBy {
        sha256: String,
        subject: String,
    }

    /// A list that was got and is new.
    #[derive(Debug, Serialize)]
    struct JsonNewCrl {
        #[serde(flatten)]
        crl: JsonCrl,
        stale: bool,
        replaces: Vec<String>,
    }

    pub(in super::super) fn run(args: &CrlFetch, console: &mut Console<'_>) -> Result<Exit, Error> {
        let contents = args.trust.contents(console)?;
        let trust = args.trust.resolve_with(&contents, console)?;
        let repository = args.network.repository()?;
        let mut exit = Exit::Done;
        let mut results = Vec::new();
        let mut certificates = certificates_of(&trust);
        for_each_input(&args.files, console, |console, input| {
            let bytes = input.bytes.as_deref().map_err(Clone::clone);
            match bytes.and_then(Identifier::read) {
                Ok(identifier) => certificates.extend(
                    identifier
                        .ekcerts
                        .into_iter()
                        .map(|found| Arc::new(found.certificate)),
                ),
                Err(error) => {
                    exit = exit.and(Exit::from(&error));
                    report_unreadable(console, &input.name, &error);
                    results.push(JsonCrls {
                        input: Some(input.name),
                        outcome: "unreadable",
                        findings: findings_of(&error),
                        error: Some((&error).into()),
                        ..JsonCrls::default()
                    });
                }
            }
        });
        let points = crl_points(&certificates);
        if points.is_empty() {
            console.note("no certificate names a revocation list");
        }
        let all_well = if args.network.what_if {
            plan(&repository, &points, &mut results, console)
        } else {
            fetch(
                args,
                repository,
                &points,
                (&trust, &contents),
                &mut results,
                console,
            )?
        };
        if !all_well {
            exit = exit.and(Exit::Rejected);
        }
        if console.manner.json {
            console.print(&json::document(CRL_FETCH, &results));
        }
        Ok(exit)
    }

    /// Those of the stores, with the embedded ones.
    fn certificates_of(trust: &Trust) -> Vec<Arc<Certificate>> {
        let stored = trust.store.roots().chain(trust.store.intermediates());
        stored
            .map(|(certificate, _)| Arc::new(certificate.clone()))
            .collect()
    }

    /// Whether all of them would be asked for.
    fn plan(
        repository: &Repository,
        points: &[CrlPoint],
        results: &mut Vec<JsonCrls>,
        console: &mut Console<'_>,
    ) -> bool {
        let planned = plan_crls(repository, points);
        for (planned, point) in planned.iter().zip(points) {
            let outcome = match planned.decision {
                Ok(_) => "would-ask",
                Err(_) => "would-not-ask",
            };
            if console.manner.json {
                results.push(JsonCrls {
                    planned: Some(planned.into()),
                    ..JsonCrls::of_point(point, outcome)
                });
            } else if !console.manner.quiet {
                let page = page_of_plan(point, planned, outcome, console);
                console.print(&page);
            }
        }
        planned.iter().all(|planned| planned.decision.is_ok())
    }

    /// Whether all of them came and are in the store.
    fn fetch(
        args: &CrlFetch,
        mut repository: Repository,
        points: &[CrlPoint],
        (trust, contents): (&Trust, &Contents),
        results: &mut Vec<JsonCrls>,
        console: &mut Console<'_>,
    ) -> Result<bool, Error> {
        let basis = Basis {
            store: &trust.store,
            policy: &trust.policy,
            at: trust.at,
        };
        let mut there = read_known(contents.crls.iter().map(|stored| &stored.bytes));
        let mut new: Vec<(FetchedCrl, &CrlPoint)> = Vec::new();
        let mut all_well = true;
        for point in points {
            let report = fetch_crl(&mut repository, basis, &there, point);
            all_well &= report.findings.is_empty();
            // The next is compared with these as well.
            there.extend(report.new.iter().map(|fetched| fetched.crl().clone()));
            new.extend(report.new.iter().cloned().map(|fetched| (fetched, point)));
            if console.manner.json {
                results.push(JsonCrls::of_report(point, &report));
            } else if !console.manner.quiet || !report.findings.is_empty() {
                let page = page_of_report(point, &report, console);
                console.print(&page);
            }
        }
        if new.is_empty() {
            return Ok(all_well);
        }
        let attribution = super::super::super::attribution("crl fetch", args.reason.as_deref())?;
        let directory = args.trust.directory();
        let arrivals: Vec<Arrival> = new
            .iter()
            .map(|(fetched, point)| Arrival {
                crl: fetched.crl().clone(),
                source: Source::Url(point.url.clone()),
                member: None,
            })
            .collect();
        super::super::take_in(&arrivals, trust, &directory, &attribution)?;
        if !console.manner.json && !console.manner.quiet {
            let mut page = Page::new(console.color());
            let how_many = match new.len() {
                1 => "1 revocation list".to_owned(),
                many => format!("{many} revocation lists"),
            };
            let store = directory.path().display().to_string();
            page.head(&store, Paint::Good, "ADDED", &how_many);
            console.print(&page.into_text());
        }
        Ok(all_well)
    }

    fn outcome(report: &CrlReport) -> (&'static str, Paint) {
        if !report.findings.is_empty() {
            ("failed", Paint::Bad)
        } else if report.new.is_empty() {
            ("unchanged", Paint::Good)
        } else {
            ("new", Paint::Good)
        }
    }

    impl JsonCrls {
        fn of_point(point: &CrlPoint, outcome: &'static str) -> Self {
            Self {
                url: Some(point.url.clone()),
                named_by: Some(JsonNamedBy {
                    sha256: point.named_by.sha256().to_string(),
                    subject: point.named_by.subject().to_string(),
                }),
                outcome,
                ..Self::default()
            }
        }

        fn of_report(point: &CrlPoint, report: &CrlReport) -> Self {
            let new = report.new.iter();
            Self {
                crls: new
                    .map(|fetched| JsonNewCrl {
                        crl: JsonCrl::from(fetched.crl()),
                        stale: fetched.is_stale(),
                        replaces: fetched.replaces().iter().map(ToString::to_string).collect(),
                    })
                    .collect(),
                findings: report.findings.iter().map(JsonFinding::from).collect(),
                ..Self::of_point(point, outcome(report).0)
            }
        }
    }

    fn page_of_report(point: &CrlPoint, report: &CrlReport, console: &Console<'_>) -> String {
        let mut page = Page::new(console.color());
        let (word, paint) = outcome(report);
        page.head(&point.url, paint, &word.to_uppercase(), "");
        page.field(1, "named by", &name_in_words(point.named_by.subject()));
        for fetched in &report.new {
            let crl = fetched.crl();
            page.field(1, "issuer", &name_in_words(crl.issuer()));
            page.field(1, "issued", &crl.this_update().to_string());
            let next = crl.next_update().map(|time| match fetched.is_stale() {
                true => format!("{time}, which is past: the vendor is late"),
                false => time.to_string(),
            });
            page.optional(1, "next", next.as_deref());
            for replaced in fetched.replaces() {
                page.field(1, "replaces", &replaced.to_string());
            }
        }
        for finding in &report.findings {
            page.finding(1, finding);
        }
        page.into_text()
    }

    fn page_of_plan(
        point: &CrlPoint,
        planned: &PlannedFetch,
        outcome: &str,
        console: &Console<'_>,
    ) -> String {
        let mut page = Page::new(console.color());
        let paint = match planned.decision {
            Ok(_) => Paint::Strong,
            Err(_) => Paint::Careful,
        };
        page.head(
            &point.url,
            paint,
            &outcome.replace('-', " ").to_uppercase(),
            "",
        );
        page.field(1, "named by", &name_in_words(point.named_by.subject()));
        planned_line(&mut page, planned);
        page.into_text()
    }
}
