//! Revocation: what CRLs must bring about, and what nobody may bring about with them.
//! One thing is changed at a time.

use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::{Code, Finding};
use endorse::trust::revocation::{
    Admission, CertificateStatus, MAX_CRL_ENTRIES, MAX_CRL_SIGNATURES,
};
use endorse::trust::{Crl, Policy, Store, Usage};
use proptest::collection::vec;
use proptest::prelude::*;

use super::cases::{EK, INTERMEDIATE, OTHER, OTHER2, Pki, ROOT, intermediate_name, root_name};
use super::crl::*;
use super::negative::{at, file, store};
use super::pki::*;
use super::skip::skip;

const UNKNOWN: &[Code] = &[Code::RevocationUnknown];
const UNUSABLE: &[Code] = &[Code::CrlUnusable, Code::RevocationUnknown];

/// A chain, and the CRLs at hand: first the root's, then the intermediate's.
struct World {
    pki: Pki,
    crls: Vec<CrlSpec>,
}

impl World {
    fn good() -> Self {
        Self {
            pki: Pki::valid(),
            crls: vec![
                CrlSpec::new(root_name(), ec_key(ROOT)),
                CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE)),
            ],
        }
    }

    fn of_root(&mut self) -> &mut CrlSpec {
        &mut self.crls[0]
    }

    fn of_intermediate(&mut self) -> &mut CrlSpec {
        &mut self.crls[1]
    }

    fn revoke_leaf(&mut self, reason: Option<u8>) {
        let entry = Entry::new(&self.pki.leaf.serial, reason);
        self.of_intermediate().entries.push(entry);
    }

    /// A newer edition of the intermediate's CRL, without entries.
    fn newer(&mut self) -> &mut CrlSpec {
        let mut newer = self.crls[1].clone();
        newer.this_update = utc("240515000000Z");
        newer.replace(number(2));
        newer.entries.clear();
        self.crls.push(newer);
        self.crls.last_mut().unwrap()
    }

    /// Lets the leaf name somebody else as the issuer of its CRL, in place of the
    /// intermediate's CRL. He is certified by the root to sign CRLs.
    fn indirect(&mut self) {
        let mut signer = Spec::ca(signer_name(), ec_key(OTHER), root_name(), ec_key(ROOT));
        signer.serial = vec![0x77];
        signer.replace(key_usage(&[CRL_SIGN]));
        signer.replace(basic_constraints(false, None));
        self.pki.intermediates.push(signer);
        self.pki
            .leaf
            .replace(distribution_point(&[crl_issuer(&signer_name())]));
        let mut crl = CrlSpec::new(signer_name(), ec_key(OTHER));
        crl.replace(issuing_point(&[flag(4)]));
        self.crls[1] = crl;
    }

    fn signer(&mut self) -> &mut Spec {
        &mut self.pki.intermediates[1]
    }

    fn store(&self) -> Store {
        let mut store = store(&self.pki);
        for crl in &self.crls {
            let crl = Crl::from_der(crl.der()).unwrap();
            store.add_crl(crl, file("crl")).unwrap();
        }
        store
    }

    fn look_up(&self) -> LookedUp {
        self.look_up_in(&self.store())
    }

    fn look_up_in(&self, store: &Store) -> LookedUp {
        let leaf = Arc::new(Certificate::from_der(&self.pki.leaf.der()).unwrap());
        let (accepted, findings, revocation) =
            match store.verify(&leaf, &self.pki.policy, at(), Usage::Ek) {
                Ok(path) => (true, path.findings().to_vec(), path.revocation().to_vec()),
                Err(failure) => (false, failure.findings, failure.revocation),
            };
        LookedUp {
            accepted,
            findings,
            revocation,
        }
    }
}

struct LookedUp {
    accepted: bool,
    findings: Vec<Finding>,
    revocation: Vec<CertificateStatus>,
}

impl LookedUp {
    fn states(&self) -> Vec<&'static str> {
        self.revocation
            .iter()
            .map(|status| status.state().as_str())
            .collect()
    }

    fn codes(&self) -> Vec<Code> {
        self.findings.iter().map(|finding| finding.code).collect()
    }
}

fn signer_name() -> Vec<u8> {
    dn("Vendor", "CRL Issuer")
}

fn nobody() -> Vec<u8> {
    dn("Vendor", "Nobody")
}

/// Where OpenSSL, told to look up every certificate, accepts what is refused here under the
/// policy that wants to know. There is nothing that only OpenSSL refuses.
const OPENSSL_DIFFERS: &[(&str, &str)] = &[
    (
        "no nextUpdate",
        "RFC 5280 5.1.2.5 demands it; without it a CRL would be good for ever",
    ),
    (
        "one that is good for long beside a newer one that is out of date",
        "OpenSSL takes one that is up to date, though a newer one was there",
    ),
    (
        "by a namesake below the same root",
        "OpenSSL takes two CAs of one name below one root for the same",
    ),
    (
        "by the issuer's new key, certified with the old one",
        "OpenSSL looks into one of the two CRLs, and this is the other",
    ),
    (
        "an issuer named in a CRL that is not indirect",
        "OpenSSL goes by the entry; RFC 5280 5.3.3 allows it in indirect CRLs only",
    ),
    (
        "the signer may not sign CRLs",
        "the command prints this error of the signer's own path, and forgets it",
    ),
    ("the signer's certificate has run out", "as above"),
    (
        "a newer CRL without the entry",
        "OpenSSL looks into the newer CRL only; a revocation is for good here",
    ),
    ("a newer CRL that removes the entry", "as above"),
    (
        "a newer CRL of another scope does not take a hold back",
        "OpenSSL looks into the newer CRL only",
    ),
    (
        "a CRL that is newer by date and older by number does not",
        "OpenSSL goes by the date",
    ),
];

fn openssl_accepts(world: &World) -> bool {
    let pem = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    let certificates = |specs: &[Spec]| -> String {
        let each = specs.iter().map(|spec| pem("CERTIFICATE", &spec.der()));
        each.collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("openssl");
    command
        .args(["verify", "-no-CApath", "-no-CAstore"])
        .args(["-crl_check_all", "-extended_crl"])
        .args(["-attime", &at().unix().to_string()]);
    let lists: String = world
        .crls
        .iter()
        .map(|crl| pem("X509 CRL", &crl.der()))
        .collect();
    for (option, text) in [
        ("-CAfile", certificates(&world.pki.roots)),
        ("-untrusted", certificates(&world.pki.intermediates)),
        ("-CRLfile", lists),
        ("", certificates(std::slice::from_ref(&world.pki.leaf))),
    ] {
        let path = folder.path().join(format!("file{option}"));
        std::fs::write(&path, &text).unwrap();
        if !option.is_empty() && !text.is_empty() {
            command.arg(option);
        }
        if !text.is_empty() {
            command.arg(path);
        }
    }
    command.output().unwrap().status.success()
}

/// What is changed, the states of leaf and intermediate, the codes.
type Case = (
    &'static str,
    fn(&mut World),
    [&'static str; 2],
    &'static [Code],
);

fn check(cases: &[Case]) {
    let has_openssl = Command::new("openssl").arg("version").output().is_ok();
    if !has_openssl {
        skip(
            "chain::crls",
            "the openssl command is not installed: no second judge",
        );
    }
    let mut differences = Vec::new();
    let mut wrong = Vec::new();
    for (name, change, states, codes) in cases {
        let mut world = World::good();
        change(&mut world);
        let found = world.look_up();
        if found.states() != states || found.codes() != *codes {
            let messages: Vec<&str> = found.findings.iter().map(|f| f.message.as_str()).collect();
            wrong.push(format!(
                "{name}: {:?} {:?} {messages:#?}",
                found.states(),
                found.codes()
            ));
        }
        assert_eq!(
            found.accepted,
            !codes.contains(&Code::Revoked) && !codes.contains(&Code::BudgetExhausted),
            "{name}"
        );
        // The order in which CRLs were given decides nothing.
        world.crls.reverse();
        let reversed = world.look_up();
        if reversed.states() != states {
            wrong.push(format!("{name}, reversed: {:?}", reversed.states()));
        }
        // Under a policy that wants to know, what is not known to be good is refused.
        world.pki.policy =
            Policy::from_toml("[revocation]\nunknown = 'error'\nstale = 'error'").unwrap();
        let all_good = states.iter().all(|state| *state == "good");
        let nothing_else = !codes.contains(&Code::Revoked);
        let accepted = all_good && nothing_else;
        assert_eq!(world.look_up().accepted, accepted, "{name}");
        if has_openssl && openssl_accepts(&world) != accepted {
            assert!(!accepted, "{name}: only OpenSSL refuses it");
            differences.push(*name);
        }
    }
    let listed: Vec<&str> = OPENSSL_DIFFERS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| cases.iter().any(|case| case.0 == *name))
        .collect();
    if has_openssl {
        assert_eq!(differences, listed, "the table is not exact");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_plain_cases() {
    check(&[
        ("nothing", |_| {}, ["good", "good"], &[]),
        (
            "no CRL at all",
            |w| w.crls.clear(),
            ["unknown", "unknown"],
            &[],
        ),
        (
            "only the root's",
            |w| drop(w.crls.remove(1)),
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "only the intermediate's",
            |w| drop(w.crls.remove(0)),
            ["good", "unknown"],
            UNKNOWN,
        ),
        (
            "the leaf is revoked",
            |w| w.revoke_leaf(Some(KEY_COMPROMISE)),
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "without a reason",
            |w| w.revoke_leaf(None),
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "for a reason that is none",
            |w| w.revoke_leaf(Some(99)),
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "on hold",
            |w| w.revoke_leaf(Some(HOLD)),
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "the intermediate is revoked",
            |w| {
                w.pki.intermediate().serial = vec![0x66];
                w.of_root().entries.push(Entry::new(&[0x66], None));
            },
            ["good", "revoked"],
            &[Code::Revoked],
        ),
        (
            "others are revoked",
            |w| {
                for number in 1..100u8 {
                    let entry = Entry::new(&[number, 0x23, 0x45], None);
                    if entry.serial != w.pki.leaf.serial {
                        w.of_intermediate().entries.push(entry);
                    }
                }
            },
            ["good", "good"],
            &[],
        ),
        (
            "an entry dated after the time of judgement",
            |w| {
                w.revoke_leaf(None);
                w.of_intermediate().entries[0].date = utc(LATER);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "an entry without a readable date",
            |w| {
                w.revoke_leaf(None);
                w.of_intermediate().entries[0].date = utc("nonsense");
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "an unknown extension that is not critical",
            |w| {
                let unknown = extension("1.2.3.4", false, vec![5, 0]);
                w.of_intermediate().extensions.push(unknown);
            },
            ["good", "good"],
            &[],
        ),
        (
            "a certificate without key usage signs",
            |w| w.pki.intermediate().remove(KEY_USAGE),
            ["good", "good"],
            &[],
        ),
    ]);
}

#[test]
fn time() {
    check(&[
        (
            "thisUpdate in the future",
            |w| w.of_intermediate().this_update = utc(LATER),
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "nextUpdate has passed",
            |w| w.of_intermediate().next_update = Some(utc(EARLIER)),
            ["stale", "good"],
            &[Code::RevocationStale],
        ),
        (
            "no nextUpdate",
            |w| w.of_intermediate().next_update = None,
            ["stale", "good"],
            &[Code::RevocationStale],
        ),
        (
            "revoked on one that is out of date",
            |w| {
                w.revoke_leaf(None);
                w.of_intermediate().next_update = Some(utc(EARLIER));
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "one that is out of date beside a newer one",
            |w| {
                w.newer();
                w.of_intermediate().next_update = Some(utc(EARLIER));
            },
            ["good", "good"],
            &[],
        ),
        (
            "one that is good for long beside a newer one that is out of date",
            |w| w.newer().next_update = Some(utc(EARLIER)),
            ["stale", "good"],
            &[Code::RevocationStale],
        ),
    ]);
}

#[test]
fn how_long_a_crl_is_out_of_date_is_told_and_may_be_forgiven() {
    let mut world = World::good();
    // Ten days and two hours before.
    world.of_intermediate().next_update = Some(utc("240521220000Z"));
    let found = world.look_up();
    assert!(
        found.findings[0].message.contains("ran out 10 days before"),
        "{}",
        found.findings[0].message
    );
    for (days, state) in [(10, "stale"), (11, "good")] {
        let toml = format!("[revocation]\ngrace_days = {days}");
        world.pki.policy = Policy::from_toml(&toml).unwrap();
        assert_eq!(world.look_up().states(), [state, "good"], "{days}");
    }
    // That of another vendor is none of this TPM's business.
    let toml = "[revocation.vendors.STM]\ngrace_days = 100\nstale = 'error'";
    world.pki.policy = Policy::from_toml(toml).unwrap();
    assert!(world.look_up().accepted);
    let toml = "[revocation.vendors.IFX]\nstale = 'error'";
    world.pki.policy = Policy::from_toml(toml).unwrap();
    assert!(!world.look_up().accepted);
}

#[test]
fn only_the_issuer_is_heard() {
    check(&[
        (
            "signed with another key, which it names",
            |w| w.crls[1] = CrlSpec::new(intermediate_name(), ec_key(OTHER)),
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "signed with another key, naming the issuer's",
            |w| {
                w.of_intermediate().signer = ec_key(OTHER);
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "signed with another key, naming none",
            |w| {
                w.of_intermediate().signer = ec_key(OTHER);
                w.of_intermediate().remove(AUTHORITY_KEY_ID);
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "by the root, in the intermediate's name",
            |w| w.crls[1] = CrlSpec::new(intermediate_name(), ec_key(ROOT)),
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "by the leaf's own key",
            |w| w.of_intermediate().signer = ec_key(EK),
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "by a namesake below the same root",
            |w| {
                let namesake = Spec::ca(
                    intermediate_name(),
                    ec_key(OTHER),
                    root_name(),
                    ec_key(ROOT),
                );
                w.pki.intermediates.push(namesake);
                w.crls[1] = CrlSpec::new(intermediate_name(), ec_key(OTHER));
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "by a namesake who revokes his own certificate of that number",
            |w| {
                let namesake = Spec::ca(
                    intermediate_name(),
                    ec_key(OTHER),
                    root_name(),
                    ec_key(ROOT),
                );
                w.pki.intermediates.push(namesake);
                let mut crl = CrlSpec::new(intermediate_name(), ec_key(OTHER));
                crl.entries.push(Entry::new(&w.pki.leaf.serial, None));
                w.crls.push(crl);
            },
            ["good", "good"],
            &[],
        ),
        (
            "by somebody certified to sign the CRLs of that CA",
            |w| {
                let mut signer = Spec::ca(
                    intermediate_name(),
                    ec_key(OTHER),
                    root_name(),
                    ec_key(ROOT),
                );
                signer.replace(key_usage(&[CRL_SIGN]));
                signer.serial = vec![0x77];
                w.pki.intermediates.push(signer);
                w.crls[1] = CrlSpec::new(intermediate_name(), ec_key(OTHER));
            },
            ["good", "good"],
            &[],
        ),
        (
            "by somebody whom a namesake certified to sign his CRLs",
            |w| {
                let mut namesake = Spec::ca(
                    intermediate_name(),
                    ec_key(OTHER2),
                    root_name(),
                    ec_key(ROOT),
                );
                namesake.serial = vec![0x78];
                let mut signer = Spec::ca(
                    intermediate_name(),
                    ec_key(OTHER),
                    intermediate_name(),
                    ec_key(OTHER2),
                );
                signer.replace(key_usage(&[CRL_SIGN]));
                signer.serial = vec![0x77];
                w.pki.intermediates.extend([namesake, signer]);
                w.crls[1] = CrlSpec::new(intermediate_name(), ec_key(OTHER));
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "by the issuer's new key, certified with the old one",
            |w| {
                let new = Spec::ca(
                    intermediate_name(),
                    ec_key(OTHER),
                    intermediate_name(),
                    ec_key(INTERMEDIATE),
                );
                w.pki.intermediates.push(new);
                let mut crl = CrlSpec::new(intermediate_name(), ec_key(OTHER));
                crl.entries.push(Entry::new(&w.pki.leaf.serial, None));
                w.crls.push(crl);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "by a CA that may not sign CRLs",
            |w| w.pki.intermediate().replace(key_usage(&[KEY_CERT_SIGN])),
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "altered, so that the leaf is not in it",
            |w| {
                w.revoke_leaf(None);
                w.of_intermediate().corrupt_signed = true;
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "a critical extension that is not understood",
            |w| {
                let unknown = extension("1.2.3.4", true, vec![5, 0]);
                w.of_intermediate().extensions.push(unknown);
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "a critical extension of an entry that is not understood",
            |w| {
                let mut entry = Entry::new(&[0x55], None);
                entry
                    .extensions
                    .push(extension("1.2.3.4", true, vec![5, 0]));
                w.of_intermediate().entries.push(entry);
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
    ]);
}

#[test]
fn a_crl_that_cannot_be_used_tells_that_it_lists_the_certificate() {
    let mut world = World::good();
    world.revoke_leaf(None);
    let unknown = extension("1.2.3.4", true, vec![5, 0]);
    world.of_intermediate().extensions.push(unknown);
    let found = world.look_up();
    let message = &found.findings[0].message;
    assert_eq!(found.findings[0].code, Code::CrlUnusable);
    assert!(message.contains("1.2.3.4. It lists"), "{message}");
}

#[test]
fn scope() {
    check(&[
        (
            "only certificates of CAs",
            |w| w.of_intermediate().replace(issuing_point(&[flag(2)])),
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "only certificates of CAs, and the leaf is listed",
            |w| {
                w.of_intermediate().replace(issuing_point(&[flag(2)]));
                w.revoke_leaf(None);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "only end-entity certificates",
            |w| w.of_intermediate().replace(issuing_point(&[flag(1)])),
            ["good", "good"],
            &[],
        ),
        (
            "the root's is about end-entity certificates",
            |w| w.of_root().replace(issuing_point(&[flag(1)])),
            ["good", "unknown"],
            UNKNOWN,
        ),
        (
            "only attribute certificates",
            |w| w.of_intermediate().replace(issuing_point(&[flag(5)])),
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "for another distribution point",
            |w| {
                let own = point_name(&[uri("http://a.example/1.crl")]);
                w.pki.leaf.replace(distribution_point(&[own]));
                let other = point_name(&[uri("http://a.example/2.crl")]);
                w.of_intermediate().replace(issuing_point(&[other]));
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "for another distribution point, and the leaf is listed",
            |w| {
                let own = point_name(&[uri("http://a.example/1.crl")]);
                w.pki.leaf.replace(distribution_point(&[own]));
                let other = point_name(&[uri("http://a.example/2.crl")]);
                w.of_intermediate().replace(issuing_point(&[other]));
                w.revoke_leaf(None);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "for a distribution point, and the certificate names none",
            |w| {
                let other = point_name(&[uri("http://a.example/2.crl")]);
                w.of_intermediate().replace(issuing_point(&[other]));
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "for one of the certificate's distribution points",
            |w| {
                let names = [uri("http://a.example/1.crl"), uri("http://a.example/2.crl")];
                w.pki
                    .leaf
                    .replace(distribution_point(&[point_name(&names)]));
                let own = point_name(&[uri("http://a.example/2.crl")]);
                w.of_intermediate().replace(issuing_point(&[own]));
            },
            ["good", "good"],
            &[],
        ),
        (
            "only some reasons",
            |w| {
                let some = issuing_point(&[reasons(0x83, &[1, 2])]);
                w.of_intermediate().replace(some);
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "all reasons, over two CRLs",
            |w| {
                w.newer().replace(issuing_point(&[reasons(0x83, &[1, 2])]));
                let rest = issuing_point(&[reasons(0x83, &[3, 4, 5, 6, 7, 8])]);
                w.of_intermediate().replace(rest);
            },
            ["good", "good"],
            &[],
        ),
        (
            "all reasons, one part of them out of date",
            |w| {
                let newer = w.newer();
                newer.replace(issuing_point(&[reasons(0x83, &[1, 2])]));
                newer.next_update = Some(utc(EARLIER));
                let rest = issuing_point(&[reasons(0x83, &[3, 4, 5, 6, 7, 8])]);
                w.of_intermediate().replace(rest);
            },
            ["stale", "good"],
            &[Code::RevocationStale],
        ),
        (
            "the certificate's distribution point is for some reasons, the CRL for all",
            |w| {
                let url = point_name(&[uri("http://a.example/1.crl")]);
                let point = distribution_point(&[url.clone(), reasons(0x81, &[1])]);
                w.pki.leaf.replace(point);
                w.of_intermediate().replace(issuing_point(&[url]));
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
    ]);
}

#[test]
fn indirect() {
    check(&[
        ("as it should be", World::indirect, ["good", "good"], &[]),
        (
            "the leaf is listed",
            |w| {
                w.indirect();
                let entry = Entry::new(&w.pki.leaf.serial, None).of(&intermediate_name());
                w.of_intermediate().entries.push(entry);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "the leaf is listed behind an entry that names its issuer",
            |w| {
                w.indirect();
                let first = Entry::new(&[0x55], None).of(&intermediate_name());
                let second = Entry::new(&w.pki.leaf.serial, None);
                w.of_intermediate().entries.extend([first, second]);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "an entry of that number before any issuer is named is the signer's own",
            |w| {
                w.indirect();
                let first = Entry::new(&w.pki.leaf.serial, None);
                let second = Entry::new(&[0x55], None).of(&intermediate_name());
                w.of_intermediate().entries.extend([first, second]);
            },
            ["good", "good"],
            &[],
        ),
        (
            "an entry of that number behind one that names somebody else",
            |w| {
                w.indirect();
                let first = Entry::new(&[0x55], None).of(&intermediate_name());
                let second = Entry::new(&[0x56], None).of(&nobody());
                let third = Entry::new(&w.pki.leaf.serial, None);
                w.of_intermediate().entries.extend([first, second, third]);
            },
            ["good", "good"],
            &[],
        ),
        (
            "the issuer is named again after somebody else",
            |w| {
                w.indirect();
                let first = Entry::new(&[0x55], None).of(&intermediate_name());
                let second = Entry::new(&[0x56], None).of(&nobody());
                let third = Entry::new(&w.pki.leaf.serial, None).of(&intermediate_name());
                w.of_intermediate().entries.extend([first, second, third]);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "an issuer named in a CRL that is not indirect",
            |w| {
                let entry = Entry::new(&w.pki.leaf.serial, None).of(&nobody());
                w.of_intermediate().entries.push(entry);
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "the certificate names no other issuer of its CRL",
            |w| {
                w.indirect();
                w.pki.leaf.remove("2.5.29.31");
                let entry = Entry::new(&w.pki.leaf.serial, None).of(&intermediate_name());
                w.of_intermediate().entries.push(entry);
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "it does not say that it is indirect",
            |w| {
                w.indirect();
                w.of_intermediate().remove(ISSUING_POINT);
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "the signer's certificate is not there",
            |w| {
                w.indirect();
                w.pki.intermediates.pop();
            },
            ["unknown", "good"],
            UNKNOWN,
        ),
        (
            "the signer certified himself",
            |w| {
                w.indirect();
                *w.signer() = Spec::ca(signer_name(), ec_key(OTHER), signer_name(), ec_key(OTHER));
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "the signer is below another anchor of the store",
            |w| {
                w.indirect();
                let other = dn("Other", "Root");
                let root = Spec::ca(other.clone(), ec_key(OTHER2), other.clone(), ec_key(OTHER2));
                w.pki.roots.push(root);
                let mut signer = Spec::ca(signer_name(), ec_key(OTHER), other, ec_key(OTHER2));
                signer.replace(key_usage(&[CRL_SIGN]));
                *w.signer() = signer;
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "the signer may not sign CRLs",
            |w| {
                w.indirect();
                w.signer().replace(key_usage(&[KEY_CERT_SIGN]));
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "the signer's certificate has run out",
            |w| {
                w.indirect();
                w.signer().not_after = utc(EARLIER);
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
        (
            "the intermediate names a signer whom it has certified itself",
            |w| {
                let mut signer = Spec::ca(
                    signer_name(),
                    ec_key(OTHER),
                    intermediate_name(),
                    ec_key(INTERMEDIATE),
                );
                signer.replace(key_usage(&[CRL_SIGN]));
                w.pki.intermediates.push(signer);
                let point = distribution_point(&[crl_issuer(&signer_name())]);
                w.pki.intermediate().replace(point);
                let mut crl = CrlSpec::new(signer_name(), ec_key(OTHER));
                crl.replace(issuing_point(&[flag(4)]));
                w.crls[0] = crl;
            },
            ["good", "unknown"],
            UNUSABLE,
        ),
        (
            "the signer is revoked",
            |w| {
                w.indirect();
                w.of_root().entries.push(Entry::new(&[0x77], None));
            },
            ["unknown", "good"],
            UNUSABLE,
        ),
    ]);
}

/// As in PKITS 4.14.30. Whether the signer is revoked is not known then, which weighs what
/// the policy says.
#[test]
fn nobody_vouches_for_himself() {
    let mut world = World::good();
    world.indirect();
    let signer = world.signer();
    signer.replace(distribution_point(&[crl_issuer(&signer_name())]));
    world.crls.remove(0);
    for (unknown, state) in [("info", "good"), ("error", "unknown")] {
        let toml = format!("[revocation]\nunknown = '{unknown}'");
        world.pki.policy = Policy::from_toml(&toml).unwrap();
        assert_eq!(world.look_up().states(), [state, "unknown"], "{unknown}");
    }
}

#[test]
fn serial_numbers_are_values() {
    let cases: [(&[u8], &[u8], &str); 8] = [
        // ST writes its certificates' like that.
        (&[0, 0, 0, 5], &[5], "revoked"),
        (&[5], &[0, 0, 0, 5], "revoked"),
        (&[0xff, 0xff, 0x85], &[0x85], "revoked"),
        (&[0x85], &[0x85], "revoked"),
        // 133 and -123; PKITS 4.4.14.
        (&[0, 0x85], &[0x85], "good"),
        (&[0x85], &[0, 0x85], "good"),
        (&[1; 20], &[1; 20], "revoked"),
        // The last eight octets are the same.
        (
            &[1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[2, 1, 1, 1, 1, 1, 1, 1, 1],
            "good",
        ),
    ];
    for (own, listed, state) in cases {
        let mut world = World::good();
        world.pki.leaf.serial = own.to_vec();
        let crl = world.of_intermediate();
        crl.entries.push(Entry::new(listed, None));
        assert_eq!(
            world.look_up().states(),
            [state, "good"],
            "{own:?} {listed:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The index finds what a look at each entry finds, whatever the order and however the
    /// numbers are written.
    #[test]
    fn the_index_finds_what_is_there(
        listed in vec(vec(any::<u8>(), 1..12), 0..40),
        other in vec(any::<u8>(), 1..12),
        padding in 0usize..3,
    ) {
        let mut world = World::good();
        for serial in &listed {
            world.of_intermediate().entries.push(Entry::new(serial, None));
        }
        let crl = Crl::from_der(world.of_intermediate().der()).unwrap();
        for serial in listed.iter().take(3).chain([&other]) {
            let sign = if serial[0] < 0x80 { 0 } else { 0xff };
            world.pki.leaf.serial = [&std::vec![sign; padding][..], serial].concat();
            let leaf = Certificate::from_der(&world.pki.leaf.der()).unwrap();
            let is_there = listed.iter().any(|one| value(one) == value(serial));
            prop_assert_eq!(crl.find(&leaf).is_some(), is_there);
        }
    }
}

/// The number that these octets are in two's complement.
fn value(serial: &[u8]) -> i128 {
    let sign = if serial[0] < 0x80 { 0 } else { -1 };
    serial
        .iter()
        .fold(sign, |number, &octet| (number << 8) | i128::from(octet))
}

#[test]
fn several_entries_for_one_certificate() {
    for (reasons, state) in [
        (&[HOLD, KEY_COMPROMISE][..], "revoked"),
        (&[KEY_COMPROMISE, HOLD], "revoked"),
        (&[KEY_COMPROMISE, REMOVE], "revoked"),
        (&[REMOVE, KEY_COMPROMISE], "revoked"),
        (&[REMOVE, HOLD], "revoked"),
        (&[REMOVE], "good"),
    ] {
        let mut world = World::good();
        for &reason in reasons {
            world.revoke_leaf(Some(reason));
        }
        let found = world.look_up();
        assert_eq!(found.states(), [state, "good"], "{reasons:?}");
        if reasons.contains(&KEY_COMPROMISE) {
            let message = &found.findings[0].message;
            assert!(message.contains("keyCompromise"), "{message}");
        }
    }
}

#[test]
fn no_crl_makes_a_revocation_unsaid() {
    check(&[
        (
            "an old CRL beside a newer one that revokes",
            |w| {
                let entry = Entry::new(&w.pki.leaf.serial, None);
                w.newer().entries.push(entry);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "a newer CRL without the entry",
            |w| {
                w.revoke_leaf(Some(KEY_COMPROMISE));
                w.newer();
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "a newer CRL that removes the entry",
            |w| {
                w.revoke_leaf(None);
                let entry = Entry::new(&w.pki.leaf.serial, Some(REMOVE));
                w.newer().entries.push(entry);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "a newer CRL takes a hold back",
            |w| {
                w.revoke_leaf(Some(HOLD));
                w.newer();
            },
            ["good", "good"],
            &[],
        ),
        (
            "a newer CRL keeps the hold",
            |w| {
                w.revoke_leaf(Some(HOLD));
                let entry = Entry::new(&w.pki.leaf.serial, Some(HOLD));
                w.newer().entries.push(entry);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "an older CRL does not take a hold back",
            |w| {
                let entry = Entry::new(&w.pki.leaf.serial, Some(HOLD));
                w.newer().entries.push(entry);
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "a newer CRL of another scope does not take a hold back",
            |w| {
                w.revoke_leaf(Some(HOLD));
                w.newer().replace(issuing_point(&[flag(1)]));
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "a CRL that is newer by date and older by number does not",
            |w| {
                w.revoke_leaf(Some(HOLD));
                w.newer().replace(number(0));
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
        (
            "a newer CRL by somebody else does not",
            |w| {
                w.revoke_leaf(Some(HOLD));
                w.newer().signer = ec_key(OTHER);
            },
            ["revoked", "good"],
            &[Code::CrlUnusable, Code::Revoked],
        ),
        (
            "a newer CRL with a critical extension that is not understood does not",
            |w| {
                w.revoke_leaf(Some(HOLD));
                let unknown = extension("1.2.3.4", true, vec![5, 0]);
                w.newer().extensions.push(unknown);
            },
            ["revoked", "good"],
            &[Code::CrlUnusable, Code::Revoked],
        ),
        (
            "many CRLs in the name of the issuer, with other keys",
            |w| {
                w.revoke_leaf(None);
                for _ in 0..=MAX_CRL_SIGNATURES {
                    w.crls
                        .push(CrlSpec::new(intermediate_name(), ec_key(OTHER)));
                }
            },
            ["revoked", "good"],
            &[Code::Revoked],
        ),
    ]);
}

/// Those that name the issuer's key cannot be told apart before the work is done, so
/// there may be too many; then nothing is accepted.
#[test]
fn too_many_crls_refuse() {
    let mut world = World::good();
    let mut forged = CrlSpec::new(intermediate_name(), ec_key(OTHER));
    forged.replace(authority_key_id(ec_key(INTERMEDIATE)));
    // ECDSA signatures differ each time, so these are different CRLs.
    world
        .crls
        .extend(std::iter::repeat_n(forged, MAX_CRL_SIGNATURES));
    let found = world.look_up();
    assert!(!found.accepted);
    assert!(found.codes().contains(&Code::BudgetExhausted));
}

/// Those that name another key than the issuer's do not spend the whole budget, and what they
/// say does not matter, unless it is about this certificate.
#[test]
fn too_many_namesakes_hide_no_revocation() {
    let mut world = World::good();
    let mut namesake = CrlSpec::new(intermediate_name(), ec_key(OTHER));
    namesake.replace(authority_key_id(ec_key(OTHER)));
    world
        .crls
        .extend(std::iter::repeat_n(namesake, MAX_CRL_SIGNATURES));
    assert!(world.look_up().accepted);
    // The issuer's own, though it names a key that is not the issuer's.
    let mut last = CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE));
    last.replace(authority_key_id(ec_key(OTHER2)));
    last.entries.push(Entry::new(
        &world.pki.leaf.serial.clone(),
        Some(KEY_COMPROMISE),
    ));
    world.crls.push(last);
    let found = world.look_up();
    assert!(!found.accepted);
    assert!(found.codes().contains(&Code::BudgetExhausted));
}

/// What a store keeps is not made to forget: a list takes the place of those alone whose
/// revocations it has.
#[test]
fn no_list_is_replaced_that_revokes_more() {
    let world = World::good();
    let admit = |newer: &[(u8, Option<u8>)]| {
        let edition = |day: u8, entries: &[(u8, Option<u8>)]| {
            let mut crl = CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE));
            crl.this_update = utc(&format!("2405{day:02}000000Z"));
            crl.replace(number(day));
            let entries = entries.iter().map(|(n, reason)| Entry::new(&[*n], *reason));
            crl.entries.extend(entries);
            Crl::from_der(crl.der()).unwrap()
        };
        let old = edition(1, &[(1, Some(KEY_COMPROMISE)), (2, None), (3, Some(HOLD))]);
        let admission =
            world
                .store()
                .admit_crl(&edition(2, newer), &[old], &world.pki.policy, at());
        match admission.unwrap() {
            Admission::New { replaces } => !replaces.is_empty(),
            Admission::Unchanged => panic!(),
        }
    };
    assert!(admit(&[(1, Some(KEY_COMPROMISE)), (2, None)]));
    assert!(admit(&[(4, None), (2, Some(KEY_COMPROMISE)), (1, None)]));
    assert!(!admit(&[]));
    assert!(!admit(&[(1, None)]));
    assert!(!admit(&[(1, None), (2, Some(HOLD))]));
    assert!(!admit(&[(1, None), (2, Some(REMOVE))]));
}

#[test]
fn issuers_of_crls_about_themselves() {
    check(&[
        (
            "the intermediate lists its own number, which is another certificate's",
            |w| {
                let serial = vec![0x66];
                w.pki.intermediate().serial = serial.clone();
                w.of_intermediate().entries.push(Entry::new(&serial, None));
            },
            ["good", "good"],
            &[],
        ),
        (
            "the anchor is on nobody's list, and not asked about",
            |w| {
                w.of_root().entries.push(Entry::new(&[0x66], None));
                w.pki.root().serial = vec![0x67];
            },
            ["good", "good"],
            &[],
        ),
    ]);
    let mut world = World::good();
    world.pki.root().serial = vec![0x66];
    world.of_root().entries.push(Entry::new(&[0x66], None));
    let found = world.look_up();
    assert_eq!(found.states(), ["good", "good", "revoked"]);
    assert_eq!(found.codes(), [Code::Revoked]);
    assert!(!found.accepted);
}

/// Nothing that `--force` may waive hides a revocation.
#[test]
fn revoked_beside_other_trouble() {
    let mut world = World::good();
    world.pki.leaf.not_after = utc(EARLIER);
    world.revoke_leaf(None);
    assert_eq!(world.look_up().codes(), [Code::Expired, Code::Revoked]);
}

#[test]
fn what_is_no_crl_is_refused() {
    let code = |der: Vec<u8>| Crl::from_der(der).unwrap_err().code;
    let der = {
        let mut world = World::good();
        world.revoke_leaf(Some(KEY_COMPROMISE));
        world.of_intermediate().der()
    };
    assert!(Crl::from_der(der.clone()).is_ok());
    for length in 0..der.len() {
        assert_eq!(code(der[..length].to_vec()), Some(Code::CrlMalformed));
    }
    assert_eq!(
        code([&der[..], &[0]].concat()),
        Some(Code::CrlMalformed),
        "something after the end"
    );
    let with = |change: fn(&mut CrlSpec)| {
        let mut crl = CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE));
        change(&mut crl);
        code(crl.der())
    };
    let named = |names: &[Vec<u8>]| extension("2.5.29.29", true, sequence(names));
    for (name, found) in [
        (
            "an extension twice",
            with(|crl| crl.extensions.push(number(2))),
        ),
        (
            "a scope that cannot be read",
            with(|crl| crl.replace(extension(ISSUING_POINT, true, sequence(&[vec![0x86, 0]])))),
        ),
        (
            "an entry without a number",
            with(|crl| crl.entries.push(Entry::new(&[], None))),
        ),
        (
            "an extension of an entry twice",
            with(|crl| {
                let mut entry = Entry::new(&[1], Some(HOLD));
                entry.extensions.push(entry.extensions[0].clone());
                crl.entries.push(entry);
            }),
        ),
        ("an entry that names no issuer", {
            let mut crl = CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE));
            let mut entry = Entry::new(&[1], None);
            entry.extensions.push(named(&[uri("http://a.example/")]));
            crl.entries.push(entry);
            code(crl.der())
        }),
        ("an entry that names two", {
            let mut crl = CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE));
            let mut entry = Entry::new(&[1], None);
            let names = [directory(&intermediate_name()), directory(&nobody())];
            entry.extensions.push(named(&names));
            crl.entries.push(entry);
            code(crl.der())
        }),
    ] {
        assert_eq!(found, Some(Code::CrlMalformed), "{name}");
    }
    assert_eq!(
        with(|crl| crl
            .extensions
            .push(extension("2.5.29.27", true, integer(1)))),
        Some(Code::CrlDeltaUnsupported)
    );
}

/// Anybody can make a list with so many extensions; it is read before its signature is looked
/// at. One by one with each other they would take hours.
#[test]
fn many_extensions_are_no_trouble() {
    let extension = |number: u32| {
        let [a, b, c, d] =
            [21, 14, 7, 0].map(|shift| u8::try_from(number >> shift & 0x7f).unwrap());
        let oid = [0x2a, 0x80 | 1, 0x80 | a, 0x80 | b, 0x80 | c, d];
        sequence(&[tlv(0x06, &oid), tlv(0x04, &[])])
    };
    let read = |extensions: &[u8]| {
        let algorithm = ec_key(ROOT).scheme().identifier();
        let tbs = sequence(&[
            integer(1),
            algorithm.clone(),
            root_name(),
            utc(THIS_UPDATE),
            utc(NEXT_UPDATE),
            tlv(0xa0, &tlv(0x30, extensions)),
        ]);
        Crl::from_der(sequence(&[tbs, algorithm, tlv(0x03, &[0, 1])]))
    };
    let mut extensions: Vec<u8> = (0..1_000_000).flat_map(extension).collect();
    assert!(read(&extensions).is_ok());
    extensions.extend(extension(0));
    assert_eq!(
        read(&extensions).unwrap_err().code,
        Some(Code::CrlMalformed)
    );
}

#[test]
fn the_number_of_entries_is_bounded() {
    let crl = CrlSpec::new(intermediate_name(), ec_key(INTERMEDIATE));
    let entry = Entry::new(&[5], None).der();
    let most = crl.with_entries(&entry.repeat(MAX_CRL_ENTRIES));
    assert_eq!(Crl::from_der(most).unwrap().entry_count(), MAX_CRL_ENTRIES);
    let more = crl.with_entries(&entry.repeat(MAX_CRL_ENTRIES + 1));
    assert_eq!(
        Crl::from_der(more).unwrap_err().code,
        Some(Code::InputTooLarge)
    );
}

/// For those who bring CRLs into a store.
#[test]
fn a_crl_is_kept_if_a_ca_that_leads_to_an_anchor_signed_it() {
    let verify = |change: fn(&mut World)| {
        let mut world = World::good();
        change(&mut world);
        let crl = Crl::from_der(world.of_intermediate().der()).unwrap();
        world.crls.remove(1);
        let store = world.store();
        store.admit_crl(&crl, &[], &world.pki.policy, at())
    };
    let replaces = Vec::new();
    assert_eq!(verify(|_| {}), Ok(Admission::New { replaces }));
    for (change, why) in [
        (
            (|w| w.of_intermediate().signer = ec_key(OTHER)) as fn(&mut World),
            "no key of its issuer in the store made its signature",
        ),
        (
            |w| w.of_intermediate().issuer = nobody(),
            "its issuer is not in the store",
        ),
        (
            |w| w.pki.intermediate().replace(key_usage(&[KEY_CERT_SIGN])),
            "may not sign CRLs",
        ),
        (
            |w| {
                let serial = w.pki.intermediate().serial.clone();
                w.of_root().entries.push(Entry::new(&serial, None));
            },
            "is revoked",
        ),
        (|w| w.pki.roots.clear(), "does not lead to a root"),
    ] {
        let refusal = verify(change).unwrap_err().to_string();
        assert!(refusal.contains(why), "{refusal}");
    }
}

/// `testdata/revocation`: what is signed with SHA-1 and may be forged revokes, and says
/// nothing otherwise.
#[test]
fn sha1() {
    let read = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/revocation");
        std::fs::read(folder.join(name)).unwrap()
    };
    let leaf = Arc::new(Certificate::from_der(&read("legacy-leaf.der")).unwrap());
    let anchor = Certificate::from_der(&read("legacy-ca.der")).unwrap();
    let look_up = |name: &str, rule: &str| {
        let mut store = Store::new();
        store.add_root(anchor.clone(), file("root"));
        let crl = Crl::from_der(read(name)).unwrap();
        store.add_crl(crl, file("crl")).unwrap();
        let policy = Policy::from_toml(&format!("sha1 = '{rule}'")).unwrap();
        let at = Time::parse_rfc3339("2026-07-01").unwrap();
        let (revocation, findings) = match store.verify(&leaf, &policy, at, Usage::Any) {
            Ok(path) => (path.revocation().to_vec(), path.findings().to_vec()),
            Err(failure) => (failure.revocation, failure.findings),
        };
        let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        (revocation[0].state().as_str(), codes)
    };
    // The silence of one that is not accepted takes no older one away.
    for (rule, replaces) in [("always", 1), ("never", 0)] {
        let [older, newer] = ["sha1-2015.crl", "sha1.crl"].map(|n| Crl::from_der(read(n)).unwrap());
        let mut store = Store::new();
        store.add_root(anchor.clone(), file("root"));
        let policy = Policy::from_toml(&format!("sha1 = '{rule}'")).unwrap();
        let at = Time::parse_rfc3339("2026-07-01").unwrap();
        match store.admit_crl(&newer, &[older], &policy, at).unwrap() {
            Admission::New { replaces: gone } => assert_eq!(gone.len(), replaces, "{rule}"),
            Admission::Unchanged => panic!(),
        }
    }
    for (name, rule, state, codes) in [
        ("sha1.crl", "issued-before-2016", "unknown", UNUSABLE),
        ("sha1.crl", "never", "unknown", UNUSABLE),
        ("sha1.crl", "always", "good", &[]),
        ("sha1-2015.crl", "never", "unknown", UNUSABLE),
        (
            "sha1-2015.crl",
            "issued-before-2016",
            "stale",
            &[Code::RevocationStale],
        ),
        (
            "sha1-revoked.crl",
            "never",
            "revoked",
            &[Code::CrlUnusable, Code::Revoked],
        ),
        ("sha1-revoked.crl", "always", "revoked", &[Code::Revoked]),
    ] {
        assert_eq!(
            look_up(name, rule),
            (state, codes.to_vec()),
            "{name} {rule}"
        );
    }
}
