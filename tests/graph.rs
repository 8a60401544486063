//! The hierarchy of a store as it is drawn.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]

#[path = "support/pki.rs"]
mod pki;
#[path = "support/skip.rs"]
mod skip;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::Fault;
use endorse::hash::Sha256Digest;
use endorse::trust::{Graph, GraphEntry, GraphRole, MAX_GRAPH_NODES, MAX_GRAPH_PAIRS, Purpose};

use pki::*;

const STORE: &str = "testdata/graph/store";

struct Stored {
    /// Its file, without `.der`.
    name: String,
    vendor: String,
    role: GraphRole,
    certificate: Certificate,
}

impl Stored {
    fn entry(&self) -> GraphEntry<'_> {
        GraphEntry {
            certificate: &self.certificate,
            role: self.role,
            vendor: Some(&self.vendor),
            purpose: Purpose::of(&self.certificate),
        }
    }
}

/// The store that `testdata/graph/make.sh` made.
fn store() -> Vec<Stored> {
    let mut stored = Vec::new();
    for vendor in ["Alpha", "Beta", "Lost"] {
        for (pool, role) in [
            ("RootCA", GraphRole::Root),
            ("IntermediateCA", GraphRole::Intermediate),
        ] {
            let Ok(files) = fs::read_dir(format!("{STORE}/{vendor}/{pool}")) else {
                continue;
            };
            for file in files {
                let path = file.unwrap().path();
                stored.push(Stored {
                    name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                    vendor: vendor.to_owned(),
                    role,
                    certificate: Certificate::from_der(&fs::read(path).unwrap()).unwrap(),
                });
            }
        }
    }
    assert_eq!(stored.len(), 16);
    stored
}

fn at() -> Time {
    Time::parse_rfc3339("2027-01-01").unwrap()
}

fn graph_of(stored: &[Stored]) -> Graph {
    Graph::of(stored.iter().map(Stored::entry), at()).unwrap()
}

/// Issuer and subject, by the names of their files.
fn edges(graph: &Graph, stored: &[Stored]) -> BTreeSet<(String, String)> {
    let names: BTreeMap<Sha256Digest, &str> = stored
        .iter()
        .map(|stored| (stored.certificate.sha256(), stored.name.as_str()))
        .collect();
    let edges = graph.edges();
    edges
        .map(|(issuer, subject)| (names[&issuer].to_owned(), names[&subject].to_owned()))
        .collect()
}

#[test]
fn an_edge_is_a_signature_that_was_verified() {
    let stored = store();
    let graph = graph_of(&stored);
    let expected = [
        ("alpha", "aik"),
        ("alpha", "alpha-old"),
        ("alpha", "alpha-one"),
        ("alpha", "alpha-two"),
        ("alpha", "beta-by-alpha"),
        ("alpha", "hostile"),
        ("alpha", "weak"),
        // Both editions of Beta's root have the key.
        ("beta", "beta-one"),
        ("beta-by-alpha", "beta-one"),
        ("beta-one", "beta-other"),
        ("lost-one", "lost-below"),
    ];
    let expected: BTreeSet<_> = expected
        .iter()
        .map(|(issuer, subject)| ((*issuer).to_owned(), (*subject).to_owned()))
        .collect();
    assert_eq!(edges(&graph, &stored), expected);
    assert_eq!((graph.len(), graph.anchors()), (16, 4));
    // forged, beta-sha1, alone, lost-one, lost-below.
    assert_eq!(graph.unanchored(), 5);
}

/// OpenSSL says the same of every pair in which the names fit.
#[test]
fn openssl_sees_the_same_edges() {
    if Command::new("openssl").arg("version").output().is_err() {
        skip::skip("openssl_sees_the_same_edges", "openssl is not installed");
        return;
    }
    let stored = store();
    let directory = tempfile::tempdir().unwrap();
    let pem = |stored: &Stored| {
        let path = directory.path().join(format!("{}.pem", stored.name));
        let made = Command::new("openssl")
            .args(["x509", "-inform", "DER", "-in"])
            .arg(format!(
                "{STORE}/{}/{}/{}.der",
                stored.vendor,
                match stored.role {
                    GraphRole::Root => "RootCA",
                    _ => "IntermediateCA",
                },
                stored.name
            ))
            .arg("-out")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        path
    };
    let files: Vec<_> = stored.iter().map(pem).collect();
    let mut seen = BTreeSet::new();
    let mut pairs = 0;
    for (issuer, issuer_file) in stored.iter().zip(&files) {
        for (subject, subject_file) in stored.iter().zip(&files) {
            let named = subject.certificate.issuer().key() == issuer.certificate.subject().key();
            // What issued itself has no other issuer.
            if !named || issuer.name == subject.name || subject.certificate.is_self_issued() {
                continue;
            }
            pairs += 1;
            let verified = Command::new("openssl")
                .args([
                    "verify",
                    "-partial_chain",
                    "-no_check_time",
                    "-auth_level",
                    "0",
                ])
                .arg("-trusted")
                .arg(issuer_file)
                .arg(subject_file)
                .output()
                .unwrap();
            if verified.status.success() {
                seen.insert((issuer.name.clone(), subject.name.clone()));
            }
        }
    }
    assert!(pairs > 11, "{pairs}");
    // OpenSSL verifies ECDSA with SHA-1, which is not done here.
    for edition in ["beta", "beta-by-alpha"] {
        assert!(seen.remove(&(edition.to_owned(), "beta-sha1".to_owned())));
    }
    assert_eq!(edges(&graph_of(&stored), &stored), seen);
}

/// `ENDORSE_WRITE_DRAWINGS=1` writes the drawings anew.
#[test]
fn the_drawings_are_these() {
    let mut stored = store();
    let graph = graph_of(&stored);
    for (file, drawn) in [
        ("testdata/graph/store.dot", graph.to_dot("A test")),
        ("testdata/graph/store.svg", graph.to_svg("A test")),
    ] {
        if std::env::var_os("ENDORSE_WRITE_DRAWINGS").is_some() {
            fs::write(file, &drawn).unwrap();
        }
        assert!(fs::read_to_string(file).unwrap() == drawn, "{file} differs");
    }
    // Whatever the order in which files are listed.
    stored.reverse();
    let again = graph_of(&stored);
    assert_eq!(again.to_dot("A test"), graph.to_dot("A test"));
    assert_eq!(again.to_svg("A test"), graph.to_svg("A test"));
}

#[test]
fn what_matters_is_marked() {
    let stored = store();
    let dot = graph_of(&stored).to_dot("A test");
    let label = |name: &str| {
        let stored = stored.iter().find(|stored| stored.name == name).unwrap();
        let id = format!("c{} [label=\"", stored.certificate.sha256());
        let (_, rest) = dot.split_once(&id).unwrap();
        let label = rest.split("\", tooltip").next().unwrap();
        // The fourth line has the marks.
        label.split("\\n").nth(3).unwrap_or_default().to_owned()
    };
    for (name, marks) in [
        ("alpha", "anchor"),
        ("alpha-old", "expired · SHA-1"),
        ("alpha-two", "not yet valid"),
        ("alpha-one", "shared name"),
        ("weak", "weak key · shared name"),
        ("aik", "AIK"),
        ("beta", "anchor · editions"),
        ("beta-by-alpha", "anchor · not self-issued · editions"),
        ("beta-one", "anchor · not self-issued"),
        ("beta-other", ""),
        ("beta-sha1", "SHA-1"),
        ("lost-one", ""),
        ("hostile", ""),
    ] {
        assert_eq!(label(name), marks, "{name}");
    }
    // Before it was issued nothing is expired.
    let early = Time::parse_rfc3339("2019-01-01").unwrap();
    let graph = Graph::of(stored.iter().map(Stored::entry), early).unwrap();
    assert!(!graph.to_dot("").contains("expired"));
    // Why there is no path to an anchor.
    for why in [
        "self-signed, but no anchor\"",
        "the issuer is not here\\nLost Root CA\"",
        "the issuer's name is here, but none of its keys made the signature\\nAlpha Root CA\"",
        "the issuer's name is here, but the signature cannot be verified\\nBeta Root CA\"",
    ] {
        assert!(dot.contains(why), "{why}");
    }
}

#[test]
fn a_part_of_it_has_what_leads_to_it() {
    let stored = store();
    let graph = graph_of(&stored);
    let other = stored.iter().find(|s| s.name == "beta-other").unwrap();
    let part = graph.restricted(|certificate| *certificate == other.certificate);
    let expected: BTreeSet<_> = [
        ("alpha", "beta-by-alpha"),
        ("beta", "beta-one"),
        ("beta-by-alpha", "beta-one"),
        ("beta-one", "beta-other"),
    ]
    .iter()
    .map(|(issuer, subject)| ((*issuer).to_owned(), (*subject).to_owned()))
    .collect();
    assert_eq!(edges(&part, &stored), expected);
    assert_eq!((part.len(), part.anchors(), part.unanchored()), (5, 4, 0));
    let nothing = graph.restricted(|_| false);
    assert!(nothing.is_empty());
    check_svg(&nothing.to_svg(""), &[]);
}

/// It is well-formed XML of the elements that are drawn with, whatever names there are,
/// and says all of every certificate.
fn check_svg(svg: &str, certificates: &[&Certificate]) {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    loop {
        let element = match reader.read_event().unwrap() {
            Event::Start(element) => {
                depth += 1;
                element.into_owned()
            }
            Event::Empty(element) => element.into_owned(),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Text(_) | Event::GeneralRef(_) => continue,
            Event::Eof => break,
            other => panic!("{other:?}"),
        };
        let name = element.name();
        let known = ["svg", "title", "desc", "style", "rect", "text", "path", "g"];
        assert!(known.contains(&name.as_ref()), "{element:?}");
        for attribute in element.attributes() {
            let key = attribute.unwrap().key;
            assert!(!key.as_ref().starts_with("on"), "{element:?}");
            assert_ne!(key.as_ref(), "href", "{element:?}");
        }
    }
    assert_eq!(depth, 0);
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!svg.contains('\u{202e}'));
    assert!(!svg.contains("]]>"));
    for certificate in certificates {
        let digest = certificate.sha256().to_string();
        assert_eq!(svg.matches(&format!("SHA-256 {digest}")).count(), 1);
    }
}

/// `dot` reads it; a name cannot end a string.
fn check_dot(test: &str, dot: &str) {
    assert!(dot.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!dot.contains('\u{202e}'));
    let Ok(mut child) = Command::new("dot")
        .arg("-Tcanon")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        skip::skip(test, "dot of Graphviz is not installed");
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    let text = dot.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && complaints.is_empty(),
        "{complaints}"
    );
    let canonical = String::from_utf8(output.stdout).unwrap();
    let nodes = canonical.matches("tooltip=").count();
    assert_eq!(nodes, dot.matches("tooltip=").count());
}

#[test]
fn hostile_names_stay_text() {
    let stored = store();
    let graph = graph_of(&stored);
    let certificates: Vec<&Certificate> = stored.iter().map(|s| &s.certificate).collect();
    let title = "<b>\"]]>\\\u{202e}\u{1b}\\N&lt;";
    check_svg(&graph.to_svg(title), &certificates);
    check_dot("hostile_names_stay_text", &graph.to_dot(title));
    // Names of every odd kind, and a long one.
    for name in [
        "\"];\nx -> y [label=\"",
        "\\",
        "\\\"",
        "&quot;&#10;",
        "<![CDATA[<script/>]]>",
        "--><style>",
        "\u{0}\u{7f}\u{85}\u{fffe}\u{10ffff}",
        &"W".repeat(25_000),
        &"\u{1b}".repeat(300),
        "東京\u{202e}\u{2066}",
    ] {
        let subject = pki::name(&[common_name_of(name)]);
        let spec = Spec::ca(subject.clone(), ec_key(0), subject, ec_key(0));
        let certificate = Certificate::from_der(&spec.der()).unwrap();
        let entry = |role| GraphEntry {
            certificate: &certificate,
            role,
            vendor: Some(name),
            purpose: Purpose::Unknown,
        };
        for role in [GraphRole::Root, GraphRole::Intermediate, GraphRole::EkCert] {
            let graph = Graph::of([entry(role)], at()).unwrap();
            let svg = graph.to_svg(name);
            check_svg(&svg, &[&certificate]);
            check_dot("hostile_names_stay_text", &graph.to_dot("A test"));
            assert!(svg.len() < 400_000, "{}", svg.len());
        }
    }
}

/// A common name of any length.
fn common_name_of(text: &str) -> Vec<u8> {
    let long = |tag: u8, content: &[u8]| {
        let length = content.len() as u32;
        [&[tag, 0x84][..], &length.to_be_bytes(), content].concat()
    };
    long(
        0x30,
        &[oid("2.5.4.3"), long(UTF8, text.as_bytes())].concat(),
    )
}

fn ca(subject: &str, key: usize, issuer: &str, signer: usize) -> Certificate {
    let spec = Spec::ca(
        dn("V", subject),
        ec_key(key),
        dn("V", issuer),
        ec_key(signer),
    );
    Certificate::from_der(&spec.der()).unwrap()
}

fn entries<'a>(
    certificates: &'a [Certificate],
    role: GraphRole,
) -> impl Iterator<Item = GraphEntry<'a>> {
    certificates.iter().map(move |certificate| GraphEntry {
        certificate,
        role,
        vendor: None,
        purpose: Purpose::Unknown,
    })
}

/// CAs that issued each other have no first one.
#[test]
fn circles_are_drawn_once() {
    let circle = [
        ca("A", 0, "C", 2),
        ca("B", 1, "A", 0),
        ca("C", 2, "B", 1),
        ca("D", 3, "C", 2),
    ];
    for (role, unanchored) in [(GraphRole::Root, 0), (GraphRole::Intermediate, 4)] {
        let graph = Graph::of(entries(&circle, role), at()).unwrap();
        assert_eq!(graph.edges().count(), 4);
        assert_eq!(graph.unanchored(), unanchored);
        let certificates: Vec<&Certificate> = circle.iter().collect();
        check_svg(&graph.to_svg("A test"), &certificates);
    }
}

/// A certificate that is there as root and as intermediate, of two vendors, is one anchor.
#[test]
fn a_certificate_is_drawn_once() {
    let root = [ca("A", 0, "A", 0)];
    let twice = entries(&root, GraphRole::Intermediate)
        .map(|entry| GraphEntry {
            vendor: Some("Second"),
            ..entry
        })
        .chain(entries(&root, GraphRole::Root).map(|entry| GraphEntry {
            vendor: Some("First"),
            ..entry
        }));
    let graph = Graph::of(twice, at()).unwrap();
    assert_eq!((graph.len(), graph.anchors()), (1, 1));
    assert!(graph.to_svg("").contains(">First, Second</text>"));
}

/// A hierarchy as deep as its certificates say needs no deep stack.
#[test]
fn a_long_chain_is_drawn() {
    let mut chain = vec![ca("0", 0, "0", 0)];
    for number in 1..3000 {
        chain.push(ca(&number.to_string(), 0, &(number - 1).to_string(), 0));
    }
    let graph = Graph::of(
        entries(&chain[1..], GraphRole::Intermediate).chain(entries(&chain[..1], GraphRole::Root)),
        at(),
    )
    .unwrap();
    assert_eq!((graph.len(), graph.unanchored()), (3000, 0));
    let svg = graph.to_svg("A test");
    assert_eq!(svg.matches("<g><title>").count(), 3000);
    assert!(graph.to_dot("A test").lines().count() > 6000);
}

/// Those with like names share a cell where there are very many; each is counted.
#[test]
fn very_many_under_one_issuer_share_cells() {
    let root = ca("Root", 0, "Root", 0);
    let mut leaves = Vec::new();
    for number in 0..250u32 {
        let digits = endorse::hash::sha256(&number.to_be_bytes()).to_string();
        let name = format!("EUS-IFX-KEYID-{}", &digits[..40]);
        leaves.push(ca(&name, 1, "Root", 0));
    }
    leaves.push(ca("Another", 1, "Root", 0));
    let graph = Graph::of(
        entries(&leaves, GraphRole::Intermediate)
            .chain(entries(std::slice::from_ref(&root), GraphRole::Root)),
        at(),
    )
    .unwrap();
    let svg = graph.to_svg("A test");
    assert!(svg.contains("250 × EUS-IFX-KEYID-…"));
    assert!(svg.contains(">Another</text>"));
    assert_eq!(svg.matches("<g><title>").count(), 3);
    // The other form leaves nothing out.
    assert_eq!(graph.to_dot("A test").matches("tooltip=").count(), 252);
}

#[test]
fn too_much_is_refused() {
    // The serial number is in the first octets; nobody asks whether the signature fits.
    let der = Spec::ca(dn("V", "A"), ec_key(0), dn("V", "B"), ec_key(1)).der();
    let place = der.windows(3).position(|w| w == [1, 0x23, 0x45]).unwrap();
    let many: Vec<Certificate> = (0..=MAX_GRAPH_NODES as u32)
        .map(|number| {
            let mut der = der.clone();
            der[place..place + 3].copy_from_slice(&number.to_be_bytes()[1..]);
            der[place] |= 0x40;
            Certificate::from_der(&der).unwrap()
        })
        .collect();
    let refused = Graph::of(entries(&many, GraphRole::Intermediate), at()).unwrap_err();
    assert_eq!(refused.fault, Fault::Unsupported);
    assert!(refused.message.contains("20000 certificates"), "{refused}");

    // Editions of one CA, and what they all may have issued: one signature each, but many
    // lines.
    let editions: Vec<Certificate> = many.iter().take(500).cloned().collect();
    let mut spec = Spec::ca(dn("V", "C"), ec_key(2), dn("V", "A"), ec_key(0));
    let subjects: Vec<Certificate> = (0..=(MAX_GRAPH_PAIRS / 500) as u16)
        .map(|number| {
            spec.serial = [&[0x40], &number.to_be_bytes()[..]].concat();
            Certificate::from_der(&spec.der()).unwrap()
        })
        .collect();
    let all =
        || entries(&editions, GraphRole::Root).chain(entries(&subjects, GraphRole::Intermediate));
    let refused = Graph::of(all(), at()).unwrap_err();
    assert!(refused.message.contains("200000 pairs"), "{refused}");
    let fits = Graph::of(all().skip(2), at()).unwrap();
    assert_eq!(fits.edges().count(), 498 * subjects.len());

    // Many keys of one name, which issued each other by name.
    let mut spec = Spec::ca(dn("V", "A"), ec_key(0), dn("V", "A"), ec_key(0));
    let identifier = Scheme::Pkcs1(Hash::Sha256).identifier();
    spec.inner_algorithm = Some(identifier.clone());
    spec.outer_algorithm = Some(identifier);
    let der = spec.der();
    let key = spec.spki[spec.spki.len() - 8..].to_vec();
    let place = der.windows(8).position(|window| window == key).unwrap();
    let count = (MAX_GRAPH_PAIRS as f64).sqrt() as u32 + 2;
    let many: Vec<Certificate> = (0..count)
        .map(|number| {
            let mut der = der.clone();
            der[place..place + 4].copy_from_slice(&number.to_be_bytes());
            Certificate::from_der(&der).unwrap()
        })
        .collect();
    let refused = Graph::of(entries(&many, GraphRole::Intermediate), at()).unwrap_err();
    assert_eq!(refused.fault, Fault::Unsupported);
    assert!(refused.message.contains("200000 pairs"), "{refused}");
}
