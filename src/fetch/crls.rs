use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::Repository;
use super::ascent::Basis;
use super::crl::is_signed_by;
use super::explain::quote;
use super::issuers::PlannedFetch;
use crate::der::Time;
use crate::ek::{Certificate, KeyUsage};
use crate::finding::{Code, Error, Finding};
use crate::hash::Sha256Digest;
use crate::trust::{Crl, Usage, read_crls};

/// The largest CRL that is fetched, in bytes: one of 800,000 entries.
pub const MAX_FETCHED_CRL_LEN: usize = 32 * 1024 * 1024;

/// The most CRLs of one reply. One is what is published under a URL.
pub const MAX_CRLS_IN_REPLY: usize = 4;

/// A URL of a CRL, and a certificate that names it.
#[derive(Clone, Debug)]
pub struct CrlPoint {
    /// The URL, as it stands in the certificate.
    pub url: String,
    /// The first certificate that names it.
    pub named_by: Arc<Certificate>,
}

/// A CRL that was fetched, and that a CA of the store has signed which leads to an
/// anchor. Only [`fetch_crl`] makes one.
#[derive(Clone, Debug)]
pub struct FetchedCrl {
    crl: Crl,
    replaces: Vec<Sha256Digest>,
    is_stale: bool,
}

impl FetchedCrl {
    /// The CRL.
    pub fn crl(&self) -> &Crl {
        &self.crl
    }

    /// The CRLs that are there and that it takes the place of: older ones of the same
    /// issuer, about the same certificates.
    pub fn replaces(&self) -> &[Sha256Digest] {
        &self.replaces
    }

    /// Whether a newer one should be there already (nextUpdate).
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }
}

/// What came of one URL.
#[derive(Clone, Debug, Default)]
pub struct CrlReport {
    /// CRLs that are new.
    pub new: Vec<FetchedCrl>,
    /// CRLs that are there already.
    pub unchanged: Vec<Sha256Digest>,
    /// What was not got or is not used, and why.
    pub findings: Vec<Finding>,
}

/// Why a CRL that came is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CrlRefusal {
    /// No certificate of the store has the name of its issuer.
    IssuerUnknown,
    /// None of those of that name has signed it.
    NotSigned,
    /// Who signed it may not sign CRLs (key usage).
    MayNotSign,
    /// Who signed it does not lead to an anchor: the first reason.
    IssuerUntrusted(String),
    /// It has a critical extension that is not understood.
    Unusable(String),
    /// It was issued after the time of the run.
    NotYetIssued(Time),
    /// There is a newer one: somebody, or a cache, gave an old one again.
    Older {
        /// When the one that is there was issued.
        there: Time,
    },
}

/// The URLs of CRLs that these certificates name, each once. Those of [`Basis::store`]
/// come first.
pub fn crl_points<'c>(
    certificates: impl IntoIterator<Item = &'c Arc<Certificate>>,
) -> Vec<CrlPoint> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut points = Vec::new();
    for certificate in certificates {
        let urls = &certificate.extensions().crl_urls;
        for url in urls.iter().take(super::MAX_URLS) {
            if seen.insert(url) {
                points.push(CrlPoint {
                    url: url.clone(),
                    named_by: Arc::clone(certificate),
                });
            }
        }
    }
    points
}

/// What would be asked for these, without asking.
pub fn plan_crls(repository: &Repository, points: &[CrlPoint]) -> Vec<PlannedFetch> {
    points
        .iter()
        .map(|point| PlannedFetch {
            url: point.url.clone(),
            decision: repository.check(&point.url).map_err(Error::from),
        })
        .collect()
}

/// Fetches what is published under one URL of a CRL. `there` are the CRLs that are in the
/// store.
pub fn fetch_crl(
    repository: &mut Repository,
    basis: Basis<'_>,
    there: &[Crl],
    point: &CrlPoint,
) -> CrlReport {
    let mut report = CrlReport::default();
    let reply = repository
        .get(&point.url, MAX_FETCHED_CRL_LEN)
        .map_err(Error::from)
        .and_then(|bytes| read_reply(&bytes, &point.url));
    let crls = match reply {
        Ok(crls) => crls,
        Err(error) => {
            report.findings.push(not_fetched(point, error));
            return report;
        }
    };
    for crl in crls {
        match judge(basis, there, &crl) {
            Ok(Judgement::Unchanged) => report.unchanged.push(crl.sha256()),
            Ok(Judgement::New(replaces)) => report.new.push(FetchedCrl {
                replaces,
                is_stale: crl.next_update().is_some_and(|next| next < basis.at),
                crl,
            }),
            Err(why) => report.findings.push(refused(point, &crl, &why)),
        }
    }
    report
}

/// The CRLs of files that are there, for comparison: those that cannot be read count for
/// nothing.
pub fn read_known(files: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Crl> {
    files
        .into_iter()
        .filter_map(|bytes| read_crls(bytes.as_ref()).ok())
        .flatten()
        .collect()
}

fn read_reply(bytes: &[u8], url: &str) -> Result<Vec<Crl>, Error> {
    let unreadable = |what: &str| {
        Error::malformed(
            Code::CrlNotFetched,
            format!("{} gave {what}", quote(url)),
            "fetch the URL by hand and see what the server says",
        )
    };
    let crls = read_crls(bytes).map_err(|error| {
        if bytes.trim_ascii_start().starts_with(b"<") {
            unreadable("a web page and no CRL")
        } else {
            unreadable(&format!("what is no CRL: {error}"))
        }
    })?;
    if crls.len() > MAX_CRLS_IN_REPLY {
        return Err(unreadable(&format!("more than {MAX_CRLS_IN_REPLY} CRLs")));
    }
    Ok(crls)
}

enum Judgement {
    Unchanged,
    /// It takes the place of these.
    New(Vec<Sha256Digest>),
}

/// Whether a CRL is one to keep, whoever brought it.
fn judge(basis: Basis<'_>, there: &[Crl], crl: &Crl) -> Result<Judgement, CrlRefusal> {
    let signer = signer_of(basis, crl)?;
    if let Some(why) = crl.unusable() {
        return Err(CrlRefusal::Unusable(why.to_owned()));
    }
    if crl.this_update() > basis.at {
        return Err(CrlRefusal::NotYetIssued(crl.this_update()));
    }
    if there.iter().any(|known| known.sha256() == crl.sha256()) {
        return Ok(Judgement::Unchanged);
    }
    // One that the same key did not sign says nothing about how new this is.
    let same: Vec<&Crl> = there
        .iter()
        .filter(|known| {
            known.issuer().key() == crl.issuer().key()
                && known.scope() == crl.scope()
                && is_signed_by(known, &signer)
        })
        .collect();
    if let Some(newer) = same.iter().find(|known| is_older(crl, known)) {
        return Err(CrlRefusal::Older {
            there: newer.this_update(),
        });
    }
    Ok(Judgement::New(same.into_iter().map(Crl::sha256).collect()))
}

/// Whether `crl` takes back what `known` says: time and number both only go forward (RFC
/// 5280 5.2.3).
fn is_older(crl: &Crl, known: &Crl) -> bool {
    let by_number = match (crl.number(), known.number()) {
        (Some(own), Some(other)) => (own.len(), own) < (other.len(), other),
        _ => false,
    };
    crl.this_update() < known.this_update() || by_number
}

/// The CA of the store that signed a CRL, if it may and leads to an anchor.
fn signer_of(basis: Basis<'_>, crl: &Crl) -> Result<Arc<Certificate>, CrlRefusal> {
    let store = basis.store;
    let mut why = CrlRefusal::IssuerUnknown;
    let all = store.roots().chain(store.intermediates());
    for (certificate, _) in all {
        if certificate.subject().is_empty() || certificate.subject().key() != crl.issuer().key() {
            continue;
        }
        if !is_signed_by(crl, certificate) {
            if why == CrlRefusal::IssuerUnknown {
                why = CrlRefusal::NotSigned;
            }
            continue;
        }
        let may_sign = certificate
            .extensions()
            .key_usage
            .is_none_or(|usage| usage.allows(KeyUsage::CRL_SIGN));
        if !may_sign {
            why = CrlRefusal::MayNotSign;
            continue;
        }
        let certificate = Arc::new(certificate.clone());
        match store.verify(&certificate, basis.policy, basis.at, Usage::Any) {
            Ok(_) => return Ok(certificate),
            Err(failure) => {
                let first = failure.findings.into_iter().next();
                let first = first.map(|finding| finding.message).unwrap_or_default();
                why = CrlRefusal::IssuerUntrusted(first);
            }
        }
    }
    Err(why)
}

/// To be said after the CRL.
impl fmt::Display for CrlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerUnknown => f.write_str("its issuer is not in the store"),
            Self::NotSigned => f.write_str("no key of its issuer in the store made its signature"),
            Self::MayNotSign => f.write_str("who signed it may not sign CRLs (key usage)"),
            Self::IssuerUntrusted(why) => {
                write!(
                    f,
                    "who signed it does not lead to a root of the store: {why}"
                )
            }
            Self::Unusable(why) => f.write_str(why),
            Self::NotYetIssued(time) => write!(f, "it is from {time}, which is yet to come"),
            Self::Older { there } => write!(
                f,
                "the one in the store, of {there}, is newer, and is kept: somebody gave an old one again"
            ),
        }
    }
}

fn not_fetched(point: &CrlPoint, error: Error) -> Finding {
    Finding::new(
        Code::CrlNotFetched,
        format!(
            "a CRL that '{}' names was not got: {error}",
            super::issuers::name_of(&point.named_by)
        ),
        error.help,
    )
}

fn refused(point: &CrlPoint, crl: &Crl, why: &CrlRefusal) -> Finding {
    let help = match why {
        CrlRefusal::IssuerUnknown => {
            "put the issuer's certificate into the store ('endorse store fetch-issuers', 'store add'), \
             and fetch again"
        }
        CrlRefusal::NotYetIssued(_) => "check the clock, or the time given with --at",
        CrlRefusal::Older { .. } => "a proxy or mirror on the way keeps old replies: see who does",
        _ => "do not trust what this server gives; fetch the CRL by hand and compare",
    };
    Finding::new(
        Code::CrlRefused,
        format!(
            "{} gave a CRL of '{}', issued at {}, which is not kept: {why}",
            quote(&point.url),
            crl.issuer(),
            crl.this_update()
        ),
        help,
    )
}
