//! The certificate with which a node answers by HTTPS.

use std::sync::Arc;

use super::answers::not_asked;
use super::view::{Reply, Seen};
use super::{Blob, NodeObservation, Outcome};
use crate::der::Time;
use crate::diagnose::certificate::{ANY_PURPOSE, SERVER_AUTHENTICATION};
use crate::diagnose::in_words::{is_valid, named, window};
use crate::diagnose::{Basis, Definition, Diagnostic, Question, ServerNames, Set};
use crate::ek::{Certificate, GeneralName};
use crate::finding::{Code, Severity};
use crate::trust::{Origin, Policy, PolicyInputs, Pool, Store, Supplied, Usage, VerifiedPath};

/// How long before its end a certificate is worth a warning, in days: what ACME clients take
/// for a certificate of three months.
const WARN_DAYS: i64 = 30;

/// The most certificates of a chain that are looked at; an observation from a file may have
/// any number. A genuine chain has two to four.
const MAX_CHAIN_LEN: usize = 16;

/// Gives a node a certificate that is in its store (Initialize the HGS cluster).
const BIND: &str = "Set-HgsServer -Http -Https -HttpsCertificateThumbprint '<THUMBPRINT>'";

pub(super) static CHAIN: Definition = Definition {
    id: "hgs-https-chain",
    set: Set::Https,
    title: "The certificate of the node leads to an authority that is trusted",
    basis: Basis::Documented,
    source: "RFC 5280 section 6; Configure HGS for HTTPS communications",
};

pub(super) static NAME: Definition = Definition {
    id: "hgs-https-name",
    set: Set::Https,
    title: "The certificate of the node is for the name of the service",
    basis: Basis::Documented,
    source: "RFC 9525 section 6; Obtain certificates for HGS: the names of the SSL certificate",
};

pub(super) static VALIDITY: Definition = Definition {
    id: "hgs-https-validity",
    set: Set::Https,
    title: "The certificate of the node is within its validity",
    basis: Basis::Documented,
    source: "RFC 5280 section 4.1.2.5",
};

pub(super) static USAGE: Definition = Definition {
    id: "hgs-https-usage",
    set: Set::Https,
    title: "The certificate of the node is for servers",
    basis: Basis::Documented,
    source: "RFC 5280 section 4.2.1.12",
};

/// Who is trusted to issue certificates for HTTPS: made once for all nodes.
pub(super) struct Roots {
    store: Store,
    is_empty: bool,
}

impl Roots {
    pub(super) fn new(question: &Question) -> Self {
        let mut store = Store::new();
        for root in &question.tls_roots {
            let origin = Origin::File("the roots for HTTPS".to_owned());
            store.add(Pool::Root, Arc::clone(root), origin);
        }
        Self {
            store,
            is_empty: question.tls_roots.is_empty(),
        }
    }
}

/// What is to be said of the certificate of a node.
pub(super) struct Https {
    chain: Chain,
    names: Option<ServerNames>,
    /// Whether the name of the service is among them.
    is_named: bool,
    is_for_servers: Option<bool>,
    has_roots: bool,
    at: Time,
}

enum Chain {
    /// No certificate came.
    Missing { why: String, is_tls: bool },
    /// What came first cannot be read.
    Unreadable(String),
    /// Not all answers came with the same certificate.
    Changing,
    /// It leads to a root.
    Trusted(Arc<Certificate>, Box<VerifiedPath>),
    /// It does not.
    Untrusted(Arc<Certificate>, Vec<String>),
}

impl Https {
    /// Judges what the node showed, as of when that was.
    pub(super) fn judge(node: &NodeObservation, roots: &Roots) -> Self {
        let at = node.time();
        let chain = judge_chain(node, roots, at);
        let leaf = chain.leaf();
        let names = leaf.map(|leaf| ServerNames::new(leaf.subject(), leaf.extensions()));
        // Constraints are about alternative names, so the subject would go round them.
        Self {
            is_named: names.as_ref().is_some_and(|names| {
                names.hold(&node.service.host)
                    && (names.has_alternatives || !chain.constrains_names())
            }),
            names,
            is_for_servers: leaf.map(|leaf| is_for_servers(leaf)),
            chain,
            has_roots: !roots.is_empty,
            at,
        }
    }

    /// Why it is not proven that the service answered; `None` if it is.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        let path = match &self.chain {
            Chain::Missing { .. } | Chain::Unreadable(_) => {
                return Some("it showed no certificate");
            }
            Chain::Changing => return Some("it showed one certificate and then another"),
            Chain::Untrusted(..) => return Some("its certificate is not trusted"),
            Chain::Trusted(_, path) => path,
        };
        if !self.is_named {
            return Some("its certificate is for another name");
        }
        if !path.certificates().iter().all(|one| is_valid(one, self.at)) {
            return Some("its certificate is not within its validity");
        }
        if self.is_for_servers != Some(true) {
            return Some("its certificate is not for servers");
        }
        None
    }
}

impl Chain {
    /// Whether an authority on the path may issue for some names of servers alone.
    fn constrains_names(&self) -> bool {
        let Self::Trusted(_, path) = self else {
            return false;
        };
        let certificates = path.certificates().iter();
        let mut constraints =
            certificates.filter_map(|one| one.extensions().name_constraints.as_ref());
        constraints.any(|one| {
            let mut all = one.permitted.iter().chain(&one.excluded);
            all.any(|subtree| matches!(subtree.base, GeneralName::Dns(_) | GeneralName::Ip(_)))
        })
    }

    fn leaf(&self) -> Option<&Arc<Certificate>> {
        match self {
            Self::Trusted(leaf, _) | Self::Untrusted(leaf, _) => Some(leaf),
            _ => None,
        }
    }
}

fn judge_chain(node: &NodeObservation, roots: &Roots, at: Time) -> Chain {
    let mut chains = node.exchanges().filter_map(|one| one.tls_chain.as_ref());
    let Some(chain) = chains.next() else {
        return missing(node);
    };
    if chains.any(|other| other != chain) {
        return Chain::Changing;
    }
    let certificates = chain.iter().take(MAX_CHAIN_LEN);
    let mut certificates = certificates.map(|Blob(der)| Certificate::from_der(der));
    let leaf = match certificates.next() {
        Some(Ok(leaf)) => Arc::new(leaf),
        Some(Err(error)) => return Chain::Unreadable(error.message),
        None => return missing(node),
    };
    // One that cannot be read is not in any path.
    let rest: Vec<_> = certificates.flatten().map(Arc::new).collect();
    let verified = roots.store.verify_with(
        &leaf,
        &policy(),
        at,
        Usage::Any,
        &PolicyInputs::default(),
        &mut Supplied::new(rest),
    );
    match verified {
        Ok(path) => Chain::Trusted(leaf, Box::new(path)),
        Err(failure) => {
            let errors = failure.findings.iter();
            let errors = errors.filter(|finding| finding.severity == Severity::Error);
            let errors = errors.map(|finding| format!("{}: {}", finding.code, finding.message));
            Chain::Untrusted(leaf, errors.collect())
        }
    }
}

/// The usual rules; what is out of date is a diagnostic of its own.
fn policy() -> Policy {
    let mut policy = Policy::default();
    for code in [Code::Expired, Code::NotYetValid] {
        // Both may be weakened; if not, they would count here as well.
        let _ = policy.set_severity(code, Severity::Info);
    }
    policy
}

fn missing(node: &NodeObservation) -> Chain {
    let trouble = node.exchanges().find_map(|one| match &one.outcome {
        Outcome::Failure(trouble) => Some(trouble),
        Outcome::Answer(_) => None,
    });
    Chain::Missing {
        why: trouble.map_or_else(|| "the node was not asked".to_owned(), ToString::to_string),
        is_tls: trouble.is_some_and(|trouble| trouble.cause == "tls"),
    }
}

fn is_for_servers(leaf: &Certificate) -> bool {
    match &leaf.extensions().extended_key_usage {
        None => true,
        Some(usages) => usages
            .iter()
            .any(|usage| [SERVER_AUTHENTICATION, ANY_PURPOSE].contains(usage)),
    }
}

/// The diagnostics about the certificate of a node.
pub(super) fn diagnostics(seen: &Seen<'_>) -> Vec<Diagnostic> {
    let Some(https) = &seen.https else {
        let by_http = |definition| {
            Diagnostic::not_applicable(definition, "the service is reached by http, without TLS")
        };
        return [&CHAIN, &NAME, &VALIDITY, &USAGE].map(by_http).to_vec();
    };
    let is_missing = matches!(https.chain, Chain::Missing { is_tls: false, .. });
    if is_missing && matches!(seen.info, Reply::NotAsked) {
        return [&CHAIN, &NAME, &VALIDITY, &USAGE].map(not_asked).to_vec();
    }
    vec![
        chain(https, seen),
        name(https, seen),
        validity(https),
        usage(https),
    ]
}

fn chain(https: &Https, seen: &Seen<'_>) -> Diagnostic {
    match &https.chain {
        Chain::Missing { why, is_tls: true } => Diagnostic::fail(&CHAIN, why.as_str())
            .then(
                "see that the site has a binding for https with a certificate, and that the node \
                 speaks TLS 1.2 or later",
            )
            .powershell(BIND),
        Chain::Missing { why, is_tls: false } => {
            Diagnostic::warn(&CHAIN, format!("no certificate was seen: {why}"))
                .then("settle why the node does not answer first")
        }
        Chain::Unreadable(why) => Diagnostic::fail(
            &CHAIN,
            format!("the certificate of the node cannot be read: {why}"),
        )
        .then("give the node another certificate"),
        Chain::Changing => Diagnostic::fail(
            &CHAIN,
            "the node showed one certificate and then another, within seconds",
        )
        .then("see whether a load balancer stands in front of several machines, and look again"),
        Chain::Trusted(leaf, path) => {
            let certificates = path.certificates().iter().skip(1);
            let mut found = Diagnostic::pass(&CHAIN, named(leaf));
            for certificate in certificates {
                found = found.seen(format!("issued by {}", certificate.subject()));
            }
            found
        }
        Chain::Untrusted(leaf, _) if !https.has_roots => Diagnostic::warn(&CHAIN, named(leaf))
            .seen(format!("issued by {}", leaf.issuer()))
            .seen("no authority was named that is trusted")
            .then("name those that hosts trust with --tls-root"),
        Chain::Untrusted(leaf, errors) => {
            let mut found =
                Diagnostic::fail(&CHAIN, named(leaf)).seen(format!("issued by {}", leaf.issuer()));
            for error in errors {
                found = found.seen(error.as_str());
            }
            found
                .then(
                    "if the authority is one of your own, or the certificate signed itself, name \
                     it to this program with --tls-root, and see that every host has it among its \
                     trusted roots",
                )
                .then(
                    "if an intermediate certificate is missing, put it into the node's store of \
                     intermediate authorities",
                )
                .then(format!(
                    "if it is neither, somebody else answers at {}",
                    seen.node.name()
                ))
        }
    }
}

fn name(https: &Https, seen: &Seen<'_>) -> Diagnostic {
    let host = &seen.node.service.host;
    let Some(names) = &https.names else {
        return unseen(&NAME);
    };
    let place = match names.has_alternatives {
        true => "its alternative names; the subject does not count where there are any",
        false => "its subject, as it has no alternative names",
    };
    let counting = names.counting();
    let listed = match counting.is_empty() {
        true => "none".to_owned(),
        false => counting.join(", "),
    };
    let text = format!("{listed} ({place})");
    let failed = || {
        Diagnostic::fail(
            &NAME,
            format!("the service is {host}, the certificate for {text}"),
        )
    };
    let found = match https.is_named {
        true => return Diagnostic::pass(&NAME, text),
        false if !names.has_alternatives && https.chain.constrains_names() => failed().seen(
            "its authority may issue for some names alone, which is a matter of alternative names: \
             the subject does not count under it",
        ),
        false => failed(),
    };
    found
        .then(format!(
            "issue a certificate with {host} among its alternative names and give it to this \
                 node; it is not copied between nodes"
        ))
        .powershell(BIND)
}

fn validity(https: &Https) -> Diagnostic {
    let Some(leaf) = https.chain.leaf() else {
        return unseen(&VALIDITY);
    };
    let mut all = vec![leaf];
    if let Chain::Trusted(_, path) = &https.chain {
        all = path.certificates().iter().collect();
    }
    let out = all.iter().find(|one| !is_valid(one, https.at));
    if let Some(out) = out {
        let word = match https.at < out.not_before() {
            true => "is not valid yet",
            false => "is not valid any more",
        };
        return Diagnostic::fail(
            &VALIDITY,
            format!("at {}, {} {word}: {}", https.at, out.subject(), window(out)),
        )
        .then("issue a new certificate and give it to this node")
        .powershell(BIND)
        .then(
            "if the certificate should be valid, see whether the clock of this machine is right",
        );
    }
    let left = leaf.not_after().unix().saturating_sub(https.at.unix());
    let days = left.div_euclid(86_400);
    match days < WARN_DAYS {
        true => Diagnostic::warn(
            &VALIDITY,
            format!("it ends in {days} days: {}", window(leaf)),
        )
        .then("issue a new certificate and bind it to the site on this node"),
        false => Diagnostic::pass(&VALIDITY, window(leaf)),
    }
}

fn usage(https: &Https) -> Diagnostic {
    match https.is_for_servers {
        None => unseen(&USAGE),
        Some(true) => Diagnostic::pass(
            &USAGE,
            "its extended key usage is that of servers, or not restricted",
        ),
        Some(false) => Diagnostic::fail(
            &USAGE,
            "its extended key usage does not hold that of servers (1.3.6.1.5.5.7.3.1)",
        )
        .then("issue a certificate from a template for web servers and give it to this node")
        .powershell(BIND),
    }
}

fn unseen(definition: &'static Definition) -> Diagnostic {
    Diagnostic::warn(definition, "no certificate was seen")
        .then("settle why no certificate was seen first")
}
