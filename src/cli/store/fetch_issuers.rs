use std::path::PathBuf;

use clap::Args;

use super::network::NetworkArgs;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::options::TrustArgs;
use crate::finding::Error;

pub(super) const FETCH_ISSUERS: &str = "store-fetch-issuers";

/// Options of `store fetch-issuers`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store fetch-issuers --what-if hyp01.xml
  endorse store fetch-issuers hyp01.xml ek.der
  endorse store fetch-issuers --allow-host mirror.example:8080 identifiers/

Where the issuer of an EKcert is not in the stores, it is asked for under the
URL in the certificate, step by step up to a root. That URL is nobody's word, so
only known hosts of TPM vendors are asked, and those named with --allow-host.
What comes is put into TrustedTPM_IntermediateCA if it has signed the
certificate below it and leads to a root that is trusted already. A root that
comes is shown, never added. The request tells the vendor who asks for which CA,
and nothing of the host.
Needs a build with the feature 'fetch'.

Exit codes:
  0  every certificate leads to a root now
  1  some does not: an issuer was not got, or was refused
  2  wrong usage, or the store is damaged or cannot be written
  3  a file could not be read as what it should be")]
#[cfg_attr(
    not(feature = "fetch"),
    allow(dead_code, reason = "read where there is something to fetch with")
)]
pub(super) struct FetchIssuers {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
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
pub(super) fn run(_: &FetchIssuers, _: &mut Console<'_>) -> Result<Exit, Error> {
    Err(super::network::absent("store fetch-issuers"))
}

#[cfg(feature = "fetch")]
pub(super) use with_fetch::run;

#[cfg(feature = "fetch")]
mod with_fetch {
    use std::sync::Arc;

    use serde::Serialize;

    use super::super::network::{JsonPlanned, planned_line};
    use super::{Console, Error, Exit, FETCH_ISSUERS, FetchIssuers};
    use crate::catalogue::{Candidate, Contents, Source};
    use crate::cli::console::Paint;
    use crate::cli::human::{Page, name_in_words};
    use crate::cli::input::{Input, for_each_input};
    use crate::cli::json::{self, JsonError, JsonFinding, findings_of};
    use crate::cli::options::Trust;
    use crate::cli::report::report_unreadable;
    use crate::ek::Certificate;
    use crate::fetch::{
        Basis, FetchedIssuer, IssuerFetcher, IssuerOutcome, IssuerPlan, IssuerReport, OfferedRoot,
    };
    use crate::finding::{Code, Finding};
    use crate::identifier::Identifier;
    use crate::trust::{Origin, Pool, Purpose};

    /// What came of one certificate of an input.
    #[derive(Debug, Serialize)]
    struct JsonFetched {
        input: String,
        certificate: Option<JsonCertificate>,
        outcome: &'static str,
        issuers: Vec<JsonCertificate>,
        roots: Vec<JsonRoot>,
        planned: Vec<JsonPlanned>,
        contacted: Vec<String>,
        findings: Vec<JsonFinding>,
        error: Option<JsonError>,
    }

    #[derive(Debug, Serialize)]
    struct JsonCertificate {
        sha256: String,
        subject: String,
        issuer: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    }

    #[derive(Debug, Serialize)]
    struct JsonRoot {
        #[serde(flatten)]
        certificate: JsonCertificate,
        is_issuer: bool,
    }

    /// The run so far.
    struct Run<'a> {
        args: &'a FetchIssuers,
        trust: Trust,
        contents: Contents,
        fetcher: IssuerFetcher,
        exit: Exit,
        /// What is to be put into the store, each once.
        issuers: Vec<FetchedIssuer>,
        results: Vec<JsonFetched>,
    }

    pub(in super::super) fn run(
        args: &FetchIssuers,
        console: &mut Console<'_>,
    ) -> Result<Exit, Error> {
        let contents = args.trust.contents(console)?;
        let mut run = Run {
            args,
            trust: args.trust.resolve_with(&contents, console)?,
            contents,
            fetcher: IssuerFetcher::new(args.network.repository()?),
            exit: Exit::Done,
            issuers: Vec::new(),
            results: Vec::new(),
        };
        for_each_input(&args.files, console, |console, input| {
            run.input(&input, console);
        });
        run.put_into_store(console)?;
        if console.manner.json {
            console.print(&json::document(FETCH_ISSUERS, &run.results));
        }
        Ok(run.exit)
    }

    impl Run<'_> {
        fn input(&mut self, input: &Input, console: &mut Console<'_>) {
            let bytes = input.bytes.as_deref().map_err(Clone::clone);
            let identifier = match bytes.and_then(Identifier::read) {
                Ok(identifier) => identifier,
                Err(error) => return self.unreadable(&input.name, &error, console),
            };
            let certificates: Vec<_> = identifier
                .ekcerts
                .into_iter()
                .map(|found| Arc::new(found.certificate))
                .collect();
            let (cas, leaves): (Vec<_>, Vec<_>) = certificates
                .into_iter()
                .partition(|certificate| certificate.is_ca());
            // A file of CAs alone is about these.
            let (wanted, beside) = if leaves.is_empty() {
                (cas, Vec::new())
            } else {
                (leaves, cas)
            };
            if wanted.is_empty() {
                self.without_certificate(&input.name, console);
            }
            for certificate in wanted {
                if self.args.network.what_if {
                    self.plan(&input.name, &certificate, &beside, console);
                } else {
                    self.fetch(&input.name, &certificate, &beside, console);
                }
            }
        }

        fn fetch(
            &mut self,
            name: &str,
            certificate: &Arc<Certificate>,
            beside: &[Arc<Certificate>],
            console: &mut Console<'_>,
        ) {
            let before = self.fetcher.contacted().len();
            let basis = basis(&self.trust);
            let report = self.fetcher.fetch(basis, certificate, beside);
            let contacted = self.fetcher.contacted().get(before..).unwrap_or_default();
            if report.outcome == IssuerOutcome::Incomplete {
                self.exit = self.exit.and(Exit::Rejected);
            }
            for issuer in &report.issuers {
                let digest = issuer.certificate().sha256();
                let mut known = self.issuers.iter();
                if !known.any(|known| known.certificate().sha256() == digest) {
                    self.issuers.push(issuer.clone());
                }
            }
            if console.manner.json {
                self.results
                    .push(JsonFetched::of_report(name, &report, contacted));
            } else if !console.manner.quiet || report.outcome == IssuerOutcome::Incomplete {
                let page = page_of_report(name, &report, contacted, console);
                console.print(&page);
            }
        }

        fn plan(
            &mut self,
            name: &str,
            certificate: &Arc<Certificate>,
            beside: &[Arc<Certificate>],
            console: &mut Console<'_>,
        ) {
            let plan = self.fetcher.plan(basis(&self.trust), certificate, beside);
            let can_ask = plan.fetches.iter().any(|fetch| fetch.decision.is_ok());
            let (outcome, paint) = if plan.is_complete() {
                ("nothing-missing", Paint::Good)
            } else if can_ask {
                ("would-ask", Paint::Strong)
            } else {
                self.exit = self.exit.and(Exit::Rejected);
                ("nobody-to-ask", Paint::Bad)
            };
            if console.manner.json {
                self.results.push(JsonFetched {
                    planned: plan.fetches.iter().map(JsonPlanned::from).collect(),
                    findings: plan.findings.iter().map(JsonFinding::from).collect(),
                    ..JsonFetched::new(name, Some(certificate), outcome)
                });
            } else if !console.manner.quiet {
                let page = page_of_plan(name, certificate, (outcome, paint), &plan, console);
                console.print(&page);
            }
        }

        fn without_certificate(&mut self, name: &str, console: &mut Console<'_>) {
            self.exit = self.exit.and(Exit::Rejected);
            let finding = Finding::new(
                Code::EkcertMissing,
                "there is no certificate in it, so nothing says who issued one",
                "make the identifier again as administrator, or with --fetch-ekcert",
            );
            if console.manner.json {
                self.results.push(JsonFetched {
                    findings: vec![JsonFinding::from(&finding)],
                    ..JsonFetched::new(name, None, "incomplete")
                });
            } else {
                let mut page = Page::new(console.color());
                page.head(name, Paint::Bad, "INCOMPLETE", "");
                page.finding(1, &finding);
                console.print(&page.into_text());
            }
        }

        fn unreadable(&mut self, name: &str, error: &Error, console: &mut Console<'_>) {
            self.exit = self.exit.and(Exit::from(error));
            report_unreadable(console, name, error);
            if console.manner.json {
                self.results.push(JsonFetched {
                    findings: findings_of(error),
                    error: Some(error.into()),
                    ..JsonFetched::new(name, None, "unreadable")
                });
            }
        }

        /// All that was fetched, at once.
        fn put_into_store(&self, console: &mut Console<'_>) -> Result<(), Error> {
            if self.issuers.is_empty() {
                return Ok(());
            }
            let attribution =
                super::super::attribution("fetch-issuers", self.args.reason.as_deref())?;
            let directory = self.args.trust.directory();
            directory.change(&attribution, |change| {
                for issuer in &self.issuers {
                    change.add(&Candidate {
                        certificate: Arc::clone(issuer.certificate()),
                        pool: Pool::Intermediate,
                        vendor: self.vendor_of(issuer),
                        purpose: Purpose::of(issuer.certificate()),
                        source: Source::Url(issuer.url().to_owned()),
                        member: None,
                    });
                }
                Ok(())
            })?;
            if !console.manner.json && !console.manner.quiet {
                let mut page = Page::new(console.color());
                let how_many = match self.issuers.len() {
                    1 => "1 certificate".to_owned(),
                    many => format!("{many} certificates"),
                };
                let store = directory.path().display().to_string();
                page.head(&store, Paint::Good, "ADDED", &how_many);
                console.print(&page.into_text());
            }
            Ok(())
        }

        /// Whose the anchor is.
        fn vendor_of(&self, issuer: &FetchedIssuer) -> Option<String> {
            if let Origin::Embedded(vendor) = issuer.path().anchor_origin() {
                return Some((*vendor).to_owned());
            }
            let anchor = issuer.path().certificates().last()?.sha256();
            let mut stored = self.contents.certificates.iter();
            let stored = stored.find(|stored| stored.certificate.sha256() == anchor)?;
            stored.vendor.clone()
        }
    }

    fn basis(trust: &Trust) -> Basis<'_> {
        Basis {
            store: &trust.store,
            policy: &trust.policy,
            at: trust.at,
        }
    }

    fn outcome(report: &IssuerReport) -> (&'static str, Paint) {
        match report.outcome {
            IssuerOutcome::Complete => ("nothing-missing", Paint::Good),
            IssuerOutcome::Completed => ("fetched", Paint::Good),
            IssuerOutcome::Incomplete => ("incomplete", Paint::Bad),
        }
    }

    impl JsonFetched {
        fn new(name: &str, certificate: Option<&Certificate>, outcome: &'static str) -> Self {
            Self {
                input: name.to_owned(),
                certificate: certificate.map(|certificate| JsonCertificate::new(certificate, None)),
                outcome,
                issuers: Vec::new(),
                roots: Vec::new(),
                planned: Vec::new(),
                contacted: Vec::new(),
                findings: Vec::new(),
                error: None,
            }
        }

        fn of_report(name: &str, report: &IssuerReport, contacted: &[String]) -> Self {
            let issuers = report.issuers.iter();
            Self {
                issuers: issuers
                    .map(|issuer| JsonCertificate::new(issuer.certificate(), Some(issuer.url())))
                    .collect(),
                roots: report.roots.iter().map(JsonRoot::from).collect(),
                contacted: contacted.to_vec(),
                findings: report.findings.iter().map(JsonFinding::from).collect(),
                ..Self::new(name, Some(&report.certificate), outcome(report).0)
            }
        }
    }

    impl JsonCertificate {
        fn new(certificate: &Certificate, url: Option<&str>) -> Self {
            Self {
                sha256: certificate.sha256().to_string(),
                subject: certificate.subject().to_string(),
                issuer: certificate.issuer().to_string(),
                url: url.map(str::to_owned),
            }
        }
    }

    impl From<&OfferedRoot> for JsonRoot {
        fn from(root: &OfferedRoot) -> Self {
            Self {
                certificate: JsonCertificate::new(&root.certificate, Some(&root.url)),
                is_issuer: root.is_issuer,
            }
        }
    }

    fn head(page: &mut Page, name: &str, certificate: &Certificate, (word, paint): (&str, Paint)) {
        let word = word.replace('-', " ").to_uppercase();
        page.head(name, paint, &word, "");
        page.field(1, "certificate", &name_in_words(certificate.subject()));
        page.field(1, "issuer", &name_in_words(certificate.issuer()));
    }

    fn page_of_report(
        name: &str,
        report: &IssuerReport,
        contacted: &[String],
        console: &Console<'_>,
    ) -> String {
        let mut page = Page::new(console.color());
        head(&mut page, name, &report.certificate, outcome(report));
        for url in contacted {
            page.field(1, "asked", url);
        }
        for issuer in &report.issuers {
            let certificate = issuer.certificate();
            let text = format!(
                "{} {}",
                certificate.sha256(),
                name_in_words(certificate.subject())
            );
            page.field(1, "fetched", &text);
        }
        for finding in &report.findings {
            page.finding(1, finding);
        }
        page.into_text()
    }

    fn page_of_plan(
        name: &str,
        certificate: &Certificate,
        outcome: (&str, Paint),
        plan: &IssuerPlan,
        console: &Console<'_>,
    ) -> String {
        let mut page = Page::new(console.color());
        head(&mut page, name, certificate, outcome);
        for fetch in &plan.fetches {
            planned_line(&mut page, fetch);
        }
        for finding in &plan.findings {
            page.finding(1, finding);
        }
        page.into_text()
    }
}
