use std::collections::HashSet;
use std::sync::Arc;

use super::Repository;
use super::ascent::Basis;
use super::explain::quote;
use super::issuers::PlannedFetch;
use crate::ek::Certificate;
use crate::finding::{Code, Error, Finding};
use crate::hash::Sha256Digest;
use crate::trust::revocation::{Admission, CrlRefusal};
use crate::trust::{Crl, read_crls, read_readable_crls};

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
        let admission = basis.store.admit_crl(&crl, there, basis.policy, basis.at);
        match admission {
            Ok(Admission::Unchanged) => report.unchanged.push(crl.sha256()),
            Ok(Admission::New { replaces }) => report.new.push(FetchedCrl {
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
        .flat_map(|bytes| read_readable_crls(bytes.as_ref()).0)
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
