//! Issuers under the URLs of certificates: what is used and what is dropped, each with its
//! cause.

use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::fetch::{
    Basis, IssuerFetcher, IssuerOutcome, IssuerReport, MAX_CERTIFICATE_LEN,
    MAX_CERTIFICATES_IN_REPLY, MAX_ISSUERS, MAX_URLS, MAX_URLS_ASKED, Repository,
    RepositorySettings,
};
use endorse::finding::{Code, Severity};
use endorse::trust::{Origin, Policy, Store};

use super::pki::{self, Spec};
use super::server::{Server, ok};
use super::vendor::{Vendor, name, pem, read, with_aia};

/// The keys: 0 the root's, 1 of the intermediate, 2 and 3 of others, 7 of EKs.
fn root() -> Spec {
    Spec::ca(name("Root"), pki::ec_key(0), name("Root"), pki::ec_key(0))
}

fn intermediate() -> Spec {
    Spec::ca(name("CA"), pki::ec_key(1), name("Root"), pki::ec_key(0))
}

fn leaf(urls: &[String]) -> Spec {
    with_aia(Spec::ek(pki::ec_key(7), name("CA"), pki::ec_key(1)), urls)
}

fn store(roots: &[Spec], intermediates: &[Spec]) -> Store {
    let mut store = Store::new();
    for (index, root) in roots.iter().enumerate() {
        store.add_root(
            Certificate::from_der(&root.der()).unwrap(),
            Origin::File(format!("root {index}")),
        );
    }
    for intermediate in intermediates {
        store.add_intermediate(
            Certificate::from_der(&intermediate.der()).unwrap(),
            Origin::File("intermediate".to_owned()),
        );
    }
    store
}

fn fetcher(vendor: &Vendor) -> IssuerFetcher {
    IssuerFetcher::new(super::repository(&[vendor.server()]))
}

fn at() -> Time {
    Time::parse_rfc3339(pki::AT).unwrap()
}

fn fetch_with(fetcher: &mut IssuerFetcher, store: &Store, leaf: &Spec) -> IssuerReport {
    let basis = Basis {
        store,
        policy: &Policy::default(),
        at: at(),
    };
    let report = fetcher.fetch(basis, &read(leaf), &[]);
    for finding in &report.findings {
        assert!(!finding.help.is_empty(), "{finding:?}");
    }
    report
}

fn fetch(vendor: &Vendor, store: &Store, leaf: &Spec) -> IssuerReport {
    fetch_with(&mut fetcher(vendor), store, leaf)
}

/// What was said about fetching: the codes, and all messages in one text. What the path
/// lacks in the end is left out.
fn said(report: &IssuerReport) -> (Vec<Code>, String) {
    let about: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Error)
        .collect();
    (
        about.iter().map(|finding| finding.code).collect(),
        about
            .iter()
            .map(|finding| finding.message.clone())
            .collect(),
    )
}

/// That nothing was used, and for what reason.
#[track_caller]
fn assert_dropped(report: &IssuerReport, codes: &[Code], reason: &str) {
    assert_eq!(report.outcome, IssuerOutcome::Incomplete);
    assert_eq!(report.issuers.len(), 0, "{:?}", report.issuers);
    let (found, text) = said(report);
    assert_eq!(found, codes, "{text}");
    assert!(text.contains(reason), "{text}");
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.severity == Severity::Error),
        "that the path still fails is said"
    );
}

#[test]
fn a_missing_issuer_is_fetched() {
    let vendor = Vendor::new();
    let ca = intermediate().der();
    vendor.give("/ca.cer", &ca);
    let store = store(&[root()], &[]);
    let leaf = leaf(&[vendor.url("/ca.cer")]);
    let report = fetch(&vendor, &store, &leaf);
    assert_eq!(report.outcome, IssuerOutcome::Completed);
    assert_eq!(report.findings, []);
    let [issuer] = report.issuers.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(issuer.certificate().der(), ca);
    assert_eq!(issuer.url(), vendor.url("/ca.cer"));
    assert_eq!(issuer.path().certificates().len(), 2);
    // With it in the store there is nothing to do.
    let store = super::issuers::store(&[root()], &[intermediate()]);
    let report = fetch(&vendor, &store, &leaf);
    assert_eq!(report.outcome, IssuerOutcome::Complete);
    assert_eq!(vendor.server().connections(), 1);
}

#[test]
fn as_pem() {
    let vendor = Vendor::new();
    vendor.give(
        "/ca.crt",
        pem("CERTIFICATE", &intermediate().der()).as_bytes(),
    );
    let report = fetch(
        &vendor,
        &store(&[root()], &[]),
        &leaf(&[vendor.url("/ca.crt")]),
    );
    assert_eq!(report.outcome, IssuerOutcome::Completed);
}

/// PKCS#7 with certificates alone (RFC 5280 4.2.2.1), as `.p7c` is.
#[test]
fn as_pkcs7() {
    const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
    const DATA: &str = "1.2.840.113549.1.7.1";
    let vendor = Vendor::new();
    let signed_data = pki::sequence(&[
        pki::integer(1),
        pki::set(&[]),
        pki::sequence(&[pki::oid(DATA)]),
        pki::tlv(0xa0, &[root().der(), intermediate().der()].concat()),
        pki::set(&[]),
    ]);
    let bundle = pki::sequence(&[pki::oid(SIGNED_DATA), pki::tlv(0xa0, &signed_data)]);
    vendor.give("/ca.p7c", &bundle);
    let report = fetch(
        &vendor,
        &store(&[root()], &[]),
        &leaf(&[vendor.url("/ca.p7c")]),
    );
    assert_eq!(report.outcome, IssuerOutcome::Completed, "{report:?}");
    assert_eq!(report.issuers.len(), 1);
}

/// Three steps, the last in the store; a bundle in any order, with others in it.
#[test]
fn step_by_step_and_bundles() {
    let vendor = Vendor::new();
    let upper = Spec::ca(name("Upper"), pki::ec_key(2), name("Root"), pki::ec_key(0));
    let ca = with_aia(
        Spec::ca(name("CA"), pki::ec_key(1), name("Upper"), pki::ec_key(2)),
        &[vendor.url("/upper")],
    );
    let other = Spec::ca(name("Other"), pki::ec_key(3), name("Root"), pki::ec_key(0));
    vendor.give("/ca", &ca.der());
    vendor.give("/upper", &upper.der());
    let bundle = [&upper, &other, &root(), &ca]
        .map(|spec| pem("CERTIFICATE", &spec.der()))
        .concat();
    vendor.give("/bundle.p7c", bundle.as_bytes());
    let store = store(&[root()], &[]);
    for (path, connections) in [("/ca", 2), ("/bundle.p7c", 1)] {
        let before = vendor.server().connections();
        let report = fetch(&vendor, &store, &leaf(&[vendor.url(path)]));
        assert_eq!(report.outcome, IssuerOutcome::Completed, "{report:?}");
        let names: Vec<_> = report
            .issuers
            .iter()
            .map(|issuer| issuer.certificate().subject().raw().to_vec())
            .collect();
        assert_eq!(names, [name("CA"), name("Upper")]);
        assert_eq!(vendor.server().connections() - before, connections);
    }
}

/// A policy that refuses CAs of the input does not refuse what is fetched for the store.
#[test]
fn a_policy_against_intermediates_from_the_input() {
    let vendor = Vendor::new();
    let upper = Spec::ca(name("Upper"), pki::ec_key(2), name("Root"), pki::ec_key(0));
    let ca = Spec::ca(name("CA"), pki::ec_key(1), name("Upper"), pki::ec_key(2));
    vendor.give("/ca", &with_aia(ca, &[vendor.url("/upper")]).der());
    vendor.give("/upper", &upper.der());
    let mut policy = Policy::default();
    policy
        .set_severity(Code::IntermediateFromInput, Severity::Error)
        .unwrap();
    let basis = Basis {
        store: &store(&[root()], &[]),
        policy: &policy,
        at: at(),
    };
    let report = fetcher(&vendor).fetch(basis, &read(&leaf(&[vendor.url("/ca")])), &[]);
    assert_eq!(report.outcome, IssuerOutcome::Completed);
    assert_eq!(report.issuers.len(), 2);
}

/// No URL is asked for twice in a run, whatever came of it.
#[test]
fn a_fleet_asks_once() {
    let vendor = Vendor::new();
    let store = store(&[root()], &[]);
    let mut fetcher = fetcher(&vendor);
    let missing = leaf(&[vendor.url("/missing")]);
    vendor.give("/ca", &intermediate().der());
    let good = leaf(&[vendor.url("/ca")]);
    for _ in 0..3 {
        let report = fetch_with(&mut fetcher, &store, &missing);
        assert_dropped(&report, &[Code::IssuerNotFetched], "there is nothing at");
        let report = fetch_with(&mut fetcher, &store, &good);
        assert_eq!(report.outcome, IssuerOutcome::Completed);
    }
    assert_eq!(vendor.server().connections(), 2);
    assert_eq!(
        fetcher.contacted(),
        [vendor.url("/missing"), vendor.url("/ca")]
    );
}

#[test]
fn what_is_no_certificate() {
    for (body, reason) in [
        (
            b"<!DOCTYPE html><h1>Not found</h1>".to_vec(),
            "a web page and no certificate",
        ),
        (b"\n\n <html>".to_vec(), "a web page and no certificate"),
        (b"garbage".to_vec(), "what is no certificate"),
        (Vec::new(), "what is no certificate"),
        (
            intermediate().der()[..200].to_vec(),
            "what is no certificate",
        ),
        (vec![0x30; MAX_CERTIFICATE_LEN], "what is no certificate"),
        (vec![0x30; MAX_CERTIFICATE_LEN + 1], "more than 65536 bytes"),
        (
            pem("CERTIFICATE", &intermediate().der())
                .repeat(MAX_CERTIFICATES_IN_REPLY + 1)
                .into_bytes(),
            "more than 16 certificates",
        ),
    ] {
        let vendor = Vendor::new();
        vendor.give("/x", &body);
        let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&[vendor.url("/x")]));
        assert_dropped(&report, &[Code::IssuerNotFetched], reason);
    }
}

/// A bundle may be larger than a certificate.
#[test]
fn the_size_of_bundles() {
    let vendor = Vendor::new();
    let mut body = "#".repeat(MAX_CERTIFICATE_LEN);
    body.push('\n');
    body.push_str(&pem("CERTIFICATE", &intermediate().der()));
    let store = store(&[root()], &[]);
    for (path, outcome) in [
        ("/x.cer", IssuerOutcome::Incomplete),
        ("/x.p7c", IssuerOutcome::Completed),
    ] {
        vendor.give(path, body.as_bytes());
        let report = fetch(&vendor, &store, &leaf(&[vendor.url(path)]));
        assert_eq!(report.outcome, outcome, "{path}");
    }
}

/// Another CA of the same name: not the one that signed, whoever vouches for it.
#[test]
fn the_wrong_certificate() {
    let same_name = Spec::ca(name("CA"), pki::ec_key(2), name("Root"), pki::ec_key(0));
    let other_name = Spec::ca(name("CA 2"), pki::ec_key(1), name("Root"), pki::ec_key(0));
    let mut not_a_ca = intermediate();
    not_a_ca.replace(pki::basic_constraints(false, None));
    let mut not_for_certificates = intermediate();
    not_for_certificates.replace(pki::key_usage(&[pki::CRL_SIGN]));
    let mut forged = intermediate();
    forged.spki = pki::ec_key(1).spki();
    forged.signer = pki::ec_key(3);
    for (spec, codes, reason) in [
        (
            same_name,
            &[Code::IssuerRefused][..],
            "but its key did not make the signature",
        ),
        (
            other_name,
            &[Code::IssuerRefused],
            "has another name than the issuer",
        ),
        (
            not_a_ca,
            &[Code::IssuerRefused],
            "is no CA that may sign certificates",
        ),
        (
            not_for_certificates,
            &[Code::IssuerRefused],
            "is no CA that may sign certificates",
        ),
        // It fits the certificate, and its own signature is by another than the root.
        (
            forged,
            &[Code::IssuerRefused],
            "does not lead to a root of the store",
        ),
    ] {
        let vendor = Vendor::new();
        vendor.give("/ca", &spec.der());
        let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&[vendor.url("/ca")]));
        assert_dropped(&report, codes, reason);
    }
}

/// Twice the wrong one is not the right one.
#[test]
fn the_same_certificate_twice() {
    let vendor = Vendor::new();
    let wrong = Spec::ca(name("CA 2"), pki::ec_key(1), name("Root"), pki::ec_key(0)).der();
    vendor.give("/ca", pem("CERTIFICATE", &wrong).repeat(2).as_bytes());
    let store = store(&[root()], &[]);
    let report = fetch(&vendor, &store, &leaf(&[vendor.url("/ca")]));
    assert_dropped(&report, &[Code::IssuerRefused], "has another name");
    // And twice the right one is one.
    vendor.give(
        "/twice",
        pem("CERTIFICATE", &intermediate().der())
            .repeat(2)
            .as_bytes(),
    );
    let report = fetch(&vendor, &store, &leaf(&[vendor.url("/twice")]));
    assert_eq!((report.issuers.len(), report.findings.len()), (1, 0));
}

/// An intermediate that leads to an anchor, and did not sign.
#[test]
fn a_genuine_intermediate_of_somebody_else() {
    let vendor = Vendor::new();
    let genuine = Spec::ca(name("CA"), pki::ec_key(2), name("Root"), pki::ec_key(0));
    vendor.give("/ca", &genuine.der());
    let mut forged = leaf(&[vendor.url("/ca")]);
    // It claims that CA by its key identifier as well.
    forged.replace(pki::authority_key_id(pki::ec_key(2)));
    let report = fetch(&vendor, &store(&[root()], &[]), &forged);
    assert_dropped(
        &report,
        &[Code::IssuerRefused],
        "but its key did not make the signature",
    );
}

/// An attacker's own chain: everything fits, up to a root that is not in the store.
#[test]
fn an_intermediate_that_leads_to_no_anchor() {
    let vendor = Vendor::new();
    let evil_root = Spec::ca(name("Evil"), pki::ec_key(3), name("Evil"), pki::ec_key(3));
    let evil = with_aia(
        Spec::ca(name("CA"), pki::ec_key(1), name("Evil"), pki::ec_key(3)),
        &[vendor.url("/root")],
    );
    vendor.give("/ca", &evil.der());
    let leaf = leaf(&[vendor.url("/ca")]);
    let store = store(&[root()], &[]);
    let report = fetch(&vendor, &store, &leaf);
    assert_dropped(
        &report,
        &[Code::IssuerNotFetched, Code::IssuerRefused],
        "does not lead to a root of the store",
    );
    vendor.give("/root", &evil_root.der());
    let report = fetch(&vendor, &store, &leaf);
    assert_dropped(
        &report,
        &[Code::RootOffered, Code::IssuerRefused],
        "it was not added",
    );
    assert!(report.roots[0].is_issuer);
    // It calls itself like the root that is there.
    let evil = Spec::ca(name("CA"), pki::ec_key(1), name("Root"), pki::ec_key(3));
    vendor.give("/ca", &evil.der());
    let report = fetch(&vendor, &store, &leaf);
    assert_dropped(
        &report,
        &[Code::IssuerNotFetched, Code::IssuerRefused],
        "does not lead to a root of the store",
    );
}

/// AMD and Nuvoton give their root where an intermediate is looked for.
#[test]
fn a_root_in_place_of_an_intermediate() {
    let vendor = Vendor::new();
    let given = root().der();
    vendor.give("/root", &given);
    let urls = [vendor.url("/root")];
    let nothing = store(&[], &[]);
    // Signed by it directly.
    let direct = with_aia(
        Spec::ek(pki::ec_key(7), name("Root"), pki::ec_key(0)),
        &urls,
    );
    let report = fetch(&vendor, &nothing, &direct);
    assert_dropped(
        &report,
        &[Code::RootOffered],
        "which has signed; it was not added",
    );
    let [offered] = report.roots.as_slice() else {
        panic!("{report:?}")
    };
    assert!(offered.is_issuer);
    assert_eq!(offered.url, urls[0]);
    let digest = endorse::hash::sha256(&given).to_string();
    let finding = &report.findings[0];
    assert!(finding.message.contains(&digest), "{finding:?}");
    assert!(finding.help.contains("store add --root"), "{finding:?}");
    // Not the issuer, so that one is still missing.
    let report = fetch(&vendor, &nothing, &leaf(&urls));
    assert_dropped(&report, &[Code::RootOffered], "which has not signed");
    assert!(!report.roots[0].is_issuer);
    // There is no need to show a root that is in the store.
    let mut known = Store::new();
    known.add_root(
        Certificate::from_der(&given).unwrap(),
        Origin::File("root".to_owned()),
    );
    let report = fetch(&vendor, &known, &leaf(&urls));
    assert_dropped(
        &report,
        &[Code::IssuerRefused],
        "it is a self-signed root, and not the issuer",
    );
    assert_eq!(report.roots.len(), 0);
}

/// A certificate that only says it is self-signed is no root.
#[test]
fn self_issued_is_not_self_signed() {
    let vendor = Vendor::new();
    // The new key of a CA, signed with its old one (RFC 4210 4.4).
    let rollover = Spec::ca(name("Root"), pki::ec_key(1), name("Root"), pki::ec_key(0));
    vendor.give("/new", &rollover.der());
    let leaf = with_aia(
        Spec::ek(pki::ec_key(7), name("Root"), pki::ec_key(1)),
        &[vendor.url("/new")],
    );
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf);
    assert_eq!(report.outcome, IssuerOutcome::Completed, "{report:?}");
    assert_eq!(report.roots.len(), 0);
}

/// A is issued by B, and B by A.
#[test]
fn issuers_in_a_circle() {
    let vendor = Vendor::new();
    let a = with_aia(
        Spec::ca(name("CA"), pki::ec_key(1), name("B"), pki::ec_key(2)),
        &[vendor.url("/b")],
    );
    let b = with_aia(
        Spec::ca(name("B"), pki::ec_key(2), name("CA"), pki::ec_key(1)),
        &[vendor.url("/a")],
    );
    vendor.give("/a", &a.der());
    vendor.give("/b", &b.der());
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&[vendor.url("/a")]));
    assert_dropped(
        &report,
        &[
            Code::IssuerRefused,
            Code::IssuerRefused,
            Code::IssuerRefused,
        ],
        "the URLs lead in a circle",
    );
    assert_eq!(vendor.server().connections(), 2);
}

/// Each issuer names another above it, without end.
#[test]
fn a_tower_of_issuers() {
    let vendor = Vendor::new();
    let key = |index: usize| pki::ec_key(1 + index % 6);
    let ca = |index: usize| format!("CA{index}");
    let tower = 2 * MAX_ISSUERS;
    for index in 0..tower {
        let spec = Spec::ca(
            name(&ca(index)),
            key(index),
            name(&ca(index + 1)),
            key(index + 1),
        );
        let spec = with_aia(spec, &[vendor.url(&format!("/{}", index + 1))]);
        vendor.give(&format!("/{index}"), &spec.der());
    }
    let leaf = with_aia(
        Spec::ek(pki::ec_key(7), name("CA0"), key(0)),
        &[vendor.url("/0")],
    );
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf);
    let mut codes = vec![Code::IssuerNotFetched];
    codes.extend([Code::IssuerRefused; MAX_ISSUERS]);
    assert_dropped(&report, &codes, "8 issuers above one another are the limit");
    assert_eq!(vendor.server().connections(), MAX_ISSUERS);
}

#[test]
fn many_urls() {
    let vendor = Vendor::new();
    let urls: Vec<_> = (0..100)
        .map(|index| vendor.url(&format!("/{index}")))
        .collect();
    vendor.give("/99", &intermediate().der());
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&urls));
    assert_dropped(&report, &[Code::IssuerNotFetched; 5], "names 100 URLs");
    assert_eq!(vendor.server().connections(), MAX_URLS_ASKED);
    // None of the many is one that would be asked.
    let urls: Vec<_> = (0..100)
        .map(|index| format!("http://h{index}.example/x"))
        .collect();
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&urls));
    assert_dropped(
        &report,
        &[Code::IssuerNotFetched; MAX_URLS + 1],
        "names 100 URLs",
    );
    assert_eq!(vendor.server().connections(), MAX_URLS_ASKED);
}

/// Those that cannot be asked are passed over, those that fail are told.
#[test]
fn the_first_good_url_counts() {
    let vendor = Vendor::new();
    vendor.give(
        "/ca 1.cer".replace(' ', "%20").as_str(),
        &intermediate().der(),
    );
    let urls = [
        "ldap:///CN=CA?cACertificate?base".to_owned(),
        vendor.url("/gone"),
        vendor.url("/ca 1.cer").replace("http", "HTTP"),
        vendor.url("/never"),
    ];
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&urls));
    assert_eq!(report.outcome, IssuerOutcome::Completed);
    let (codes, text) = said(&report);
    assert_eq!(codes, [Code::IssuerNotFetched; 2]);
    assert!(text.contains("is neither http nor https"), "{text}");
    assert!(text.contains("there is nothing at"), "{text}");
    assert_eq!(vendor.server().connections(), 2);
}

/// The URL in a certificate that nobody vouches for leads nowhere but to known hosts.
#[test]
fn a_leaf_that_names_a_host_inside() {
    let inside = Server::saying(ok(&intermediate().der()));
    let port = inside.port();
    let vendors_only = RepositorySettings::default();
    for url in [
        inside.url("/ca"),
        format!("http://localhost:{port}/ca"),
        format!("http://[::ffff:127.0.0.1]:{port}/ca"),
        format!("http://2130706433:{port}/ca"),
        format!("http://pki.infineon.com:80@127.0.0.1:{port}/ca"),
        format!("http://127.0.0.1:{port}\r\nHost: pki.infineon.com/"),
        "http://169.254.169.254/latest/meta-data/iam/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
        "http://vault.corp.example/v1/sys".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let mut fetcher = IssuerFetcher::new(Repository::new(&vendors_only).unwrap());
        let report = fetch_with(
            &mut fetcher,
            &store(&[root()], &[]),
            &leaf(std::slice::from_ref(&url)),
        );
        assert_dropped(&report, &[Code::IssuerNotFetched], "so nothing was asked");
        assert_eq!(fetcher.contacted(), [""; 0], "{url}");
    }
    assert_eq!(inside.connections(), 0);
}

#[test]
fn without_a_url() {
    let vendor = Vendor::new();
    let leaf = Spec::ek(pki::ec_key(7), name("CA"), pki::ec_key(1));
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf);
    assert_dropped(&report, &[Code::IssuerNotFetched], "names no URL (AIA)");
}

/// A path that fails for another reason is not mended by asking.
#[test]
fn what_no_issuer_would_mend() {
    let vendor = Vendor::new();
    vendor.give("/ca", &intermediate().der());
    let mut expired = leaf(&[vendor.url("/ca")]);
    expired.not_after = pki::utc("210101000000Z");
    let mut forged = leaf(&[vendor.url("/ca")]);
    forged.corrupt_signature = true;
    let self_signed = with_aia(root(), &[vendor.url("/ca")]);
    for (spec, code) in [
        (expired, Code::Expired),
        (forged, Code::SignatureInvalid),
        (self_signed, Code::AnchorUntrusted),
    ] {
        let store = if code == Code::AnchorUntrusted {
            Store::new()
        } else {
            store(&[root()], &[intermediate()])
        };
        let report = fetch(&vendor, &store, &spec);
        assert_eq!(report.outcome, IssuerOutcome::Incomplete);
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].code, code);
    }
    assert_eq!(vendor.server().connections(), 0);
}

/// The issuer of an expired certificate is an issuer all the same.
#[test]
fn an_expired_certificate_gets_its_issuer() {
    let vendor = Vendor::new();
    vendor.give("/ca", &intermediate().der());
    let mut expired = leaf(&[vendor.url("/ca")]);
    expired.not_after = pki::utc("210101000000Z");
    let report = fetch(&vendor, &store(&[root()], &[]), &expired);
    assert_eq!(report.outcome, IssuerOutcome::Incomplete);
    assert_eq!(report.issuers.len(), 1);
    assert_eq!(report.findings[0].code, Code::Expired);
    // One that is expired itself is not used.
    let mut old = intermediate();
    old.not_after = pki::utc("210101000000Z");
    vendor.give("/ca", &old.der());
    let report = fetch(&vendor, &store(&[root()], &[]), &leaf(&[vendor.url("/ca")]));
    assert_dropped(
        &report,
        &[Code::IssuerRefused],
        "does not lead to a root of the store",
    );
}

/// A CA that came with the input helps on the way, and is not what was fetched.
#[test]
fn a_ca_beside_the_certificate() {
    let vendor = Vendor::new();
    let upper = Spec::ca(name("Upper"), pki::ec_key(2), name("Root"), pki::ec_key(0));
    let ca = with_aia(
        Spec::ca(name("CA"), pki::ec_key(1), name("Upper"), pki::ec_key(2)),
        &[vendor.url("/upper")],
    );
    vendor.give("/upper", &upper.der());
    let store = store(&[root()], &[]);
    let basis = Basis {
        store: &store,
        policy: &Policy::default(),
        at: at(),
    };
    let leaf = read(&Spec::ek(pki::ec_key(7), name("CA"), pki::ec_key(1)));
    let mut fetcher = fetcher(&vendor);
    let planned = fetcher.plan(basis, &leaf, &[read(&ca)]).fetches;
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].decision, Ok(vendor.url("/upper")));
    assert_eq!(vendor.server().connections(), 0);
    let report = fetcher.fetch(basis, &leaf, &[read(&ca)]);
    assert_eq!(report.outcome, IssuerOutcome::Completed);
    assert_eq!(report.issuers.len(), 1);
    assert_eq!(
        report.issuers[0].certificate().subject().raw(),
        name("Upper")
    );
}

#[test]
fn a_plan_connects_to_nobody() {
    let vendor = Vendor::new();
    let store = store(&[root()], &[]);
    let basis = Basis {
        store: &store,
        policy: &Policy::default(),
        at: at(),
    };
    let urls = [vendor.url("/a b"), "http://evil.example/".to_owned()];
    let planned = fetcher(&vendor)
        .plan(basis, &read(&leaf(&urls)), &[])
        .fetches;
    assert_eq!(planned[0].url, urls[0]);
    assert_eq!(planned[0].decision, Ok(vendor.url("/a%20b")));
    assert!(planned[1].decision.is_err());
    assert_eq!(vendor.server().connections(), 0);
}
