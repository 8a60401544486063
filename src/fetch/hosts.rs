use std::net::IpAddr;

use super::location::Location;
use crate::finding::Error;

/// A host from which a vendor publishes certificates or CRLs of its CAs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownHost {
    /// The name, in lower case.
    pub host: &'static str,
    /// Whose TPMs name it.
    pub vendor: &'static str,
    /// Where it is known from.
    pub source: &'static str,
}

/// How a certificate of Microsoft's package says it.
const PACKAGE: &str = "caIssuers and CRL URLs of CA certificates in Microsoft's TrustedTpm.cab";

/// The hosts that are asked without being named by anybody: those that genuine
/// certificates of TPM vendors name, each seen in one. A host that only offers roots for
/// download is not among them, since no root is taken from a server.
pub const KNOWN_HOSTS: [KnownHost; 13] = [
    host("ftpm.amd.com", "AMD", PACKAGE),
    host("pki.infineon.com", "Infineon", PACKAGE),
    host("upgrades.intel.com", "Intel", PACKAGE),
    host("trustedservices.intel.com", "Intel", PACKAGE),
    host("tsci.intel.com", "Intel", PACKAGE),
    host(
        "www.microsoft.com",
        "Microsoft (Pluton, Qualcomm's TPMs, AIK CAs)",
        PACKAGE,
    ),
    host("pki.nationstech.com", "Nations Technologies", PACKAGE),
    host("pki.nationz.com.cn", "Nations Technologies", PACKAGE),
    host("pki.nsing.com.sg", "NSING (Nations Technologies)", PACKAGE),
    host(
        "www.nuvoton.com",
        "Nuvoton",
        "caIssuers URLs of CA certificates in Microsoft's TrustedTpm.cab, and of EK certificates",
    ),
    host("sw-center.st.com", "STMicroelectronics", PACKAGE),
    host(
        "secure.globalsign.com",
        "STMicroelectronics",
        "caIssuers URLs of EK certificates that were published with test data of WebAuthn servers",
    ),
    host(
        "pki.goog",
        "Google",
        "caIssuers and CRL URLs of EK certificates of Google Compute Engine",
    ),
];

const fn host(host: &'static str, vendor: &'static str, source: &'static str) -> KnownHost {
    KnownHost {
        host,
        vendor,
        source,
    }
}

/// Who put a host on the list, which decides at what addresses it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The program: it must be at a public address.
    Known,
    /// The operator, by name: it may be inside the organisation.
    Named,
    /// The operator, by its very address.
    NamedAddress,
}

/// An entry of the list.
#[derive(Clone, Debug)]
struct Entry {
    host: String,
    /// `None` stands for the ports of http and https.
    port: Option<u16>,
    standing: Standing,
}

/// The only hosts that are connected to.
#[derive(Clone, Debug, Default)]
pub(super) struct AllowList {
    entries: Vec<Entry>,
}

impl AllowList {
    /// Hosts that must be at public addresses, and hosts that the operator named: each
    /// `HOST`, for ports 80 and 443, or `HOST:PORT`.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for an entry that is no host.
    pub(super) fn new(known: &[String], named: &[String]) -> Result<Self, Error> {
        let known = known.iter().map(|text| Entry::read(text, false));
        let named = named.iter().map(|text| Entry::read(text, true));
        let entries = known.chain(named).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Who put this host on the list, if anybody did: the operator's word counts for more.
    pub(super) fn standing(&self, host: &str, port: u16) -> Option<Standing> {
        self.entries
            .iter()
            .filter(|entry| entry.fits(host, port))
            .map(|entry| entry.standing)
            .max_by_key(|standing| *standing != Standing::Known)
    }
}

impl Entry {
    fn read(text: &str, by_operator: bool) -> Result<Self, Error> {
        let misuse = || {
            Error::misuse(
                format!("'{text}' in the list of hosts is not the name of a host"),
                "write HOST, for the ports of http and https, or HOST:PORT",
            )
        };
        if text.contains(['/', '@', '?', '#']) {
            return Err(misuse());
        }
        // With https the port of http is one that must be written out.
        let location = Location::read(&format!("https://{text}/")).map_err(|_| misuse())?;
        let has_port = text.len() > location.host().len();
        let standing = match (by_operator, location.ip()) {
            (false, _) => Standing::Known,
            (true, None) => Standing::Named,
            (true, Some(_)) => Standing::NamedAddress,
        };
        Ok(Self {
            host: location.host().to_owned(),
            port: has_port.then(|| location.port()),
            standing,
        })
    }

    fn fits(&self, host: &str, port: u16) -> bool {
        let port_fits = match self.port {
            Some(own) => own == port,
            None => matches!(port, 80 | 443),
        };
        port_fits && self.host == host
    }
}

/// Why nothing connects to an address, for a host with this standing; `None` if it may
/// be connected to. After the IANA registries of special-purpose addresses (RFC 6890).
pub(super) fn refusal_of(address: IpAddr, standing: Standing) -> Option<&'static str> {
    let (kind, reach) = kind_of(address);
    let may = match reach {
        Reach::Public => true,
        Reach::Inside => standing != Standing::Known,
        Reach::Special => standing == Standing::NamedAddress,
        Reach::Nobody => false,
    };
    (!may).then_some(kind)
}

/// Who is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Anybody on the internet.
    Public,
    /// Somebody of the organisation, or the machine itself.
    Inside,
    /// What must not be reached by mistake, such as the metadata of a cloud.
    Special,
    /// No single host.
    Nobody,
}

fn kind_of(address: IpAddr) -> (&'static str, Reach) {
    match address {
        IpAddr::V4(address) => kind_of_v4(address.octets()),
        IpAddr::V6(address) => kind_of_v6(address.segments()),
    }
}

fn kind_of_v4(octets: [u8; 4]) -> (&'static str, Reach) {
    match octets {
        [0, ..] => ("an address of no host", Reach::Nobody),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => ("a private address", Reach::Inside),
        [100, 64..=127, ..] => ("an address of a provider's own network", Reach::Inside),
        [127, ..] => ("the machine itself", Reach::Inside),
        [169, 254, ..] => (
            "a link-local address, where clouds keep metadata",
            Reach::Special,
        ),
        // Not registered: where Azure's host answers its guests.
        [168, 63, 129, 16] => ("the address of a cloud's host", Reach::Special),
        [192, 0, 0, _] => ("an address for protocols", Reach::Special),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            ("an address for documentation", Reach::Special)
        }
        [192, 88, 99, _] => ("an address of a 6to4 relay", Reach::Special),
        [198, 18 | 19, ..] => ("an address for benchmarks", Reach::Special),
        [224..=239, ..] => ("a multicast address", Reach::Nobody),
        [240..=255, ..] => ("a reserved address", Reach::Nobody),
        _ => ("a public address", Reach::Public),
    }
}

fn kind_of_v6(segments: [u16; 8]) -> (&'static str, Reach) {
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => ("an address of no host", Reach::Nobody),
        [0, 0, 0, 0, 0, 0, 0, 1] => ("the machine itself", Reach::Inside),
        [0, 0, 0, 0, 0, 0xffff, ..] => ("an IPv4 address written as IPv6", Reach::Special),
        // NAT64 (RFC 6052): what counts is who is behind it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            kind_of_v4([a, b, c, d])
        }
        [0xfc00..=0xfdff, ..] => ("a private address", Reach::Inside),
        [0xfe80..=0xfebf, ..] => ("a link-local address", Reach::Special),
        [0xff00..=0xffff, ..] => ("a multicast address", Reach::Nobody),
        [0x2001, 0..=0x1ff, ..] => ("an address for protocols", Reach::Special),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            ("an address for documentation", Reach::Special)
        }
        [0x2002, ..] => ("an IPv4 address written as IPv6", Reach::Special),
        [0x2000..=0x3fff, ..] => ("a public address", Reach::Public),
        _ => ("a reserved address", Reach::Special),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(known: &[&str], named: &[&str]) -> AllowList {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        AllowList::new(&owned(known), &owned(named)).unwrap()
    }

    fn standing(list: &AllowList, url: &str) -> Option<Standing> {
        let location = Location::read(url).unwrap();
        list.standing(location.host(), location.port())
    }

    #[test]
    fn the_known_hosts_are_names_each_once_with_a_source() {
        let mut names: Vec<_> = KNOWN_HOSTS.iter().map(|known| known.host).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KNOWN_HOSTS.len());
        for known in KNOWN_HOSTS {
            let entry = Entry::read(known.host, false).unwrap();
            assert_eq!((entry.host.as_str(), entry.port), (known.host, None));
            assert!(!known.vendor.is_empty() && known.source.len() > 20);
        }
    }

    /// The page lists them as they are.
    #[test]
    fn the_page_about_them_is_true() {
        let page = include_str!("../../docs/fetching.md");
        let (_, rest) = page.split_once("|---|---|---|\n| `ftpm").unwrap();
        let rows: Vec<_> = rest.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), KNOWN_HOSTS.len());
        for known in KNOWN_HOSTS {
            let KnownHost {
                host,
                vendor,
                source,
            } = known;
            let row = format!("| `{host}` | {vendor} | {source} |");
            assert!(page.contains(&row), "{row}");
        }
    }

    /// What the embedded roots themselves name is on the list.
    #[cfg(feature = "roots")]
    #[test]
    fn the_embedded_roots_name_known_hosts() {
        let known = KNOWN_HOSTS.map(|known| known.host.to_owned());
        let list = AllowList::new(&known, &[]).unwrap();
        let mut store = crate::trust::Store::new();
        store.add_embedded_roots().unwrap();
        let mut urls = 0;
        for (root, _) in store.roots() {
            let extensions = root.extensions();
            for url in extensions.ca_issuer_urls.iter().chain(&extensions.crl_urls) {
                assert_eq!(standing(&list, url), Some(Standing::Known), "{url}");
                urls += 1;
            }
        }
        assert!(urls > 0);
    }

    #[test]
    fn ports() {
        let list = list(&["a.example", "b.example:8080"], &["c.example", "[::1]:81"]);
        for (url, expected) in [
            ("http://a.example/", Some(Standing::Known)),
            ("https://A.EXAMPLE/x", Some(Standing::Known)),
            ("https://a.example:80/", Some(Standing::Known)),
            ("http://a.example:8080/", None),
            ("http://a.example./", None),
            ("http://x.a.example/", None),
            ("http://b.example/", None),
            ("http://b.example:8080/", Some(Standing::Known)),
            ("https://c.example/", Some(Standing::Named)),
            ("http://[::1]:81/", Some(Standing::NamedAddress)),
            ("http://[0:0::1]:81/", Some(Standing::NamedAddress)),
            ("http://[::1]/", None),
        ] {
            assert_eq!(standing(&list, url), expected, "{url}");
        }
    }

    #[test]
    fn the_operator_is_believed_about_a_known_host() {
        let list = list(&["a.example"], &["a.example"]);
        assert_eq!(standing(&list, "http://a.example/"), Some(Standing::Named));
    }

    #[test]
    fn entries_that_are_no_hosts() {
        for text in [
            "",
            "http://x",
            "x/y",
            "a@b",
            "x:y",
            "x y",
            ":443",
            "x:0",
            "x:70000",
            "2130706433",
            "127.1",
            "0x7f.1",
            "a\n",
            "é.example",
        ] {
            assert!(Entry::read(text, true).is_err(), "{text}");
        }
    }

    /// (public, inside, special): by the host's standing.
    #[test]
    fn addresses() {
        for (text, known, named, as_address) in [
            ("8.8.8.8", true, true, true),
            ("172.15.0.1", true, true, true),
            ("172.32.0.1", true, true, true),
            ("100.63.255.255", true, true, true),
            ("192.0.1.1", true, true, true),
            ("2606:4700::1111", true, true, true),
            ("64:ff9b::808:808", true, true, true),
            ("10.0.0.1", false, true, true),
            ("172.16.0.1", false, true, true),
            ("172.31.255.255", false, true, true),
            ("192.168.1.1", false, true, true),
            ("100.64.0.1", false, true, true),
            ("100.100.100.200", false, true, true),
            ("127.0.0.1", false, true, true),
            ("127.255.255.254", false, true, true),
            ("::1", false, true, true),
            ("fd00:ec2::254", false, true, true),
            ("fc00::1", false, true, true),
            ("64:ff9b::7f00:1", false, true, true),
            ("169.254.169.254", false, false, true),
            ("168.63.129.16", false, false, true),
            ("192.0.0.192", false, false, true),
            ("192.0.2.1", false, false, true),
            ("198.18.0.1", false, false, true),
            ("fe80::1", false, false, true),
            ("64:ff9b::a9fe:a9fe", false, false, true),
            ("64:ff9b:1::1", false, false, true),
            ("::ffff:127.0.0.1", false, false, true),
            ("::ffff:8.8.8.8", false, false, true),
            ("::127.0.0.1", false, false, true),
            ("2002:7f00:1::", false, false, true),
            ("2001::1", false, false, true),
            ("2001:db8::1", false, false, true),
            ("4000::1", false, false, true),
            ("0.0.0.0", false, false, false),
            ("0.1.2.3", false, false, false),
            ("224.0.0.1", false, false, false),
            ("255.255.255.255", false, false, false),
            ("::", false, false, false),
            ("ff02::1", false, false, false),
        ] {
            let address: IpAddr = text.parse().unwrap();
            let may = |standing| refusal_of(address, standing).is_none();
            assert_eq!(
                (
                    may(Standing::Known),
                    may(Standing::Named),
                    may(Standing::NamedAddress)
                ),
                (known, named, as_address),
                "{text}"
            );
        }
    }
}
