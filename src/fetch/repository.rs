use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::Response;
use ureq::http::header::LOCATION;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body};

use super::explain::{explain, quote};
use super::hosts::{AllowList, KNOWN_HOSTS, refusal_of};
use super::location::Location;
use super::resolver::{CheckedResolver, RefusedAddress};
use super::transport::{agent, read, read_proxy, tls};
use super::{Cause, Failure};
use crate::ek::Certificate;
use crate::finding::Error;

/// How long one fetch may take in all, redirects included. Certificates come within a
/// second or two; the largest CRL that is taken needs half a MiB a second.
pub const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// How long all fetches of a run may take together.
pub const DEFAULT_RUN_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The most requests of a run, redirects included. All certificates of Microsoft's
/// package together name 28 URLs of issuers and 34 of CRLs.
pub const DEFAULT_MAX_REQUESTS: usize = 500;

/// The most redirects of one fetch: from http to https, and to where it lies now.
pub const MAX_REDIRECTS: usize = 3;

/// What a repository client may do.
#[derive(Clone, Debug)]
pub struct RepositorySettings {
    /// Hosts that are connected to if they are at public addresses: `HOST`, for ports 80
    /// and 443, or `HOST:PORT`.
    pub hosts: Vec<String>,
    /// Hosts that the operator named, which may be inside the organisation. One that is
    /// named by its very address may be anywhere.
    pub named_hosts: Vec<String>,
    /// How long one fetch may take in all.
    pub timeout: Duration,
    /// How long all may take together, from the first on.
    pub run_timeout: Duration,
    /// The most requests, redirects included.
    pub max_requests: usize,
    /// Certificate authorities for TLS beside those that browsers trust.
    pub extra_roots: Vec<Certificate>,
    /// An HTTP proxy (by CONNECT, for plain http too): `http://host:port`.
    pub proxy: Option<String>,
}

impl Default for RepositorySettings {
    fn default() -> Self {
        Self {
            hosts: KNOWN_HOSTS.map(|known| known.host.to_owned()).to_vec(),
            named_hosts: Vec::new(),
            timeout: DEFAULT_FETCH_TIMEOUT,
            run_timeout: DEFAULT_RUN_TIMEOUT,
            max_requests: DEFAULT_MAX_REQUESTS,
            extra_roots: Vec::new(),
            proxy: None,
        }
    }
}

/// Gets what CAs publish under the URLs in certificates: by http as well, for that is
/// what most of them name, and what comes carries a signature of its own. From hosts on
/// the list only; a name is resolved once, its addresses are checked, and those very
/// addresses are connected to. Redirects are followed a few times, each held to the same
/// rules, and none from https to http.
#[derive(Debug)]
pub struct Repository {
    hosts: Arc<AllowList>,
    timeout: Duration,
    run_timeout: Duration,
    requests_left: usize,
    /// When the first fetch began.
    started: Option<Instant>,
    /// For other machines, through the proxy if there is one.
    agent: Agent,
    /// For the machine itself.
    local: Agent,
    contacted: Vec<String>,
}

impl Repository {
    /// A client with these settings. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for an entry of the lists that
    /// names no host, a root that is no certificate authority for TLS, or a proxy that
    /// is none.
    pub fn new(settings: &RepositorySettings) -> Result<Self, Error> {
        let hosts = Arc::new(AllowList::new(&settings.hosts, &settings.named_hosts)?);
        let tls = tls(&settings.extra_roots)?;
        let local = agent(
            &tls,
            None,
            settings.timeout,
            CheckedResolver::new(Arc::clone(&hosts)),
        );
        let agent = match settings.proxy.as_deref().map(read_proxy).transpose()? {
            // What is resolved here is the name of the proxy; it resolves the others.
            Some(proxy) => agent(
                &tls,
                Some(proxy),
                settings.timeout,
                DefaultResolver::default(),
            ),
            None => local.clone(),
        };
        Ok(Self {
            hosts,
            timeout: settings.timeout,
            run_timeout: settings.run_timeout,
            requests_left: settings.max_requests,
            started: None,
            agent,
            local,
            contacted: Vec::new(),
        })
    }

    /// Whether this URL would be asked for at all, and how it is written then.
    ///
    /// # Errors
    /// [`Cause::NotAllowed`] with the reason why not.
    pub fn check(&self, url: &str) -> Result<String, Failure> {
        self.allowed(url).map(|location| location.url().to_owned())
    }

    /// The URLs that were asked for, redirects included, in order. Where nobody was connected
    /// to, since the host is at an address inside, nothing was asked.
    pub fn contacted(&self) -> &[String] {
        &self.contacted
    }

    /// What is published under this URL, of at most `max_len` bytes.
    ///
    /// # Errors
    /// [`Failure`], with its cause.
    #[allow(
        clippy::disallowed_methods,
        reason = "how long a fetch takes is measured where it is made"
    )]
    pub fn get(&mut self, url: &str, max_len: usize) -> Result<Vec<u8>, Failure> {
        let mut location = self.allowed(url)?;
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        let end = deadline(now, self.timeout).min(deadline(started, self.run_timeout));
        let mut seen = vec![location.url().to_owned()];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let response = self.request(&location, left)?;
            let Some(target) = redirect_target(&response) else {
                return read(location.url(), response, max_len);
            };
            location = self.follow(&location, &target, &seen)?;
            seen.push(location.url().to_owned());
        }
    }

    fn request(&mut self, location: &Location, left: Duration) -> Result<Response<Body>, Failure> {
        let url = location.url();
        if left.is_zero() {
            return Err(spent(
                url,
                "the time for all fetches together is over",
                "try again with fewer files, or where the servers are faster",
            ));
        }
        self.requests_left = self.requests_left.checked_sub(1).ok_or_else(|| {
            spent(
                url,
                "too many requests were made in this run",
                "name fewer files at a time",
            )
        })?;
        let is_local = location.ip().is_some_and(|ip| ip.is_loopback());
        let agent = if is_local { &self.local } else { &self.agent };
        let result = agent
            .get(url)
            .config()
            .timeout_global(Some(left))
            .build()
            .call()
            .map_err(|error| explain_refused(url, error));
        if !matches!(&result, Err(failure) if failure.cause == Cause::Inside) {
            self.contacted.push(url.to_owned());
        }
        result
    }

    /// Where a redirect leads, if it may be followed.
    fn follow(&self, from: &Location, target: &str, seen: &[String]) -> Result<Location, Failure> {
        let refused = |why: String| Failure {
            cause: Cause::Redirect,
            error: Error::environment(
                format!(
                    "{} sends us to {}, which is not followed: it {why}",
                    quote(from.url()),
                    quote(target)
                ),
                "fetch the URL by hand and see what the server says; a server that has moved can be \
                 named with --allow-host",
            ),
        };
        let to = from.join(target).map_err(|why| refused(why.to_owned()))?;
        if from.is_https() && !to.is_https() {
            return Err(refused("leaves https for http".to_owned()));
        }
        if let Some(why) = self.why_not(&to) {
            return Err(refused(why));
        }
        if seen.iter().any(|url| url == to.url()) {
            return Err(refused(
                "was asked for before, so this is a loop".to_owned(),
            ));
        }
        if seen.len() > MAX_REDIRECTS {
            return Err(refused(format!("is redirect number {}", seen.len())));
        }
        Ok(to)
    }

    fn allowed(&self, url: &str) -> Result<Location, Failure> {
        let refused = |why: &str, help: &str| Failure {
            cause: Cause::NotAllowed,
            error: Error::misuse(format!("{} {why}, so nothing was asked", quote(url)), help),
        };
        let location = Location::read(url).map_err(|why| {
            refused(
                why,
                "a certificate names this URL; get what it offers from the vendor in another way",
            )
        })?;
        match self.why_not(&location) {
            None => Ok(location),
            Some(why) => Err(refused(
                &why,
                "if you trust this host to be asked, name it with --allow-host HOST[:PORT]",
            )),
        }
    }

    /// Why a place is not asked, as far as that is known before its name is resolved.
    fn why_not(&self, location: &Location) -> Option<String> {
        let (host, port) = (location.host(), location.port());
        let Some(standing) = self.hosts.standing(host, port) else {
            return Some(match port {
                80 | 443 => format!("leads to {host}, which is not on the list of hosts"),
                _ => format!("leads to {host}:{port}, which is not on the list of hosts"),
            });
        };
        // Through a proxy nobody here resolves it, so that this is the only check.
        let kind = refusal_of(location.ip()?, standing)?;
        Some(format!("leads to {kind}"))
    }
}

fn deadline(from: Instant, after: Duration) -> Instant {
    // A duration that is too long for the clock is no limit in practice; a year is none.
    from.checked_add(after)
        .or_else(|| from.checked_add(Duration::from_secs(365 * 24 * 3600)))
        .unwrap_or(from)
}

/// What the server names instead, if it does.
fn redirect_target(response: &Response<Body>) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = response.headers().get(LOCATION)?;
    Some(String::from_utf8_lossy(target.as_bytes()).into_owned())
}

fn spent(url: &str, what: &str, help: &str) -> Failure {
    Failure {
        cause: Cause::Spent,
        error: Error::environment(format!("{} was not asked for: {what}", quote(url)), help),
    }
}

fn explain_refused(url: &str, error: ureq::Error) -> Failure {
    let refused = match &error {
        ureq::Error::Other(other) => other.downcast_ref::<RefusedAddress>().copied(),
        _ => None,
    };
    match refused {
        None => explain(url, error),
        Some(refused) => Failure {
            cause: Cause::Inside,
            error: Error::environment(
                format!(
                    "the host of {} is at {refused}, so it was not connected to",
                    quote(url)
                ),
                "see what this machine's DNS says of that name; a mirror inside the organisation is \
                 named with --allow-host HOST[:PORT]",
            ),
        },
    }
}
