use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::hosts::{AllowList, refusal_of};

/// Resolves names of hosts on the list, and refuses addresses at which they must not be.
/// The addresses that it returns are the ones that are connected to: nobody asks again,
/// so no second answer counts.
pub(super) struct CheckedResolver<R = DefaultResolver> {
    hosts: Arc<AllowList>,
    inner: R,
}

/// An address that is not connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefusedAddress {
    pub(super) address: IpAddr,
    /// What kind of address it is.
    pub(super) kind: &'static str,
}

impl CheckedResolver {
    pub(super) fn new(hosts: Arc<AllowList>) -> Self {
        Self {
            hosts,
            inner: DefaultResolver::default(),
        }
    }
}

impl<R: Resolver> Resolver for CheckedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.inner.resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default();
        // One bad address among good ones is no accident either.
        match addresses
            .iter()
            .find_map(|address| self.refused(host, *address))
        {
            Some(refused) => Err(ureq::Error::Other(Box::new(refused))),
            None => Ok(addresses),
        }
    }
}

impl<R> CheckedResolver<R> {
    fn refused(&self, host: &str, address: SocketAddr) -> Option<RefusedAddress> {
        let ip = address.ip();
        let Some(standing) = self.hosts.standing(host, address.port()) else {
            return Some(RefusedAddress {
                address: ip,
                kind: "the address of a host that is not on the list",
            });
        };
        refusal_of(ip, standing).map(|kind| RefusedAddress { address: ip, kind })
    }
}

impl<R> fmt::Debug for CheckedResolver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedResolver")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.address, self.kind)
    }
}

impl std::error::Error for RefusedAddress {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A name server that answers the first question with one address, and all others
    /// with another.
    #[derive(Debug)]
    struct Changing {
        answers: [&'static [&'static str]; 2],
        asked: AtomicUsize,
    }

    impl Resolver for Changing {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let mut addresses = self.empty();
            for text in self.answers[asked.min(1)] {
                addresses.push(SocketAddr::new(text.parse().unwrap(), 80));
            }
            Ok(addresses)
        }
    }

    fn resolve(
        hosts: (&[&str], &[&str]),
        url: &str,
        answers: [&'static [&'static str]; 2],
    ) -> (Result<Vec<String>, String>, usize) {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let resolver = CheckedResolver {
            hosts: Arc::new(AllowList::new(&owned(hosts.0), &owned(hosts.1)).unwrap()),
            inner: Changing {
                answers,
                asked: AtomicUsize::new(0),
            },
        };
        let timeout = NextTimeout {
            after: std::time::Duration::from_secs(1).into(),
            reason: ureq::Timeout::Global,
            ..NextTimeout::default()
        };
        let result = resolver
            .resolve(&url.parse().unwrap(), &Config::default(), timeout)
            .map(|found| {
                found
                    .iter()
                    .map(|address| address.ip().to_string())
                    .collect()
            })
            .map_err(|error| match error {
                ureq::Error::Other(error) => error.to_string(),
                other => panic!("{other}"),
            });
        (result, resolver.inner.asked.load(Ordering::SeqCst))
    }

    #[test]
    fn a_vendor_is_not_inside() {
        for (answer, kind) in [
            (&["127.0.0.1"][..], "127.0.0.1, the machine itself"),
            (&["8.8.8.8", "10.1.2.3"], "10.1.2.3, a private address"),
            (
                &["169.254.169.254"],
                "169.254.169.254, a link-local address, where clouds keep metadata",
            ),
            (
                &["::ffff:7f00:1"],
                "::ffff:127.0.0.1, an IPv4 address written as IPv6",
            ),
            (&["fd00::1"], "fd00::1, a private address"),
        ] {
            let (result, _) = resolve((&["v.example"], &[]), "http://v.example/x", [answer; 2]);
            assert_eq!(result, Err(kind.to_owned()));
        }
        let (result, _) = resolve(
            (&["v.example"], &[]),
            "http://v.example/x",
            [&["8.8.8.8", "2606:4700::1111"]; 2],
        );
        assert_eq!(result.unwrap(), ["8.8.8.8", "2606:4700::1111"]);
    }

    #[test]
    fn a_host_that_the_operator_named_may_be() {
        let named: (&[&str], &[&str]) = (&[], &["mirror.example"]);
        let (result, _) = resolve(named, "http://mirror.example/", [&["10.1.2.3"]; 2]);
        assert_eq!(result.unwrap(), ["10.1.2.3"]);
        let (result, _) = resolve(named, "http://mirror.example/", [&["169.254.169.254"]; 2]);
        assert!(result.unwrap_err().contains("metadata"));
        let (result, _) = resolve(named, "http://other.example/", [&["8.8.8.8"]; 2]);
        assert!(result.unwrap_err().contains("not on the list"));
    }

    /// The name is asked for once, and what was checked is what is returned.
    #[test]
    fn a_second_answer_is_not_asked_for() {
        let (result, asked) = resolve(
            (&["v.example"], &[]),
            "http://v.example/x",
            [&["8.8.8.8"], &["127.0.0.1"]],
        );
        assert_eq!((result.unwrap(), asked), (vec!["8.8.8.8".to_owned()], 1));
    }
}
