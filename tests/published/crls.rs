//! CRLs under the URLs of certificates: which are kept.

use std::sync::Arc;

use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::fetch::{
    Basis, CrlReport, FetchedCrl, MAX_CRLS_IN_REPLY, Repository, RepositorySettings, crl_points,
    fetch_crl, plan_crls, read_known,
};
use endorse::finding::Code;
use endorse::hash::{Sha256Digest, sha256};
use endorse::trust::{Origin, Policy, Store};

use super::pki::{self, Spec};
use super::server::status;
use super::vendor::{Vendor, name, pem, read, with_crl};

/// A CRL to be signed.
#[derive(Clone)]
pub(crate) struct CrlSpec {
    pub(crate) issuer: Vec<u8>,
    pub(crate) signer: usize,
    pub(crate) this_update: &'static str,
    pub(crate) next_update: Option<&'static str>,
    pub(crate) number: Option<u8>,
    pub(crate) scope: Option<Vec<u8>>,
    pub(crate) is_delta: bool,
    pub(crate) corrupt: bool,
}

impl Default for CrlSpec {
    fn default() -> Self {
        Self {
            issuer: name("Root"),
            signer: 0,
            this_update: "240101000000Z",
            next_update: Some("250101000000Z"),
            number: Some(5),
            scope: None,
            is_delta: false,
            corrupt: false,
        }
    }
}

impl CrlSpec {
    pub(crate) fn der(&self) -> Vec<u8> {
        let key = pki::ec_key(self.signer);
        let algorithm = key.scheme().identifier();
        let mut fields = vec![
            pki::integer(1),
            algorithm.clone(),
            self.issuer.clone(),
            pki::utc(self.this_update),
        ];
        fields.extend(self.next_update.map(pki::utc));
        let mut extensions = Vec::new();
        let extension = |oid, value: Vec<u8>| pki::sequence(&[pki::oid(oid), pki::tlv(4, &value)]);
        if let Some(number) = self.number {
            extensions.push(extension("2.5.29.20", pki::integer(number)));
        }
        if self.is_delta {
            extensions.push(extension("2.5.29.27", pki::integer(1)));
        }
        if let Some(scope) = &self.scope {
            extensions.push(extension("2.5.29.28", scope.clone()));
        }
        if !extensions.is_empty() {
            fields.push(pki::tlv(0xa0, &pki::sequence(&extensions)));
        }
        let signed = pki::sequence(&fields);
        let mut signature = key.sign(key.scheme(), &signed);
        if self.corrupt {
            *signature.last_mut().unwrap() ^= 1;
        }
        let signature = pki::tlv(3, &[&[0], signature.as_slice()].concat());
        pki::sequence(&[signed, algorithm, signature])
    }
}

fn root() -> Spec {
    Spec::ca(name("Root"), pki::ec_key(0), name("Root"), pki::ec_key(0))
}

fn store(roots: &[Spec], intermediates: &[Spec]) -> Store {
    let mut store = Store::new();
    let origin = || Origin::File("file".to_owned());
    let read = |spec: &Spec| Certificate::from_der(&spec.der()).unwrap();
    for root in roots {
        store.add_root(read(root), origin());
    }
    for intermediate in intermediates {
        store.add_intermediate(read(intermediate), origin());
    }
    store
}

fn fetch_as(vendor: &Vendor, store: &Store, there: &[&[u8]]) -> CrlReport {
    let certificate = read(&with_crl(root(), &[vendor.url("/crl")]));
    let points = crl_points([&certificate]);
    let [point] = points.as_slice() else {
        panic!("{points:?}")
    };
    let basis = Basis {
        store,
        policy: &Policy::default(),
        at: Time::parse_rfc3339(pki::AT).unwrap(),
    };
    let mut repository = super::repository(&[vendor.server()]);
    let report = fetch_crl(&mut repository, basis, &read_known(there), point);
    for finding in &report.findings {
        assert!(!finding.help.is_empty());
    }
    report
}

/// What comes of this reply, with the root in the store and these CRLs.
fn fetch(body: &[u8], there: &[&[u8]]) -> CrlReport {
    let vendor = Vendor::new();
    vendor.give("/crl", body);
    fetch_as(&vendor, &store(&[root()], &[]), there)
}

#[track_caller]
fn assert_dropped(report: &CrlReport, code: Code, reason: &str) {
    assert_eq!(report.new.len(), 0);
    assert_eq!(report.unchanged.len(), 0);
    let [finding] = report.findings.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(finding.code, code, "{finding:?}");
    assert!(finding.message.contains(reason), "{finding:?}");
}

#[track_caller]
fn assert_new(report: &CrlReport, der: &[u8], replaces: &[Sha256Digest]) -> FetchedCrl {
    assert_eq!(report.findings, []);
    let [fetched] = report.new.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(fetched.crl().der(), der);
    assert_eq!(fetched.replaces(), replaces);
    fetched.clone()
}

#[test]
fn a_crl_of_a_root() {
    let der = CrlSpec::default().der();
    let fetched = assert_new(&fetch(&der, &[]), &der, &[]);
    assert!(!fetched.is_stale());
    assert_eq!(
        fetched.crl().this_update().to_string(),
        "2024-01-01T00:00:00Z"
    );
    assert_eq!(fetched.crl().number(), Some(&[5][..]));
    // As PEM.
    let text = pem("X509 CRL", &der);
    assert_new(&fetch(text.as_bytes(), &[]), &der, &[]);
    // Out of date: still the newest word there is.
    let der = CrlSpec {
        next_update: Some("240501000000Z"),
        ..CrlSpec::default()
    }
    .der();
    assert!(assert_new(&fetch(&der, &[]), &der, &[]).is_stale());
    // The same again.
    let report = fetch(&der, &[&der]);
    assert_eq!((report.new.len(), report.findings.len()), (0, 0));
    assert_eq!(report.unchanged, [sha256(&der)]);
}

#[test]
fn a_newer_one_takes_the_place_of_older_ones() {
    let old = CrlSpec::default().der();
    let older = CrlSpec {
        this_update: "230101000000Z",
        number: Some(4),
        ..CrlSpec::default()
    }
    .der();
    let of_another_scope = CrlSpec {
        this_update: "240301000000Z",
        number: Some(9),
        scope: Some(pki::sequence(&[pki::tlv(0x82, &[0xff])])),
        ..CrlSpec::default()
    }
    .der();
    // Somebody put it there by hand; the root never signed it.
    let forged = CrlSpec {
        this_update: "240501000000Z",
        number: Some(99),
        corrupt: true,
        ..CrlSpec::default()
    }
    .der();
    let new = CrlSpec {
        this_update: "240201000000Z",
        number: Some(6),
        ..CrlSpec::default()
    }
    .der();
    let there: [&[u8]; 4] = [&old, &older, &of_another_scope, &forged];
    assert_new(&fetch(&new, &there), &new, &[sha256(&old), sha256(&older)]);
}

/// An old reply that is given again would make a revocation unsaid.
#[test]
fn nothing_goes_back() {
    let there = CrlSpec::default().der();
    for (this_update, number) in [
        ("231231235959Z", Some(6)),
        ("231231235959Z", None),
        ("240201000000Z", Some(4)),
    ] {
        let old = CrlSpec {
            this_update,
            number,
            ..CrlSpec::default()
        };
        assert_dropped(
            &fetch(&old.der(), &[&there]),
            Code::CrlRefused,
            "of 2024-01-01T00:00:00Z, is newer, and is kept",
        );
    }
    // Numbers are numbers, not texts.
    let there = CrlSpec {
        number: Some(0x7f),
        ..CrlSpec::default()
    };
    let next = CrlSpec {
        number: Some(0x80),
        this_update: "240201000000Z",
        ..CrlSpec::default()
    };
    let (there, next) = (there.der(), next.der());
    assert_new(&fetch(&next, &[&there]), &next, &[sha256(&there)]);
}

#[test]
fn who_signed_it() {
    let with = |change: fn(&mut CrlSpec)| {
        let mut spec = CrlSpec::default();
        change(&mut spec);
        spec.der()
    };
    for (der, reason) in [
        (
            with(|crl| crl.issuer = name("Somebody")),
            "its issuer is not in the store",
        ),
        (
            with(|crl| crl.signer = 3),
            "no key of its issuer in the store made its signature",
        ),
        (
            with(|crl| crl.corrupt = true),
            "no key of its issuer in the store made its signature",
        ),
        (
            with(|crl| crl.this_update = pki::LATER),
            "it is from 2024-06-01T01:00:00Z, which is yet to come",
        ),
    ] {
        assert_dropped(&fetch(&der, &[]), Code::CrlRefused, reason);
    }
}

/// A CA that may not sign CRLs, and one that leads to no anchor.
#[test]
fn whose_word_counts() {
    let vendor = Vendor::new();
    let der = CrlSpec {
        issuer: name("CA"),
        signer: 1,
        ..CrlSpec::default()
    }
    .der();
    vendor.give("/crl", &der);
    let ca = Spec::ca(name("CA"), pki::ec_key(1), name("Root"), pki::ec_key(0));
    let good = store(&[root()], std::slice::from_ref(&ca));
    assert_new(&fetch_as(&vendor, &good, &[]), &der, &[]);
    let mut may_not = ca.clone();
    may_not.replace(pki::key_usage(&[pki::KEY_CERT_SIGN]));
    assert_dropped(
        &fetch_as(&vendor, &store(&[root()], &[may_not]), &[]),
        Code::CrlRefused,
        "may not sign CRLs (key usage)",
    );
    for intermediates in [&[ca.clone()][..], &[]] {
        let reason = match intermediates {
            [] => "its issuer is not in the store",
            _ => "who signed it does not lead to a root of the store: the issuer of",
        };
        assert_dropped(
            &fetch_as(&vendor, &store(&[], intermediates), &[]),
            Code::CrlRefused,
            reason,
        );
    }
    // Of two CAs of the name, the one that signed counts.
    let other = Spec::ca(name("CA"), pki::ec_key(2), name("Root"), pki::ec_key(0));
    assert_new(
        &fetch_as(&vendor, &store(&[root()], &[other, ca]), &[]),
        &der,
        &[],
    );
}

#[test]
fn what_is_no_crl() {
    let der = CrlSpec::default().der();
    let delta = CrlSpec {
        is_delta: true,
        ..CrlSpec::default()
    };
    for (body, reason) in [
        (b"<html>not found</html>".to_vec(), "a web page and no CRL"),
        (b"garbage".to_vec(), "what is no CRL"),
        (Vec::new(), "what is no CRL"),
        (der[..der.len() - 1].to_vec(), "what is no CRL"),
        ([der.as_slice(), b"x"].concat(), "what is no CRL"),
        (root().der(), "what is no CRL"),
        (delta.der(), "what is no CRL"),
        (
            pem("CERTIFICATE", &root().der()).into_bytes(),
            "what is no CRL",
        ),
        (
            pem("X509 CRL", &der)
                .repeat(MAX_CRLS_IN_REPLY + 1)
                .into_bytes(),
            "more than 4 CRLs",
        ),
    ] {
        assert_dropped(&fetch(&body, &[]), Code::CrlNotFetched, reason);
    }
    let vendor = Vendor::new();
    assert_dropped(
        &fetch_as(&vendor, &store(&[root()], &[]), &[]),
        Code::CrlNotFetched,
        "there is nothing at",
    );
    vendor.reply("/crl", status("500 Internal Server Error"));
    assert_dropped(
        &fetch_as(&vendor, &store(&[root()], &[]), &[]),
        Code::CrlNotFetched,
        "failed (500",
    );
}

/// Larger than any certificate may be.
#[test]
fn a_large_crl_comes_whole() {
    let mut text = "#".repeat(1024 * 1024);
    let der = CrlSpec::default().der();
    text.push('\n');
    text.push_str(&pem("X509 CRL", &der));
    assert_new(&fetch(text.as_bytes(), &[]), &der, &[]);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        endorse::fetch::MAX_FETCHED_CRL_LEN + 1
    );
    let vendor = Vendor::new();
    vendor.reply("/crl", head.into_bytes());
    assert_dropped(
        &fetch_as(&vendor, &store(&[root()], &[]), &[]),
        Code::CrlNotFetched,
        "has more than 33554432 bytes",
    );
}

#[test]
fn urls_are_asked_once_and_only_on_known_hosts() {
    let urls = [
        "http://pki.infineon.com/a.crl",
        "http://10.0.0.1/b.crl",
        "ldap:///CN=x",
    ]
    .map(str::to_owned);
    let first: Arc<Certificate> = read(&with_crl(root(), &urls));
    let second = read(&with_crl(root(), &urls[..1]));
    let points = crl_points([&first, &second, &first]);
    let found: Vec<_> = points.iter().map(|point| point.url.as_str()).collect();
    assert_eq!(found, urls);
    let repository = Repository::new(&RepositorySettings::default()).unwrap();
    let planned = plan_crls(&repository, &points);
    assert_eq!(planned[0].decision, Ok(urls[0].clone()));
    assert!(planned[1].decision.is_err() && planned[2].decision.is_err());
    assert_eq!(repository.contacted(), [""; 0]);
}
