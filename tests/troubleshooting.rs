//! Everything in Microsoft's article "Troubleshoot the Host Guardian Service" is found by
//! something here, and the page about it names what there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use endorse::diagnose::DEFINITIONS;
use endorse::finding::Code;

const PAGE: &str = "docs/troubleshooting.md";

/// What finds a thing that the article speaks of.
enum By {
    /// A diagnostic.
    Id(&'static str),
    /// A finding.
    Finding(&'static str),
    /// A subcommand, where it is a matter of doing or of looking something up.
    Run(&'static str),
    /// Nothing needs to find it, for this reason.
    Nothing(&'static str),
}
use By::{Finding, Id, Nothing, Run};

/// A paragraph, list, block of commands or row of a table of the article.
struct Place {
    /// Its section.
    section: &'static str,
    /// What it says, in our words.
    says: &'static str,
    by: &'static [By],
    /// The heading of our page. Empty only where nothing needs to find it.
    heading: &'static str,
}

const fn place(
    section: &'static str,
    says: &'static str,
    by: &'static [By],
    heading: &'static str,
) -> Place {
    Place {
        section,
        says,
        by,
        heading,
    }
}

const KEY_ACCESS: &str = "The service account cannot read a private key";
const MODULE: &str = "The key is in a security module or with another provider";
const MODULE_USAGE: &str = "Key usage for a security module";
const SIGNING: &str = "A signing certificate does not meet the minimum";
const ENCRYPTION: &str = "An encryption certificate does not meet the minimum";
const TEMPLATE: &str = "A certificate template does not fit";
const SIGNER: &str = "The attestation signer is not valid";
const CLOCKS: &str = "Clocks differ";
const MODE: &str = "After a change of the mode not all nodes are in it";
const TPM_TO_AD: &str = "From TPM to AD mode the other nodes do not follow";
const OLD_MODE: &str = "Hosts lose access after a change of the mode";
const DUMPS: &str = "The policies about memory dumps are missing";
const DUMPED: &str = "Hosts are refused for their memory dumps";
const NO_EKCERT: &str = "The platform identifier has no EKcert";
const UNTRUSTED: &str = "The EKcert is not trusted";
const UNKNOWN_HOST: &str = "The service does not know the host";
const AUDIT: &str = "The service account may not write security audits";
const REPLACED: &str = "The privilege was set and others lost it";

/// The article, from its first paragraph to its last: a row for each, so it stays a table.
#[rustfmt::skip]
const ARTICLE: &[Place] = &[
    place("(start)", "what the article is for", &[Nothing("it introduces the article")], ""),
    place("(start)", "run the diagnostics on services and hosts first", &[Run("diagnose"), Run("diagnose collect")], ""),
    // Certificates.
    place("Certificates", "the service needs an encryption, a signing and an attestation certificate", &[Run("check-certificate"), Id("hgs-certificate")], SIGNING),
    place("Certificates", "wrongly configured ones stop attestation and the release of keys", &[Id("key-protection-answers"), Id("hgs-signers-answer")], KEY_ACCESS),
    place("Certificates", "common problems follow", &[Nothing("it introduces the sections below")], ""),
    place("Certificate Permissions", "the service reads public and private keys of certificates added by thumbprint", &[Id("key-file-readable"), Id("key-file-access"), Id("hgs-certificates-replicated")], KEY_ACCESS),
    place("Certificate Permissions", "it does so as its gMSA", &[Id("key-file-readable")], KEY_ACCESS),
    place("Certificate Permissions", "the command that tells the gMSA", &[Id("key-file-readable")], KEY_ACCESS),
    place("Certificate Permissions", "how access is granted depends on where the key is", &[Id("key-file-readable"), Finding("hgs-provider")], KEY_ACCESS),
    place("Software-backed keys", "when the steps with certlm.msc apply", &[Id("key-file-readable")], KEY_ACCESS),
    place("Software-backed keys", "the seven steps with certlm.msc", &[Id("key-file-readable")], KEY_ACCESS),
    place("Software-backed keys", "Server Core and remote management need GuardedFabricTools", &[Id("key-file-readable")], KEY_ACCESS),
    place("Software-backed keys", "open an elevated console, locally or remotely", &[Id("key-file-readable")], KEY_ACCESS),
    place("Software-backed keys", "the script that grants the access", &[Id("key-file-readable")], KEY_ACCESS),
    place("HSM or custom provider", "the rules are those of the vendor", &[Finding("hgs-provider")], MODULE),
    place("HSM or custom provider", "ask the vendor", &[Nothing("no file shows what a module allows; the page says so")], MODULE),
    place("HSM or custom provider", "read access to encryption, signing and communications keys", &[Id("key-file-readable"), Run("check-certificate")], MODULE),
    place("HSM or custom provider", "some modules know computers instead of accounts", &[Id("hgs-certificates-replicated"), Id("hgs-certificate")], MODULE),
    place("Tips for HSMs", "the tips come without guarantee", &[Finding("hgs-hsm-key-usage")], MODULE_USAGE),
    place("Tips for HSMs", "Gemalto SafeNet: 0xa0 and read access", &[Finding("hgs-hsm-key-usage"), Id("key-file-readable")], MODULE_USAGE),
    place("Tips for HSMs", "nCipher nShield: the security world on every node", &[Finding("hgs-hsm-key-usage"), Finding("hgs-replicate"), Id("hgs-certificates-replicated")], MODULE_USAGE),
    place("Tips for HSMs", "Utimaco: 0x13", &[Finding("hgs-hsm-key-usage")], MODULE_USAGE),
    place("Certificate requests", "requests have to meet the minimum", &[Run("check-certificate"), Run("make-request")], SIGNING),
    place("Signing certificates", "algorithm RSA", &[Finding("hgs-key-algorithm")], SIGNING),
    place("Signing certificates", "at least 2048 bits", &[Finding("hgs-key-size")], SIGNING),
    place("Signing certificates", "key usage digital signature", &[Finding("hgs-key-usage")], SIGNING),
    place("Encryption certificates", "algorithm RSA", &[Finding("hgs-key-algorithm")], ENCRYPTION),
    place("Encryption certificates", "at least 2048 bits", &[Finding("hgs-key-size")], ENCRYPTION),
    place("Encryption certificates", "key usage data encipherment", &[Finding("hgs-key-usage")], ENCRYPTION),
    place("ADCS templates", "use a template with these settings", &[Run("check-certificate")], TEMPLATE),
    place("ADCS templates", "provider category key storage provider", &[Finding("hgs-provider")], TEMPLATE),
    place("ADCS templates", "algorithm RSA", &[Finding("hgs-key-algorithm")], TEMPLATE),
    place("ADCS templates", "minimum key size 2048", &[Finding("hgs-key-size")], TEMPLATE),
    place("ADCS templates", "purpose signature and encryption", &[Finding("hgs-template")], TEMPLATE),
    place("ADCS templates", "key usage with key and data encipherment", &[Finding("hgs-key-usage")], TEMPLATE),
    // Time.
    place("Time drift", "clocks that drift break the validity of the attestation signer", &[Id("hgs-clock"), Id("health-certificate-by-node-clock"), Id("hgs-nodes-same-clock"), Id("clock-of-this-machine")], CLOCKS),
    place("Time drift", "the service makes and renews the signer, which signs health certificates", &[Id("hgs-signer-valid"), Id("hgs-signers-answer")], SIGNER),
    place("Time drift", "the command that renews it", &[Id("hgs-signer-valid")], SIGNER),
    place("Time drift", "the same with the task scheduler", &[Id("hgs-signer-valid")], SIGNER),
    // Modes.
    place("Switching modes", "up to ten minutes until every node has switched", &[Id("hgs-operation-mode"), Id("hgs-nodes-same-mode")], MODE),
    place("Switching modes", "that is normal", &[Id("hgs-nodes-same-mode")], MODE),
    place("Switching modes", "keep the policies of the old mode until all hosts attest", &[Id("attestation-status"), Id("attestation-would-authorize")], OLD_MODE),
    place("Switching modes", "known issue from TPM to AD: other nodes do not switch", &[Id("hgs-nodes-same-mode")], TPM_TO_AD),
    place("Switching modes", "the command for each node", &[Id("hgs-nodes-same-mode")], TPM_TO_AD),
    place("Switching modes", "not if the cluster was set up in AD mode", &[Nothing("no node tells how it was set up; the page says so")], TPM_TO_AD),
    place("Switching modes", "how to look at the mode", &[Id("hgs-operation-mode"), Id("hgs-getinfo-answers")], TPM_TO_AD),
    // Memory dumps.
    place("Memory dumps", "policies or the cmdlet missing: an update is missing", &[Id("dump-policies-present")], DUMPS),
    place("Memory dumps", "update the service and activate the policies", &[Id("dump-policies-present"), Run("attestation-policy dumps")], DUMPS),
    place("Memory dumps", "update hosts first, or they fail attestation", &[Id("attestation-event"), Run("attestation-policy simulate")], DUMPED),
    // Endorsement keys.
    place("EKcert errors", "EKcert and EKpub are taken from the identifier file", &[Id("identifier-readable"), Run("inspect")], "The platform identifier cannot be read"),
    place("EKcert errors", "the EKcert shows that the TPM is genuine", &[Id("identifier-trusted")], UNTRUSTED),
    place("EKcert errors", "the EKpub shows which TPM it is, and grants access", &[Id("attestation-would-authorize"), Id("identifier-duplicates")], UNKNOWN_HOST),
    place("EKcert errors", "an error if the file has no EKcert", &[Id("identifier-ekcert"), Id("ekcert-message"), Finding("ekcert-missing")], NO_EKCERT),
    place("EKcert errors", "an error if the EKcert is not trusted", &[Id("identifier-trusted"), Id("ekcert-message"), Finding("issuer-unknown"), Finding("anchor-untrusted")], UNTRUSTED),
    place("EKcert errors", "some makers have none: ask, then use -Force", &[Finding("ekcert-missing"), Finding("forced"), Run("register-host")], NO_EKCERT),
    place("EKcert errors", "it is missing without an elevated console", &[Finding("ekcert-missing"), Finding("message-from-host")], NO_EKCERT),
    place("EKcert errors", "install the package of trusted roots on each node", &[Run("store import"), Id("trusted-tpm-stores")], UNTRUSTED),
    place("EKcert errors", "the root in TrustedTPM_RootCA, intermediates in the other store", &[Id("trusted-tpm-stores"), Finding("issuer-unknown")], UNTRUSTED),
    place("EKcert errors", "then the registration succeeds", &[Run("verify"), Run("register-host")], UNTRUSTED),
    // The service account.
    place("gMSA privileges", "the account needs SeAuditPrivilege", &[Id("gmsa-audit-privilege")], AUDIT),
    place("gMSA privileges", "without it key protection answers with HTTP 500", &[Id("key-protection-answers")], AUDIT),
    place("gMSA privileges", "first message: a privilege is not held, in RegisterAuditSource", &[Id("gmsa-audit-event")], AUDIT),
    place("gMSA privileges", "second message: the event source could not be registered", &[Id("gmsa-audit-event")], AUDIT),
    place("gMSA privileges", "the cmdlets of key protection return errors", &[Id("key-protection-answers")], AUDIT),
    place("gMSA privileges", "grant it by SecPol.msc, group policy or SecEdit", &[Id("gmsa-audit-privilege")], AUDIT),
    place("gMSA privileges", "the setting replaces the list, so keep the defaults", &[Id("gmsa-audit-privilege")], REPLACED),
];

fn page() -> String {
    fs::read_to_string(PAGE).unwrap()
}

fn ids() -> BTreeSet<&'static str> {
    let all = DEFINITIONS.iter().copied().flatten();
    let ids: Vec<_> = all.map(|definition| definition.id).collect();
    let distinct: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len(), "an id stands twice: {ids:?}");
    distinct
}

fn codes() -> BTreeSet<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// Each heading of the third level with what is below it.
fn sections(page: &str) -> BTreeMap<&str, &str> {
    let parts = page.split("\n### ").skip(1);
    let sections = parts.map(|part| {
        let (heading, body) = part.split_once('\n').unwrap();
        (heading, body.split("\n## ").next().unwrap())
    });
    let sections: Vec<_> = sections.collect();
    let count = sections.len();
    let sections: BTreeMap<_, _> = sections.into_iter().collect();
    assert_eq!(sections.len(), count, "a heading stands twice");
    sections
}

/// What stands in backticks after "`endorse` says" and is no command, path or option.
fn named(section: &str) -> BTreeSet<&str> {
    let (_, says) = section.split_once("- **`endorse` says:**").unwrap();
    let says = says.split("\n- **").next().unwrap();
    let words = says.split('`').skip(1).step_by(2);
    let name = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    // Names of tools and profiles.
    let other = ["endorse", "icacls", "recommended"];
    words
        .filter(name)
        .filter(|word| !other.contains(word))
        .collect()
}

#[test]
fn everything_in_the_article_is_found() {
    let (ids, codes) = (ids(), codes());
    let page = page();
    let sections = sections(&page);
    let mut missing = vec![];
    for place in ARTICLE {
        let what = format!("{}: {}", place.section, place.says);
        assert!(!place.by.is_empty(), "{what}");
        let mut names = vec![];
        let mut found = false;
        for by in place.by {
            match by {
                Id(id) if !ids.contains(id) => missing.push(format!("{what}: no diagnostic {id}")),
                Finding(code) if !codes.contains(code) => {
                    missing.push(format!("{what}: no finding {code}"));
                }
                Run(command) if !exists(command) => {
                    missing.push(format!("{what}: no command {command}"));
                }
                Id(name) | Finding(name) => names.push(*name),
                Run(_) => {}
                Nothing(why) => assert!(!why.is_empty(), "{what}"),
            }
            found |= !matches!(by, Nothing(_));
        }
        if place.heading.is_empty() {
            continue;
        }
        let Some(section) = sections.get(place.heading) else {
            missing.push(format!("{what}: {PAGE} has no heading '{}'", place.heading));
            continue;
        };
        // What finds it is named in that section.
        let in_section = names
            .iter()
            .any(|name| section.contains(&format!("`{name}`")));
        if found && !names.is_empty() && !in_section {
            missing.push(format!(
                "{what}: '{}' names none of {names:?}",
                place.heading
            ));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    // As many as the article has paragraphs, lists, rows and blocks of commands.
    assert!(ARTICLE.len() >= 60, "{}", ARTICLE.len());
}

#[test]
fn the_page_names_every_diagnostic_and_no_other() {
    let page = page();
    let mut seen = BTreeSet::new();
    for (heading, section) in sections(&page) {
        for part in [
            "- **On Windows:**",
            "- **`endorse` says:**",
            "- **What to do:**",
        ] {
            assert_eq!(section.matches(part).count(), 1, "{heading}: {part}");
        }
        let named = named(section);
        assert!(!named.is_empty(), "{heading}");
        seen.extend(named);
    }
    let (ids, codes) = (ids(), codes());
    let untold: Vec<_> = ids.difference(&seen).collect();
    assert!(untold.is_empty(), "not in {PAGE}: {untold:?}");
    let unknown: Vec<_> = seen
        .iter()
        .filter(|name| !ids.contains(*name) && !codes.contains(*name))
        .collect();
    assert!(
        unknown.is_empty(),
        "in {PAGE}, but no such thing: {unknown:?}"
    );
}

fn help(command: &str) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(command.split(' '))
        .arg("--help")
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

fn exists(command: &str) -> bool {
    help(command).is_some()
}

/// What is shown to be typed, and what tables say in its place.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.lines().filter(|line| line.starts_with("    "));
    let blocks = blocks.filter_map(|line| line.trim().strip_prefix("endorse "));
    let inline = page.split('`').skip(1).step_by(2);
    let inline = inline.filter_map(|code| code.strip_prefix("endorse "));
    blocks.chain(inline).map(str::to_owned).collect()
}

/// Every command on the pages is one that the program has, with these options. Those of
/// other machines need the network to be built in.
#[cfg(feature = "fetch")]
#[test]
fn every_command_and_option_on_the_pages_exists() {
    let mut wrong = vec![];
    let mut count = 0;
    for page in [PAGE, "docs/diagnose.md", "docs/hgs-map.md"] {
        for command in commands(&fs::read_to_string(page).unwrap()) {
            count += 1;
            let words: Vec<&str> = command.split_whitespace().collect();
            let name = |word: &&&str| word.starts_with(|c: char| c.is_ascii_lowercase());
            // A second word is a step of the command, or an operand.
            let found = [2, 1].into_iter().find_map(|count| {
                let words = words.get(..count)?;
                let named = words.iter().all(|word| name(&word) && !word.contains('.'));
                named.then(|| help(&words.join(" "))).flatten()
            });
            let Some(help) = found else {
                wrong.push(format!("{page}: no command 'endorse {command}'"));
                continue;
            };
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split(['=', ',']).next().unwrap();
                let mut known = help.split(|c: char| c.is_whitespace() || ",[=".contains(c));
                if !known.any(|word| word == option) {
                    wrong.push(format!("{page}: no {option} in 'endorse {command}'"));
                }
            }
        }
    }
    assert!(count > 50, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each cmdlet of the modules stands once, with a counterpart or the reason why there is none.
#[test]
fn every_cmdlet_is_on_the_map() {
    const CMDLETS: &[(&str, &str)] = &[
        ("PlatformIdentifier", "Get-PlatformIdentifier"),
        (
            "HgsAttestation",
            "Add-HgsAttestationCIPolicy Add-HgsAttestationDumpPolicy Add-HgsAttestationHostGroup \
             Add-HgsAttestationHostKey Add-HgsAttestationTpmHost Add-HgsAttestationTpmPolicy \
             Disable-HgsAttestationPolicy Enable-HgsAttestationPolicy Get-HgsAttestationHostGroup \
             Get-HgsAttestationHostKey Get-HgsAttestationPolicy Get-HgsAttestationSignerCertificate \
             Get-HgsAttestationTpmHost Remove-HgsAttestationHostGroup Remove-HgsAttestationHostKey \
             Remove-HgsAttestationPolicy Remove-HgsAttestationTpmHost",
        ),
        (
            "HgsServer",
            "Clear-HgsServer Export-HgsServerState Get-HgsServer Import-HgsServerState \
             Initialize-HgsServer Install-HgsServer Set-HgsServer Set-HgsServerVersion \
             Test-HgsServer Uninstall-HgsServer",
        ),
        (
            "HgsKeyProtection",
            "Add-HgsKeyProtectionAttestationSignerCertificate Add-HgsKeyProtectionCertificate \
             Export-HgsKeyProtectionState Get-HgsKeyProtectionAttestationSignerCertificate \
             Get-HgsKeyProtectionCertificate Get-HgsKeyProtectionConfiguration \
             Import-HgsKeyProtectionState Remove-HgsKeyProtectionAttestationSignerCertificate \
             Remove-HgsKeyProtectionCertificate \
             Set-HgsKeyProtectionAttestationSignerCertificatePolicy \
             Set-HgsKeyProtectionCertificate Set-HgsKeyProtectionConfiguration",
        ),
        (
            "HgsClient",
            "ConvertTo-HgsKeyProtector Export-HgsGuardian Get-HgsAttestationBaselinePolicy \
             Get-HgsClientConfiguration Get-HgsClientHostKey Get-HgsGuardian \
             Grant-HgsKeyProtectorAccess Import-HgsGuardian New-HgsGuardian New-HgsKeyProtector \
             Remove-HgsGuardian Revoke-HgsKeyProtectorAccess Set-HgsClientConfiguration \
             Set-HgsClientHostKey Test-HgsClientConfiguration",
        ),
        (
            "HgsDiagnostics",
            "Get-HgsTrace Get-HgsTraceFileData New-HgsTraceTarget Test-HgsTraceTarget",
        ),
    ];
    let map = fs::read_to_string("docs/hgs-map.md").unwrap();
    for (module, cmdlets) in CMDLETS {
        let (_, section) = map.split_once(&format!("\n## {module}\n")).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let mut on_map = BTreeSet::new();
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let (names, here) = row
                .trim_start_matches("| ")
                .trim_end_matches(" |")
                .split_once(" | ")
                .unwrap();
            let counterpart = ["`endorse ", "Windows only", "none: "];
            assert!(counterpart.iter().any(|word| here.contains(word)), "{row}");
            // What is said to be Windows only has a reason, or something to look at instead.
            if here == "Windows only" {
                panic!("{row}");
            }
            for name in names.split('`').skip(1).step_by(2) {
                assert!(on_map.insert(name), "{name} stands twice");
            }
        }
        let expected: BTreeSet<_> = cmdlets.split_whitespace().collect();
        assert_eq!(on_map, expected, "{module}");
    }
}
