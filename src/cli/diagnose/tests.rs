//! The renderers, by a report that has every set, every status and every kind of remedy.
//! `ENDORSE_WRITE_REPORTS=1` writes the files below `tests/golden/diagnose` anew.

use std::fs;

use super::{OpenedBundle, Run, html, json, text};
use crate::der::Time;
use crate::diagnose::{
    Basis, Definition, Diagnostic, Report, Role, Set, SetReport, Status, TargetReport,
};
use crate::finding::{Code, Error};

macro_rules! definition {
    ($id:literal, $set:ident, $title:literal, $basis:ident, $source:literal) => {{
        static DEFINITION: Definition = Definition {
            id: $id,
            set: Set::$set,
            title: $title,
            basis: Basis::$basis,
            source: $source,
        };
        &DEFINITION
    }};
}

/// One set with its diagnostics, which all have to be of it.
fn set(diagnostics: Vec<Diagnostic>) -> SetReport {
    let set = diagnostics[0].definition.set;
    assert!(diagnostics.iter().all(|one| one.definition.set == set));
    SetReport { set, diagnostics }
}

fn node() -> TargetReport {
    TargetReport {
        name: "hgs01.bastion.test".to_owned(),
        role: Role::HostGuardianService,
        source: "https://hgs01.bastion.test/".to_owned(),
        sets: vec![
            set(vec![
                Diagnostic::pass(
                    definition!("sample-name", Networking, "The name has an address", Documented, "RFC 1034, 3.7"),
                    "hgs01.bastion.test is at 192.0.2.11",
                ),
                Diagnostic::not_applicable(
                    definition!("sample-proxy", Networking, "No proxy stands between", Inferred, "how HTTP works"),
                    "no proxy is set",
                ),
            ]),
            set(vec![Diagnostic::warn(
                definition!("sample-https", Https, "The certificate outlives the month", Observed, "a report in public"),
                "CN=hgs.bastion.test is valid until 2026-12-01T00:00:00Z",
            )
            .then("Renew the certificate of the service and give it to every node.")]),
            set(vec![Diagnostic::fail(
                definition!(
                    "sample-renewal",
                    HostGuardianService,
                    "The attestation signer is valid",
                    Documented,
                    "Troubleshoot the Host Guardian Service, Time drift"
                ),
                "CN=Microsoft Remote Attestation Service was valid until 2026-11-01T00:00:00Z",
            )
            .seen(r"the clock of the node is 0 seconds off; the service runs as BASTION\svc-hgs$")
            .then("Have the signer renewed:")
            .powershell(r"Start-ScheduledTask -TaskPath \Microsoft\Windows\HGSServer\ -TaskName AttestationSignerCertRenewalTask")
            .powershell(r"Get-HgsAttestationSignerCertificate")
            .then("Then look again:")
            .sh("endorse diagnose --hgs 'https://hgs.bastion.test/'")]),
        ],
    }
}

fn host() -> TargetReport {
    TargetReport {
        name: "hyp01".to_owned(),
        role: Role::GuardedHost,
        source: "this machine".to_owned(),
        sets: vec![
            set(vec![Diagnostic::pass(
                definition!(
                    "sample-base",
                    Base,
                    "The files could be read",
                    Documented,
                    "docs/diagnose.md"
                ),
                "3 files",
            )]),
            set(vec![
                Diagnostic::warn(
                    definition!(
                        "sample-status",
                        GuardedHost,
                        "The host attested",
                        Documented,
                        "Get-HgsClientConfiguration"
                    ),
                    "AttestationStatus is Expired",
                )
                .then("Attest again.")
                .powershell("Test-HgsClientConfiguration"),
            ]),
            set(vec![
                Diagnostic::fail(
                    definition!(
                        "sample-iommu",
                        Hardware,
                        "There is an IOMMU",
                        Documented,
                        "Prerequisites for guarded hosts"
                    ),
                    "no IOMMU group in /sys/kernel/iommu_groups",
                )
                .then("Switch on VT-d or AMD-Vi in the firmware."),
            ]),
            set(vec![
                Diagnostic::fail(
                    definition!(
                        "sample-tpm-mode",
                        GuardedFabricTpmMode,
                        "The host would pass Hgs_IommuEnabled",
                        Inferred,
                        "MS-HGSA 2.2.2"
                    ),
                    "the policy wants an IOMMU",
                )
                .then("See above."),
            ]),
        ],
    }
}

fn fabric() -> TargetReport {
    TargetReport {
        name: "the fabric".to_owned(),
        role: Role::Fabric,
        source: "all targets together".to_owned(),
        sets: vec![
            set(vec![Diagnostic::not_applicable(
                definition!(
                    "sample-ad-mode",
                    GuardedFabricADMode,
                    "All nodes switched to AD mode",
                    Documented,
                    "Switching attestation modes"
                ),
                "the service is in TPM mode",
            )]),
            set(vec![Diagnostic::pass(
                definition!(
                    "sample-best",
                    BestPractices,
                    "There are three nodes",
                    Documented,
                    "Plan for HGS"
                ),
                "3 nodes",
            )]),
        ],
    }
}

fn sample() -> Report {
    let report = Report {
        targets: vec![node(), host(), fabric()],
    };
    let sets = report.targets.iter().flat_map(|target| &target.sets);
    let mut sets: Vec<Set> = sets.map(|set| set.set).collect();
    sets.sort();
    let mut all = Set::ALL.to_vec();
    all.sort();
    assert_eq!(sets, all);
    let counts = report.counts();
    assert_eq!((counts.fail, counts.warn), (3, 2));
    assert_eq!((counts.pass, counts.not_applicable), (3, 2));
    assert_eq!(counts.total(), 10);
    report
}

fn with_run<T>(report: &Report, act: impl FnOnce(&Run<'_>) -> T) -> T {
    let made_at = Time::parse_rfc3339("2026-11-20T08:00:00Z").unwrap();
    let bundles = [OpenedBundle {
        path: "fabric.json".to_owned(),
        made_at,
        made_by: "endorse VERSION".to_owned(),
    }];
    let errors = [Error::malformed(
        Code::JsonMalformed,
        "other.json: the bundle cannot be read: EOF while parsing a value",
        "copy it again as a file",
    )];
    act(&Run {
        report,
        at: made_at,
        now: Time::parse_rfc3339("2026-11-24T12:00:00Z").unwrap(),
        bundles: &bundles,
        errors: &errors,
    })
}

#[test]
fn the_reports_are_these() {
    let report = sample();
    with_run(&report, |run| {
        for (file, made) in [
            ("report.txt", text::tree(run, false, false)),
            ("report-detailed.txt", text::tree(run, true, false)),
            ("report.json", json::document(run)),
            ("report.html", html::page(run, false)),
            ("report-detailed.html", html::page(run, true)),
        ] {
            let file = format!("tests/golden/diagnose/{file}");
            if std::env::var_os("ENDORSE_WRITE_REPORTS").is_some() {
                fs::write(&file, &made).unwrap();
            }
            let golden = fs::read_to_string(&file).unwrap();
            assert!(golden == made, "{file} differs");
        }
    });
}

/// Every part of the tree, and the order of their weight.
#[test]
fn the_document_says_all_of_the_tree() {
    let report = sample();
    let document = with_run(&report, json::document);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["schema"], "endorse.diagnose/1");
    assert_eq!(document["summary"]["status"], "fail");
    assert_eq!(document["summary"]["at"], "2026-11-20T08:00:00Z");
    assert_eq!(document["summary"]["bundles"][0]["age_seconds"], 360_000);
    assert_eq!(document["summary"]["errors"][0]["code"], "json-malformed");
    let mut statuses = vec![];
    for target in document["results"].as_array().unwrap() {
        for set in target["sets"].as_array().unwrap() {
            for one in set["diagnostics"].as_array().unwrap() {
                statuses.push(one["status"].as_str().unwrap());
                let good = matches!(one["status"].as_str(), Some("pass" | "not-applicable"));
                assert_eq!(one["remedy"].as_array().unwrap().is_empty(), good, "{one}");
            }
        }
    }
    for status in [
        Status::Fail,
        Status::Warn,
        Status::Pass,
        Status::NotApplicable,
    ] {
        assert!(statuses.contains(&status.as_str()), "{status:?}");
    }
}

#[test]
fn colour_only_repeats_words() {
    let report = sample();
    with_run(&report, |run| {
        let plain = text::tree(run, true, false);
        let painted = text::tree(run, true, true);
        assert_ne!(plain, painted);
        let mut stripped = painted;
        for code in [
            "\x1b[1;31m",
            "\x1b[1;32m",
            "\x1b[1;33m",
            "\x1b[1m",
            "\x1b[0m",
        ] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    });
}

const HOSTILE: &[&str] = &[
    "</pre></code><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<!--",
    "]]>",
    "&lt;b&gt; &#x3c;",
    "\x1b[2J\x1b]0;title\x07",
    "a\u{202e}b\u{2066}c\u{200b}d\u{feff}",
    "line\nOverall Result: Pass\r\n>>> rm -r /",
    "\0\u{7f}\u{85}\u{9b}31m\u{fffe}\u{10ffff}",
    "javascript:alert(1)",
];

/// The same text in every place that what was seen may reach.
fn hostile(text: &str) -> Report {
    let one = Diagnostic::fail(
        definition!("sample-hostile", Base, "A sample", Documented, "a source"),
        text,
    )
    .then(text)
    .powershell(text)
    .sh(text);
    Report {
        targets: vec![
            TargetReport {
                name: text.to_owned(),
                role: Role::Unknown,
                source: text.to_owned(),
                sets: vec![set(vec![one])],
            },
            fabric(),
        ],
    }
}

fn render_hostile(text: &str) -> (String, String) {
    let report = hostile(text);
    let bundles = [OpenedBundle {
        path: text.to_owned(),
        made_at: Time::from_unix(i64::MAX),
        made_by: text.to_owned(),
    }];
    let errors = [Error::environment(text, text)];
    let run = Run {
        report: &report,
        at: Time::from_unix(i64::MIN),
        now: Time::from_unix(0),
        bundles: &bundles,
        errors: &errors,
    };
    (text::tree(&run, true, false), html::page(&run, true))
}

#[test]
fn hostile_text_stays_text() {
    let (calm_text, calm_page) = render_hostile("calm");
    let tags = |page: &str| page.matches('<').count();
    for text in HOSTILE {
        let (shown, page) = render_hostile(text);
        assert_eq!(shown.lines().count(), calm_text.lines().count(), "{text:?}");
        assert_eq!(tags(&page), tags(&calm_page), "{text:?}");
        for out in [&shown, &page] {
            let odd = |c: char| c.is_control() && c != '\n';
            assert!(!out.contains(odd), "{text:?}");
            assert!(
                !out.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']),
                "{text:?}"
            );
        }
        check_page(&page);
    }
}

/// A megabyte in each place must not bury the rest.
#[test]
fn long_text_is_cut() {
    let (calm_text, calm_page) = render_hostile("calm");
    for letter in ["x", "\u{202e}", "<", "&", "\\"] {
        let (shown, page) = render_hostile(&letter.repeat(1024 * 1024 / letter.len()));
        assert_eq!(shown.lines().count(), calm_text.lines().count());
        assert!(
            shown.len() < calm_text.len() + 12 * 5_000,
            "{}",
            shown.len()
        );
        assert!(page.len() < calm_page.len() + 14 * 30_000, "{}", page.len());
        assert!(shown.contains("characters more"), "{letter}");
        assert!(page.contains("characters more"), "{letter}");
        check_page(&page);
    }
    // Many pieces as well.
    let mut report = hostile("x");
    let evidence = &mut report.targets[0].sets[0].diagnostics[0].evidence;
    *evidence = vec!["y".to_owned(); 100_000];
    with_run(&report, |run| {
        let shown = text::tree(run, false, false);
        assert!(shown.contains("… and 99900 more; --json has all"));
        assert!(shown.lines().count() < 200);
        let page = html::page(run, false);
        assert!(page.contains("… and 99900 more; --json has all"));
        assert!(page.len() < 30_000);
        assert_eq!(json::document(run).matches("\"y\"").count(), 100_000);
    });
}

/// Tags that are closed, of elements and attributes that can load and run nothing.
fn check_page(page: &str) {
    const ELEMENTS: &[&str] = &[
        "html", "head", "meta", "title", "style", "body", "a", "header", "main", "footer", "nav",
        "section", "article", "details", "summary", "div", "span", "p", "h1", "h2", "h3", "h4",
        "ul", "ol", "li", "dl", "dt", "dd", "pre", "code", "strong", "br", "time",
    ];
    const VOID: &[&str] = &["meta", "br"];
    const ATTRIBUTES: &[&str] = &[
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
        "aria-label",
        "open",
    ];
    let mut open = vec![];
    let mut ids = vec![];
    let mut anchors = vec![];
    let page = page.strip_prefix("<!DOCTYPE html>").unwrap();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.contains(&name), "{tag}");
        if !VOID.contains(&name) {
            open.push(name);
        }
        while !rest.is_empty() {
            if rest == "open" {
                break;
            }
            let (attribute, after) = rest.split_once("=\"").unwrap();
            let (value, after) = after.split_once('"').unwrap();
            assert!(ATTRIBUTES.contains(&attribute), "{tag}");
            match attribute {
                "id" => ids.push(value),
                "href" => anchors.push(value.strip_prefix('#').unwrap()),
                _ => {}
            }
            rest = after.trim_start();
        }
    }
    assert_eq!(open, [""; 0]);
    for anchor in anchors {
        assert!(ids.contains(&anchor), "{anchor}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert!(!page.contains("url(") && !page.contains("@import"));
}

/// The policy names the style sheet that is there, by a hash that OpenSSL agrees with.
#[test]
fn the_page_may_load_nothing() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let report = sample();
    let page = with_run(&report, |run| html::page(run, false));
    check_page(&page);
    let style = page.split("<style>").nth(1).unwrap();
    let style = style.split("</style>").next().unwrap();
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = openssl.stdin.take().unwrap();
    stdin.write_all(style.as_bytes()).unwrap();
    drop(stdin);
    let output = openssl.wait_with_output().unwrap();
    let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, output.stdout);
    assert!(page.contains(&format!(
        "content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\""
    )));
    assert!(!page.contains("style=\""));
}
