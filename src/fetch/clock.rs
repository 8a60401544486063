//! Asking another clock for the time, by NTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rsntp::{Config, SntpClient, SntpDuration};

use super::{Cause, Failure};
use crate::finding::Error;

/// How far another clock is ahead of that of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// In milliseconds; less than zero if it is behind.
    pub ahead_ms: i64,
    /// How far off that may be: half of the time that the packets took, rounded up.
    pub uncertainty_ms: i64,
}

/// Asks once, by SNTP (RFC 4330, RFC 5905 section 14). Nobody vouches for the answer.
///
/// # Errors
/// [`Cause::TimedOut`], [`Cause::Unreachable`], or [`Cause::Broken`] for an answer that no
/// client may use, such as one of a server that is not synchronised itself.
pub fn ask_clock(server: SocketAddr, timeout: Duration) -> Result<Clock, Failure> {
    let failure = |cause, why: &str| Failure {
        cause,
        error: Error::environment(
            format!("{server} did not tell the time by NTP: {why}"),
            "check that it serves the time (w32tm /query /status on Windows), and that UDP port \
             123 is open",
        ),
    };
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let config = Config::default()
        .bind_address(SocketAddr::new(any, 0))
        .timeout(timeout);
    let reply = SntpClient::with_config(config)
        .synchronize(server)
        .map_err(|error| {
            use std::io::ErrorKind::{TimedOut, WouldBlock};
            match &error {
                rsntp::SynchronizationError::IOError(io)
                    if matches!(io.kind(), TimedOut | WouldBlock) =>
                {
                    failure(Cause::TimedOut, "no answer in time")
                }
                rsntp::SynchronizationError::IOError(io) => {
                    failure(Cause::Unreachable, &io.to_string())
                }
                _ => failure(Cause::Broken, &error.to_string()),
            }
        })?;
    let read = |duration: SntpDuration| {
        milliseconds(duration).ok_or_else(|| failure(Cause::Broken, "it is off by ages"))
    };
    let ahead_ms = read(reply.clock_offset())?;
    let delay = read(reply.round_trip_delay())?.saturating_abs();
    Ok(Clock {
        ahead_ms,
        uncertainty_ms: delay.div_euclid(2).saturating_add(1),
    })
}

fn milliseconds(duration: SntpDuration) -> Option<i64> {
    let absolute = duration.abs_as_std_duration().ok()?;
    let absolute = i64::try_from(absolute.as_millis()).ok()?;
    Some(match duration.signum() < 0 {
        true => absolute.saturating_neg(),
        false => absolute,
    })
}
