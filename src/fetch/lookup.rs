//! Names and ports, before anything is asked.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Duration;

use super::hosts::{Standing, refusal_of};
use super::{Cause, Failure};
use crate::finding::Error;

/// The most addresses that one name may have here: a Windows failover cluster has at most
/// 64 nodes.
pub const MAX_ADDRESSES: usize = 64;

/// Who named an address, which decides whether it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A resolver, for a name that the operator gave.
    ByResolver,
    /// The operator.
    ByHand,
}

/// The addresses of a name by the resolver of this machine, each once.
///
/// # Errors
/// [`Cause::Unreachable`] with what the resolver says, [`Cause::TimedOut`], or
/// [`Cause::TooLarge`] if there are more than [`MAX_ADDRESSES`].
pub fn look_up(name: &str, timeout: Duration) -> Result<Vec<IpAddr>, Failure> {
    let failure = |cause, why: &str| Failure {
        cause,
        error: Error::environment(
            format!("there is no address for {name}: {why}"),
            "check the name and this machine's DNS",
        ),
    };
    let (send, receive) = mpsc::sync_channel(1);
    let owned = name.to_owned();
    // The resolver of the system has no limit of time; one that does not answer is left alone.
    let thread = std::thread::Builder::new().spawn(move || {
        let found = (owned.as_str(), 0).to_socket_addrs();
        let _ = send.send(found.map(|found| each_once(found.map(|address| address.ip()))));
    });
    thread.map_err(|error| failure(Cause::Unreachable, &error.to_string()))?;
    match receive.recv_timeout(timeout) {
        Err(_) => Err(failure(
            Cause::TimedOut,
            "the resolver did not answer in time",
        )),
        Ok(Err(error)) => Err(failure(Cause::Unreachable, &error.to_string())),
        Ok(Ok(None)) => Err(failure(
            Cause::TooLarge,
            &format!("the resolver knows more than {MAX_ADDRESSES}"),
        )),
        Ok(Ok(Some(addresses))) if addresses.is_empty() => {
            Err(failure(Cause::Unreachable, "the resolver knows none"))
        }
        Ok(Ok(Some(addresses))) => Ok(addresses),
    }
}

/// Each address once; `None` if there are more than [`MAX_ADDRESSES`].
fn each_once(found: impl Iterator<Item = IpAddr>) -> Option<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if addresses.contains(&address) {
            continue;
        }
        if addresses.len() >= MAX_ADDRESSES {
            return None;
        }
        addresses.push(address);
    }
    Some(addresses)
}

/// Why nothing connects to an address; `None` if it may be connected to. Private addresses
/// may, for services are inside. One that clouds keep metadata at is for the operator's hand
/// only.
pub fn refused_address(address: IpAddr, named: Named) -> Option<&'static str> {
    let standing = match named {
        Named::ByResolver => Standing::Named,
        Named::ByHand => Standing::NamedAddress,
    };
    refusal_of(address, standing)
}

/// Connects to a port and hangs up.
///
/// # Errors
/// [`Cause::TimedOut`] or [`Cause::Unreachable`].
#[allow(clippy::disallowed_methods, reason = "this is the room that connects")]
pub fn probe(address: SocketAddr, timeout: Duration) -> Result<(), Failure> {
    match TcpStream::connect_timeout(&address, timeout) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure {
            cause: match error.kind() {
                std::io::ErrorKind::TimedOut => Cause::TimedOut,
                _ => Cause::Unreachable,
            },
            error: Error::environment(
                format!("nobody can be reached at {address}: {error}"),
                "check that the machine runs, and what stands between it and this one",
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn both_sides_of_the_limit() {
        let some = |count: usize| {
            let count = u32::try_from(count).unwrap();
            (0..count).map(|number| Ipv4Addr::from_bits(number).into())
        };
        assert_eq!(each_once(some(0)), Some(Vec::new()));
        let twice = some(MAX_ADDRESSES).chain(some(MAX_ADDRESSES));
        assert_eq!(each_once(twice).unwrap().len(), MAX_ADDRESSES);
        assert_eq!(each_once(some(MAX_ADDRESSES + 1)), None);
    }

    #[test]
    fn this_machine_and_nobody() {
        let found = look_up("localhost", Duration::from_secs(20)).unwrap();
        assert!(found.iter().all(IpAddr::is_loopback));
        // A label is too long for any resolver, which is not even asked.
        let failure = look_up(&"a".repeat(64), Duration::from_secs(20)).unwrap_err();
        assert_eq!(failure.cause, Cause::Unreachable);
    }
}
