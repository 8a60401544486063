//! What is looked at over the network: the options for it, and the targets that come of it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use clap::Args;

use super::judging::Mode;
use crate::cli::console::Console;
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::diagnose::service::wait::{Pace, wait_for_mode};
use crate::diagnose::service::{Looking, MAX_NODES, NodeObservation};
use crate::diagnose::{Observation, Role, Target};
use crate::fetch::HgsService;
use crate::finding::Error;

/// The most services of one run: a fabric has one, and perhaps a fallback.
const MAX_SERVICES: usize = 8;

/// The port of NTP.
const NTP_PORT: u16 = 123;

/// Options for looking at a service over the network; `diagnose collect` has the same.
#[derive(Args, Debug)]
#[command(next_help_heading = "Over the network")]
pub(super) struct LiveArgs {
    /// Look at the nodes of this Host Guardian Service: http://NAME or https://NAME; may be repeated
    #[arg(long, value_name = "URL", value_parser = read_service)]
    hgs: Vec<HgsService>,
    /// A node that the name of the service does not stand for; may be repeated
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = read_node, requires = "hgs")]
    node: Vec<(IpAddr, Option<u16>)>,
    /// Take these for the addresses of a name, without DNS; may be repeated
    #[arg(long, value_name = "NAME=ADDRESS[,ADDRESS]", value_parser = read_resolve)]
    resolve: Vec<(String, Vec<IpAddr>)>,
    /// Compare the clocks with that of this NTP server
    #[arg(long, value_name = "HOST[:PORT]", value_parser = read_clock, requires = "hgs")]
    ntp: Option<(String, u16)>,
    /// Ask each node for the time by NTP as well [default port: 123]
    #[arg(
        long,
        value_name = "PORT",
        num_args = 0..=1,
        default_missing_value = "123",
        require_equals = true,
        requires = "hgs"
    )]
    node_ntp: Option<u16>,
    /// How long one request may take, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    timeout: u64,
}

/// Options for waiting until a change of the mode has reached every node.
#[derive(Args, Debug)]
#[command(next_help_heading = "After a change of the mode")]
pub(super) struct WaitArgs {
    /// Ask until every node is in this mode, then diagnose
    #[arg(
        long,
        value_name = "MODE",
        requires = "hgs",
        conflicts_with = "expect_mode"
    )]
    wait_for_mode: Option<Mode>,
    /// How long to wait for that, in minutes
    #[arg(
        long,
        value_name = "MINUTES",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=10),
        requires = "wait_for_mode"
    )]
    wait_limit: u64,
}

impl LiveArgs {
    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.hgs.is_empty()
    }

    /// Looks at every node of every service that was named.
    pub(super) fn gather(&self) -> Result<Vec<Target>, Error> {
        let looking = self.looking()?;
        let seen = self.hgs.iter().flat_map(|service| looking.observe(service));
        Ok(seen.map(target).collect())
    }

    fn looking(&self) -> Result<Looking, Error> {
        if self.hgs.len() > MAX_SERVICES {
            return Err(Error::misuse(
                format!("more than {MAX_SERVICES} services at once"),
                "look at them one after the other",
            ));
        }
        if self.hgs.len() > 1 && !self.node.is_empty() {
            return Err(Error::misuse(
                "it is not clear to which service a node of --node belongs",
                "look at the services one after the other, each with its nodes",
            ));
        }
        let by_hand = self.resolve.iter().map(|(_, addresses)| addresses.len());
        if by_hand
            .chain([self.node.len()])
            .any(|count| count > MAX_NODES)
        {
            return Err(Error::misuse(
                format!("more than {MAX_NODES} addresses of one service"),
                "a failover cluster has no more nodes: look at each service by itself",
            ));
        }
        Ok(Looking {
            timeout: Duration::from_secs(self.timeout),
            nodes: self.node.clone(),
            resolve: self.resolve.clone(),
            reference: self.ntp.clone(),
            node_ntp: self.node_ntp,
        })
    }
}

impl WaitArgs {
    /// The mode that is waited for.
    pub(super) fn mode(&self) -> Option<OperationMode> {
        self.wait_for_mode.map(Into::into)
    }

    /// Waits for the mode, if that was asked for: for how long it took, or was given up.
    pub(super) fn wait(
        &self,
        live: &LiveArgs,
        console: &mut Console<'_>,
    ) -> Result<Option<Duration>, Error> {
        let Some(mode) = self.mode() else {
            return Ok(None);
        };
        let looking = live.looking()?;
        let ask = || {
            let services = live.hgs.iter();
            services
                .flat_map(|service| looking.observe_mode(service))
                .collect()
        };
        let limit = Duration::from_secs(self.wait_limit.saturating_mul(60));
        let mut pace = RealPace {
            started: Instant::now(),
            mode,
            console,
        };
        Ok(Some(wait_for_mode(mode, limit, ask, &mut pace).time))
    }
}

/// Time as it passes, with a line a round for whoever waits.
struct RealPace<'c, 's> {
    started: Instant,
    mode: OperationMode,
    console: &'c mut Console<'s>,
}

impl Pace for RealPace<'_, '_> {
    fn now(&mut self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn round(&mut self, lagging: &[(String, String)], nodes: usize) {
        if self.console.manner.json {
            return;
        }
        let there = nodes.saturating_sub(lagging.len());
        let behind = lagging
            .iter()
            .map(|(node, mode)| format!("{node} ({mode})"));
        let behind: Vec<_> = behind.collect();
        let mut line = format!(
            "after {} s, {there} of {nodes} nodes are in the mode {}",
            self.started.elapsed().as_secs(),
            self.mode
        );
        if !behind.is_empty() {
            line.push_str(&format!("; not yet: {}", behind.join(", ")));
        }
        self.console.note(&line);
    }
}

fn target(node: NodeObservation) -> Target {
    Target {
        name: match node.address {
            Some(_) => format!("{} at {}", node.service.host, node.name()),
            None => node.service.host.clone(),
        },
        role: Role::HostGuardianService,
        source: node.service.to_string(),
        observations: vec![Observation::Node(node)],
    }
}

fn read_service(text: &str) -> Result<HgsService, String> {
    HgsService::read(text).map_err(|error| format!("{error}; {}", error.help))
}

/// `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT`.
fn read_node(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(ip) = read_ip(text) {
        return Ok((ip, None));
    }
    let (host, port) = split_port(text)?;
    let port = port.ok_or("write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT")?;
    Ok((read_ip(host)?, Some(port)))
}

fn read_resolve(text: &str) -> Result<(String, Vec<IpAddr>), String> {
    let (name, addresses) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("write NAME=ADDRESS, and more addresses after commas")?;
    let addresses = addresses.split(',').map(read_ip);
    Ok((name.to_owned(), addresses.collect::<Result<_, _>>()?))
}

fn read_clock(text: &str) -> Result<(String, u16), String> {
    if let Ok(ip) = read_ip(text) {
        return Ok((ip.to_string(), NTP_PORT));
    }
    let (host, port) = split_port(text)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if read_ip(host).is_err() && (host.is_empty() || !host.chars().all(is_name)) {
        return Err("write HOST or HOST:PORT".to_owned());
    }
    Ok((host.to_owned(), port.unwrap_or(NTP_PORT)))
}

/// The address with its brackets, if it is IPv6, or without.
fn read_ip(text: &str) -> Result<IpAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .map_err(|_| format!("'{text}' is no IP address; write one as 192.0.2.11 or 2001:db8::11"))
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    match text.rsplit_once(':') {
        None => Ok((text, None)),
        Some((host, digits)) => {
            let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
            let port = digits.parse().ok().filter(|port| is_number && *port != 0);
            port.map(|port| (host, Some(port)))
                .ok_or_else(|| format!("'{digits}' is no port"))
        }
    }
}
