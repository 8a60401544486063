use std::collections::HashMap;
use std::sync::Arc;

use super::Repository;
use super::ascent::{Ascent, Basis, Progress, Unfit};
use super::explain::quote;
use crate::ek::Certificate;
use crate::finding::{Code, Error, Finding};
use crate::hash::{Sha256Digest, hex};
use crate::trust::{VerifiedPath, read_certificates};

/// The largest certificate that is fetched, in bytes. Those of TPM vendors' CAs have up
/// to 3 KiB.
pub const MAX_CERTIFICATE_LEN: usize = 64 * 1024;

const BY_HAND: &str = "get the issuer's certificate from the vendor of the TPM, compare its fingerprint with \
     the vendor's, and add it: endorse store add --intermediate ISSUER, or --root if it is a root";

/// The largest bundle of certificates (a URL that ends in .p7c or .p7b), in bytes.
pub const MAX_BUNDLE_LEN: usize = 256 * 1024;

/// The most certificates of one reply. A bundle is the way to one root, or to two.
pub const MAX_CERTIFICATES_IN_REPLY: usize = 16;

/// The most URLs of one certificate that are looked at. Genuine ones have one or two.
pub const MAX_URLS: usize = 16;

/// The most URLs of one certificate that are asked for.
pub const MAX_URLS_ASKED: usize = 4;

/// The most issuers above one another that are fetched. Intel's on-die chains, the
/// longest, have six between EKcert and root.
pub const MAX_ISSUERS: usize = 8;

/// How a look for issuers ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerOutcome {
    /// None was missing.
    Complete,
    /// They were fetched, and lead to an anchor of the store.
    Completed,
    /// There is still no path to an anchor.
    Incomplete,
}

/// An issuer that was fetched, has signed the certificate below it, and leads to an
/// anchor of the store. Only [`IssuerFetcher::fetch`] makes one.
#[derive(Clone, Debug)]
pub struct FetchedIssuer {
    path: VerifiedPath,
    certificate: Arc<Certificate>,
    url: String,
}

impl FetchedIssuer {
    /// The certificate, as received.
    pub fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// Its own path to the anchor.
    pub fn path(&self) -> &VerifiedPath {
        &self.path
    }

    /// The URL in a certificate that led to it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A self-signed root that a server gave. It is not used.
#[derive(Clone, Debug)]
pub struct OfferedRoot {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// The URL that gave it.
    pub url: String,
    /// Whether it has signed the certificate that named the URL.
    pub is_issuer: bool,
}

/// What came of looking for the issuers of one certificate.
#[derive(Clone, Debug)]
pub struct IssuerReport {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// How it ended.
    pub outcome: IssuerOutcome,
    /// What was fetched and proven, the lowest first.
    pub issuers: Vec<FetchedIssuer>,
    /// Roots that were offered.
    pub roots: Vec<OfferedRoot>,
    /// What was not got and why, and what is still missing.
    pub findings: Vec<Finding>,
}

/// A URL that would be asked for, or why it would not.
#[derive(Clone, Debug)]
pub struct PlannedFetch {
    /// As it stands in the certificate.
    pub url: String,
    /// As it would be asked for.
    pub decision: Result<String, Error>,
}

/// What would be done for a certificate.
#[derive(Clone, Debug, Default)]
pub struct IssuerPlan {
    /// The URLs of the issuer that is missing first, if one is.
    pub fetches: Vec<PlannedFetch>,
    /// Why nobody can be asked: no URL is named, or the path fails for another reason.
    pub findings: Vec<Finding>,
}

impl IssuerPlan {
    /// Whether there is a path to an anchor already.
    pub fn is_complete(&self) -> bool {
        self.fetches.is_empty() && self.findings.is_empty()
    }
}

/// Fetches issuers for a run; no URL is asked for twice.
#[derive(Debug)]
pub struct IssuerFetcher {
    repository: Repository,
    replies: HashMap<String, Reply>,
}

type Reply = Result<Vec<Arc<Certificate>>, Error>;

impl IssuerFetcher {
    /// Asks with this client.
    pub fn new(repository: Repository) -> Self {
        Self {
            repository,
            replies: HashMap::new(),
        }
    }

    /// The URLs that were asked for, in order.
    pub fn contacted(&self) -> &[String] {
        self.repository.contacted()
    }

    /// What would be asked for first for this certificate. What comes after depends on
    /// what comes.
    pub fn plan(
        &self,
        basis: Basis<'_>,
        certificate: &Arc<Certificate>,
        beside: &[Arc<Certificate>],
    ) -> IssuerPlan {
        let ascent = Ascent::new(basis, Arc::clone(certificate), beside.to_vec());
        let mut plan = IssuerPlan::default();
        match ascent.progress() {
            Progress::Complete => {}
            Progress::Refused(failure) => plan.findings = failure.findings,
            Progress::Missing(tip, _) => {
                let urls = &tip.extensions().ca_issuer_urls;
                plan.fetches
                    .extend(urls.iter().take(MAX_URLS).map(|url| PlannedFetch {
                        url: url.clone(),
                        decision: self.repository.check(url).map_err(Error::from),
                    }));
                plan.findings.extend(urls.is_empty().then(|| no_url(&tip)));
            }
        }
        plan
    }

    /// Looks for the missing issuers of `certificate`, step by step, until there is a path
    /// to an anchor of the store. CA certificates that came `beside` it help on the way.
    pub fn fetch(
        &mut self,
        basis: Basis<'_>,
        certificate: &Arc<Certificate>,
        beside: &[Arc<Certificate>],
    ) -> IssuerReport {
        let mut ascent = Ascent::new(basis, Arc::clone(certificate), beside.to_vec());
        let mut report = IssuerReport {
            certificate: Arc::clone(certificate),
            outcome: IssuerOutcome::Incomplete,
            issuers: Vec::new(),
            roots: Vec::new(),
            findings: Vec::new(),
        };
        let mut progress = ascent.progress();
        if matches!(progress, Progress::Complete) {
            report.outcome = IssuerOutcome::Complete;
            return report;
        }
        let mut steps: usize = 0;
        while let Progress::Missing(tip, _) = &progress {
            if steps >= MAX_ISSUERS {
                report.findings.push(too_deep(tip));
                break;
            }
            steps = steps.saturating_add(1);
            let tip = Arc::clone(tip);
            if !self.step(&mut ascent, &tip, &mut report) {
                break;
            }
            progress = ascent.progress();
        }
        self.conclude(&ascent, progress, &mut report);
        report
    }

    /// Asks for the issuer of `tip`; whether one came.
    fn step(
        &mut self,
        ascent: &mut Ascent<'_>,
        tip: &Arc<Certificate>,
        report: &mut IssuerReport,
    ) -> bool {
        let urls = &tip.extensions().ca_issuer_urls;
        if urls.is_empty() {
            report.findings.push(no_url(tip));
            return false;
        }
        let mut asked: usize = 0;
        for url in urls.iter().take(MAX_URLS) {
            if let Err(failure) = self.repository.check(url) {
                report.findings.push(not_fetched(tip, failure.error));
                continue;
            }
            if asked >= MAX_URLS_ASKED {
                report.findings.push(too_many_urls(tip));
                return false;
            }
            asked = asked.saturating_add(1);
            let certificates = match self.reply(url) {
                Ok(certificates) => certificates,
                Err(error) => {
                    report.findings.push(not_fetched(tip, error));
                    continue;
                }
            };
            let offered = ascent.offer(tip, &certificates, url);
            for (candidate, why) in offered.unfit {
                let is_offer = matches!(why, Unfit::Root { .. }) && !ascent.is_stored(&candidate);
                if is_offer {
                    report.offer_root(candidate, url, why);
                } else if !offered.any_taken {
                    // Beside one that is used it is worth no word.
                    report.findings.push(refused(tip, &candidate, url, why));
                }
            }
            if offered.any_taken {
                return true;
            }
        }
        if urls.len() > MAX_URLS {
            report.findings.push(too_many_urls(tip));
        }
        false
    }

    fn reply(&mut self, url: &str) -> Reply {
        if let Some(reply) = self.replies.get(url) {
            return reply.clone();
        }
        let reply = self.ask(url);
        self.replies.insert(url.to_owned(), reply.clone());
        reply
    }

    fn ask(&mut self, url: &str) -> Reply {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let path = path.to_ascii_lowercase();
        let max_len = if path.ends_with(".p7c") || path.ends_with(".p7b") {
            MAX_BUNDLE_LEN
        } else {
            MAX_CERTIFICATE_LEN
        };
        let bytes = self.repository.get(url, max_len)?;
        let unreadable = |what: &str, error: &str| {
            Error::malformed(
                Code::EkcertMalformed,
                format!("{} gave {what}{error}", quote(url)),
                "fetch the URL by hand and see what the server says",
            )
        };
        let certificates = read_certificates(&bytes).map_err(|error| {
            let start = bytes.trim_ascii_start();
            if start.starts_with(b"<") {
                unreadable("a web page and no certificate", "")
            } else {
                unreadable("what is no certificate: ", &error.to_string())
            }
        })?;
        if certificates.len() > MAX_CERTIFICATES_IN_REPLY {
            return Err(unreadable(
                &format!("more than {MAX_CERTIFICATES_IN_REPLY} certificates"),
                "",
            ));
        }
        Ok(certificates.into_iter().map(Arc::new).collect())
    }

    fn conclude(&self, ascent: &Ascent<'_>, progress: Progress, report: &mut IssuerReport) {
        let mut proven: Vec<Sha256Digest> = Vec::new();
        for (path, url) in ascent.proven() {
            let Some(certificate) = path.certificates().first().cloned() else {
                continue;
            };
            proven.push(certificate.sha256());
            report.issuers.push(FetchedIssuer {
                path,
                certificate,
                url,
            });
        }
        for certificate in ascent.unproven(&proven) {
            report.findings.push(unproven(certificate));
        }
        match progress {
            Progress::Complete => report.outcome = IssuerOutcome::Completed,
            Progress::Missing(_, failure) | Progress::Refused(failure) => {
                report
                    .findings
                    .extend(failure.findings.into_iter().map(after_asking));
            }
        }
    }
}

impl IssuerReport {
    /// Notes a root that is not in the store. It is not used.
    fn offer_root(&mut self, certificate: Arc<Certificate>, url: &str, why: Unfit) {
        let is_issuer = why == Unfit::Root { issuer: true };
        self.findings
            .push(root_offered(&certificate, url, is_issuer));
        self.roots.push(OfferedRoot {
            certificate,
            url: url.to_owned(),
            is_issuer,
        });
    }
}

pub(super) fn name_of(certificate: &Certificate) -> String {
    if certificate.subject().is_empty() {
        format!("serial {}", hex(certificate.serial()))
    } else {
        certificate.subject().to_string()
    }
}

/// A judgement tells to ask as is done here; what is left is to get it by hand.
fn after_asking(mut finding: Finding) -> Finding {
    if finding.code == Code::IssuerUnknown {
        finding.help = BY_HAND.to_owned();
    }
    finding
}

fn not_fetched(tip: &Certificate, error: Error) -> Finding {
    Finding::new(
        Code::IssuerNotFetched,
        format!("the issuer of '{}' was not got: {error}", name_of(tip)),
        error.help,
    )
}

fn no_url(tip: &Certificate) -> Finding {
    Finding::new(
        Code::IssuerNotFetched,
        format!(
            "the issuer of '{}' was not got: it names no URL (AIA) for it",
            name_of(tip)
        ),
        BY_HAND,
    )
}

fn too_many_urls(tip: &Certificate) -> Finding {
    Finding::new(
        Code::IssuerNotFetched,
        format!(
            "'{}' names {} URLs of its issuer; only the first were looked at, and at most \
             {MAX_URLS_ASKED} asked for",
            name_of(tip),
            tip.extensions().ca_issuer_urls.len()
        ),
        "no genuine certificate names that many: see where it comes from",
    )
}

fn too_deep(tip: &Certificate) -> Finding {
    Finding::new(
        Code::IssuerNotFetched,
        format!(
            "the issuer of '{}' was not asked for: {MAX_ISSUERS} issuers above one another are the \
             limit",
            name_of(tip)
        ),
        "no vendor's chain is that long: see where the certificate comes from",
    )
}

fn refused(tip: &Certificate, candidate: &Certificate, url: &str, why: Unfit) -> Finding {
    Finding::new(
        Code::IssuerRefused,
        format!(
            "{} gave '{}' (SHA-256 {}) as the issuer of '{}', which is dropped: it {why}",
            quote(url),
            name_of(candidate),
            candidate.sha256(),
            name_of(tip)
        ),
        "get the issuer's certificate from the vendor of the TPM in another way",
    )
}

fn unproven(candidate: &Certificate) -> Finding {
    Finding::new(
        Code::IssuerRefused,
        format!(
            "'{}' (SHA-256 {}) was fetched and is dropped: it has signed, but does not lead to a root \
             of the store",
            name_of(candidate),
            candidate.sha256()
        ),
        "the other findings say where the way ends",
    )
}

fn root_offered(root: &Certificate, url: &str, is_issuer: bool) -> Finding {
    let (what, help) = if is_issuer {
        (
            "which has signed",
            "a root is trusted because somebody compared it, never because a server gave it: compare \
             the SHA-256 with what the vendor publishes elsewhere, and then add it by hand with \
             'endorse store add --root FILE'",
        )
    } else {
        (
            "which has not signed the certificate that names it",
            "get the issuer's certificate from the vendor of the TPM in another way",
        )
    };
    Finding::new(
        Code::RootOffered,
        format!(
            "the server of {} gave the self-signed root '{}', SHA-256 {}, {what}; it was not added",
            quote(url),
            name_of(root),
            root.sha256()
        ),
        help,
    )
}
