//! The certificate of a node: each rule by itself, and what an answer is worth without it.

use endorse::diagnose::Report;
use endorse::diagnose::Status::{self, Fail, Pass, Warn};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};
use rustls::ServerConfig;

use crate::certificates::{Authority, days, self_signed};
use crate::standin::{Fabric, NAME, diagnostic, expected, trouble, with_status};

const FABRIC: &str = "the fabric";
const NODE: &str = "127.0.0.2";

/// What rests on the answers of a node, and cannot pass if anybody may have given them.
const ON_ITS_WORD: [&str; 8] = [
    "hgs-getinfo-answers",
    "hgs-operation-mode",
    "hgs-functional-level",
    "hgs-mode-not-deprecated",
    "hgs-signers-answer",
    "hgs-signer-valid",
    "hgs-clock",
    "key-protection-answers",
];
const ON_THE_WORD_OF_ALL: [&str; 4] = [
    "hgs-nodes-same-mode",
    "hgs-nodes-same-signer",
    "hgs-nodes-same-clock",
    "hgs-nodes-same-level",
];

/// The report of a fabric in which the second node has this certificate.
fn report_with(authority: &Authority, tls: ServerConfig) -> Report {
    let good = || authority.server(&[NAME], |_| {});
    Fabric::https([good(), tls, good()]).report_trusting(&[&authority.der])
}

/// These diagnostics about the certificate, and none that rests on it passes.
#[track_caller]
fn assert_trouble(report: &Report, about_it: &[(&'static str, Status)]) {
    let mut list: Vec<_> = about_it
        .iter()
        .map(|(id, status)| (NODE, *id, *status))
        .collect();
    list.extend(ON_ITS_WORD.map(|id| (NODE, id, Warn)));
    list.extend(ON_THE_WORD_OF_ALL.map(|id| (FABRIC, id, Warn)));
    assert_eq!(trouble(report), expected(&list));
}

#[test]
fn what_is_not_right_about_a_certificate() {
    let authority = Authority::new();
    type Change = fn(&mut CertificateParams);
    let cases: [(&[&str], Change, &'static str); 6] = [
        (&["other.bastion.test"], |_| {}, "hgs-https-name"),
        // The subject is right, but does not count.
        (&["127.0.0.2"], |_| {}, "hgs-https-name"),
        (&["*.test"], |_| {}, "hgs-https-name"),
        (
            &[NAME],
            |params| (params.not_before, params.not_after) = days(-90, -1),
            "hgs-https-validity",
        ),
        (
            &[NAME],
            |params| (params.not_before, params.not_after) = days(1, 90),
            "hgs-https-validity",
        ),
        (
            &[NAME],
            |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            "hgs-https-usage",
        ),
    ];
    for (names, change, id) in cases {
        let report = report_with(&authority, authority.server(names, change));
        assert_trouble(&report, &[(id, Fail)]);
    }
}

#[test]
fn what_is_right_about_a_certificate() {
    let authority = Authority::new();
    type Change = fn(&mut CertificateParams);
    let cases: [(&[&str], Change); 5] = [
        (&["*.bastion.test"], |_| {}),
        (&["other.test", "HGS.bastion.test"], |_| {}),
        // Without alternative names the subject counts.
        (&[], |_| {}),
        (&[NAME], |params| params.extended_key_usages = Vec::new()),
        (&[NAME], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
        }),
    ];
    for (names, change) in cases {
        let report = report_with(&authority, authority.server(names, change));
        assert_eq!(trouble(&report), [], "{names:?}");
    }
}

/// It still counts, but not for long.
#[test]
fn a_certificate_that_ends_soon() {
    let authority = Authority::new();
    for (left, list) in [
        (29, expected(&[(NODE, "hgs-https-validity", Warn)])),
        (31, Vec::new()),
    ] {
        let tls = authority.server(&[NAME], |params| {
            (params.not_before, params.not_after) = days(-1, left);
        });
        assert_eq!(trouble(&report_with(&authority, tls)), list);
    }
}

#[test]
fn an_authority_that_nobody_trusts() {
    let authority = Authority::new();
    let other = Authority::new();
    let report = report_with(&authority, other.server(&[NAME], |_| {}));
    assert_trouble(&report, &[("hgs-https-chain", Fail)]);
    let (tls, _) = self_signed(&[NAME]);
    let report = report_with(&authority, tls);
    assert_trouble(&report, &[("hgs-https-chain", Fail)]);
}

/// No root is trusted because a server sent it: without `--tls-root` nothing passes.
#[test]
fn nothing_passes_on_the_word_of_a_server_that_may_be_anybody() {
    let authority = Authority::new();
    let tls = || authority.server(&[NAME], |_| {});
    let fabric = Fabric::https([tls(), tls(), tls()]);
    let report = fabric.report();
    let passed: Vec<_> = with_status(&report, &[Pass])
        .into_iter()
        .map(|(_, id, _)| id)
        .collect();
    for id in ON_ITS_WORD.iter().chain(&ON_THE_WORD_OF_ALL) {
        assert!(!passed.contains(id), "{id}");
    }
    // Nobody said whom to trust, so it is not known whether it is wrong.
    assert_eq!(with_status(&report, &[Fail]), []);
    let chain = diagnostic(&report, NODE, "hgs-https-chain");
    assert_eq!(chain.status, Warn);
    // Somebody did, and it is another.
    let failed = with_status(&fabric.report_trusting(&[&Authority::new().der]), &[Fail]);
    assert!(failed.iter().all(|(_, id, _)| *id == "hgs-https-chain"));
    assert_eq!(failed.len(), 3);
    let found = diagnostic(&report, NODE, "hgs-operation-mode");
    assert!(
        found.evidence[1].contains("did not prove to be hgs.bastion.test"),
        "{found:?}"
    );
    // What is wrong stays wrong.
    fabric.change(1, |node| {
        node.metadata = Err(("500 Internal Server Error", ""))
    });
    let report = fabric.report();
    assert_eq!(
        diagnostic(&report, NODE, "key-protection-answers").status,
        Fail
    );
    assert_eq!(trouble(&fabric.report_trusting(&[&authority.der])).len(), 1);
}

/// A certificate that signed itself is trusted if it was named, and for itself alone.
#[test]
fn certificates_that_signed_themselves() {
    let (first, _) = self_signed(&[NAME]);
    let (second, pem) = self_signed(&[NAME]);
    let (third, _) = self_signed(&[NAME]);
    let der = endorse::trust::read_certificates(pem.as_bytes()).unwrap();
    let fabric = Fabric::https([first, second, third]);
    let report = fabric.report_trusting(&[der[0].der()]);
    for (node, status) in [("127.0.0.1", Fail), (NODE, Pass), ("127.0.0.3", Fail)] {
        assert_eq!(diagnostic(&report, node, "hgs-https-chain").status, status);
    }
    assert_eq!(diagnostic(&report, NODE, "hgs-operation-mode").status, Pass);
}

/// An authority that may issue for other names alone does not get round that by the subject,
/// which no constraint is about.
#[test]
fn an_authority_for_some_names_alone() {
    let authority = Authority::for_names_below("other.test");
    for names in [&[][..], &[NAME]] {
        let good = || authority.server(names, |_| {});
        let report = Fabric::https([good(), good(), good()]).report_trusting(&[&authority.der]);
        let passed = with_status(&report, &[Pass]);
        for id in ON_ITS_WORD {
            assert!(
                !passed.contains(&(NODE.to_owned(), id, Pass)),
                "{names:?}: {id}"
            );
        }
        let id = match names.is_empty() {
            true => "hgs-https-name",
            false => "hgs-https-chain",
        };
        assert_eq!(diagnostic(&report, NODE, id).status, Fail);
    }
    // The same of the name that it may issue for.
    let authority = Authority::for_names_below("bastion.test");
    let good = || authority.server(&[NAME], |_| {});
    let report = Fabric::https([good(), good(), good()]).report_trusting(&[&authority.der]);
    assert_eq!(trouble(&report), []);
}
