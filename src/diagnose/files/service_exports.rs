//! What the cmdlets of a node say of the service: in which mode it attests, and how its
//! certificates were added (`Get-HgsServer`, `Get-HgsKeyProtectionCertificate`).
//!
//! The parameters of these cmdlets are documented, what their output is made of is not, so a
//! property is used where it is there and nothing is concluded from its absence.

use super::Comparable;
use super::content::ReadFile;
use super::object::{Object, Value, objects};
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::diagnose::service::{judge_mode, judge_mode_support, judge_same_mode};
use crate::diagnose::{Basis, Definition, Diagnostic, Question, Set};
use crate::ek::Certificate;

/// Every certificate is copied to the other nodes by the service itself.
pub(super) static REPLICATED: Definition = Definition {
    id: "hgs-certificates-replicated",
    set: Set::BestPractices,
    title: "The service copies its certificates to every node itself",
    basis: Basis::Documented,
    source: "Managing the Host Guardian Service, Backing up certificates; Troubleshoot the Host \
             Guardian Service, Certificate Permissions",
};

/// One signing and one encryption certificate is primary.
pub(super) static PRIMARY: Definition = Definition {
    id: "hgs-certificate-primary",
    set: Set::HostGuardianService,
    title: "One signing and one encryption certificate is the primary one",
    basis: Basis::Inferred,
    source: "Set-HgsKeyProtectionCertificate has -IsPrimary and -IsEnabled; that what Get-HgsKeyProtectionCertificate \
             gives has the same names is inferred",
};

/// The kinds of certificates that the service has one or more of.
const KINDS: [&str; 2] = ["Signing", "Encryption"];

/// The name of the type that a certificate has which was added by its thumbprint.
const BY_THUMBPRINT: &str = "CertificateReference";

/// The most certificates that are shown one by one.
const MAX_SHOWN: usize = 20;

/// The diagnostics about what the files of one target say of the service.
pub(super) fn diagnostics(files: &[ReadFile<'_>], question: &Question) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in files {
        for mode in modes(file) {
            found.push(judge_mode(mode, question).seen(format!("by {}", file.name)));
            found.push(judge_mode_support(mode).seen(format!("by {}", file.name)));
        }
        let certificates: Vec<Listed> = objects(file.values())
            .into_iter()
            .filter_map(Listed::of)
            .collect();
        if !certificates.is_empty() {
            found.push(replicated(file.name, &certificates));
            found.push(primary(file.name, &certificates));
        }
    }
    found
}

/// The mode that a node is in by its files.
pub(super) fn mode_of(files: &[ReadFile<'_>]) -> Option<OperationMode> {
    files.iter().flat_map(modes).next()
}

/// Whether the nodes are in the same mode, by the files of each. Nothing with fewer than two
/// nodes that say so.
pub(super) fn compared(all: &[Comparable], question: &Question) -> Option<Diagnostic> {
    let nodes = all.iter().filter(|one| one.mode.is_some());
    let nodes: Vec<_> = nodes.map(|one| (one.name.clone(), one.mode)).collect();
    (nodes.len() > 1).then(|| judge_same_mode(&nodes, question))
}

/// Whether only a node says this of itself.
pub(super) fn is_of_node(values: &[Value]) -> bool {
    let mut all = objects(values).into_iter();
    modes_of(values).next().is_some() || all.any(|object| Listed::of(object).is_some())
}

/// The modes that a file says a service is in: what `Get-HgsServer` gives has the mode and a
/// URL, and no status of a host.
fn modes<'f>(file: &'f ReadFile<'_>) -> impl Iterator<Item = OperationMode> + use<'f> {
    modes_of(file.values())
}

fn modes_of(values: &[Value]) -> impl Iterator<Item = OperationMode> {
    let of_server = |object: &&Object| {
        object.member("AttestationStatus").is_none()
            && ["AttestationUrl", "KeyProtectionUrl"]
                .iter()
                .any(|url| object.member(url).is_some())
    };
    let servers = objects(values).into_iter().filter(of_server);
    servers.filter_map(|server| mode(&server.text("AttestationOperationMode")?))
}

/// A mode as PowerShell writes it. `AD` was seen in what people published, as was `Tpm`.
pub(super) fn mode(text: &str) -> Option<OperationMode> {
    let known = [
        ("tpm", OperationMode::Tpm),
        ("ad", OperationMode::ActiveDirectory),
        ("activedirectory", OperationMode::ActiveDirectory),
        ("hostkey", OperationMode::HostKey),
    ];
    let by_name = known
        .into_iter()
        .find_map(|(name, mode)| text.eq_ignore_ascii_case(name).then_some(mode));
    by_name.or_else(|| text.parse::<u32>().ok().map(OperationMode::from))
}

/// A certificate of the service as a node lists it.
struct Listed {
    kind: String,
    shown: String,
    is_primary: Option<bool>,
    is_enabled: Option<bool>,
    is_by_thumbprint: Option<bool>,
}

impl Listed {
    fn of(object: &Object) -> Option<Self> {
        const MAX_LEN: usize = 64;
        let kind = object
            .text("CertificateType")
            .filter(|kind| KINDS.iter().any(|one| kind.eq_ignore_ascii_case(one)))?;
        let flag = |name| match object.text(name)?.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        let data = match object.member("CertificateData") {
            Some(Value::Object(data)) if !data.types.is_empty() => Some(data),
            _ => None,
        };
        let certificate = match object.member("Certificate") {
            Some(Value::Object(inner)) => match inner.member("RawData") {
                Some(Value::Octets(der)) => Certificate::from_der(der).ok(),
                _ => None,
            },
            _ => None,
        };
        let thumbprint = || object.text("Thumbprint").filter(|one| one.len() <= MAX_LEN);
        let shown = match certificate {
            Some(one) => format!("{} ({})", one.subject(), one.thumbprint_sha1()),
            None => thumbprint().unwrap_or_else(|| "a certificate without a name".to_owned()),
        };
        Some(Self {
            kind,
            shown,
            is_primary: flag("IsPrimary"),
            is_enabled: flag("IsEnabled"),
            is_by_thumbprint: data.map(|data| data.is(BY_THUMBPRINT)),
        })
    }

    fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
}

fn replicated(file: &str, certificates: &[Listed]) -> Diagnostic {
    let by_hand: Vec<&Listed> = certificates
        .iter()
        .filter(|one| one.is_by_thumbprint == Some(true))
        .collect();
    if by_hand.is_empty() {
        let unknown = certificates
            .iter()
            .filter(|one| one.is_by_thumbprint.is_none())
            .count();
        if unknown > 0 {
            return Diagnostic::warn(
                &REPLICATED,
                format!("{file}: how {unknown} certificates were added is not in it"),
            )
            .then("save the objects themselves, on a node:")
            .powershell(
                "Get-HgsKeyProtectionCertificate | Export-Clixml certificates.xml -Depth 4",
            );
        }
        return Diagnostic::pass(
            &REPLICATED,
            format!(
                "{file}: none of its {} was added by its thumbprint",
                certificates.len()
            ),
        );
    }
    let count = by_hand.len();
    let found = Diagnostic::warn(
        &REPLICATED,
        format!("{file}: {count} certificates were added by their thumbprint"),
    );
    let found = by_hand.iter().take(MAX_SHOWN).fold(found, |found, one| {
        found.seen(format!("{}: {}", one.kind, one.shown))
    });
    let more = count.saturating_sub(MAX_SHOWN);
    let found = match more {
        0 => found,
        _ => found.seen(format!("and {more} more")),
    };
    found
        .then(
            "install each of them with its private key on every node, or give every node access to \
             it in the hardware security module (with nShield: to the security world that has it)",
        )
        .then(
            "on every node, give the service account read access to the key; with a SafeNet module \
             by certlm.msc, with nShield perhaps so; other modules know the machine instead of the \
             account. These are tips of Microsoft without guarantee: the vendor knows",
        )
        .powershell("(Get-IISAppPool -Name KeyProtection).ProcessModel.UserName")
        .then("keep a copy of the key yourself: Export-HgsServerState does not hold it")
        .then("see that nodes have the same ones: endorse check-certificate --compare")
}

fn primary(file: &str, certificates: &[Listed]) -> Diagnostic {
    if certificates.iter().all(|one| one.is_primary.is_none()) {
        return Diagnostic::warn(
            &PRIMARY,
            format!("{file}: which certificates are the primary ones is not in it"),
        )
        .then("look at them on a node:")
        .powershell("Get-HgsKeyProtectionCertificate -IsPrimary $true");
    }
    let mut wrong = Vec::new();
    let mut right = Vec::new();
    for kind in KINDS {
        let of_kind = certificates.iter().filter(|one| one.is(kind));
        let primary: Vec<_> = of_kind.filter(|one| one.is_primary == Some(true)).collect();
        match primary.as_slice() {
            [one] if one.is_enabled == Some(false) => {
                wrong.push(format!(
                    "{kind}: the primary one is disabled: {}",
                    one.shown
                ));
            }
            [one] => right.push(format!("{kind}: {}", one.shown)),
            [] => wrong.push(format!("{kind}: none is primary")),
            many => wrong.push(format!("{kind}: {} are primary", many.len())),
        }
    }
    let mut lines = wrong
        .iter()
        .chain(&right)
        .map(|line| format!("{file}: {line}"));
    let first = lines.next().unwrap_or_default();
    let mut found = match wrong.is_empty() {
        true => Diagnostic::pass(&PRIMARY, first),
        false => Diagnostic::warn(&PRIMARY, first),
    };
    found.evidence.extend(lines);
    match wrong.is_empty() {
        true => found,
        false => found
            .then("see which the service is to use, and make it primary:")
            .powershell("Get-HgsKeyProtectionCertificate")
            .powershell(
                "Set-HgsKeyProtectionCertificate -CertificateType Signing -Thumbprint '<THUMBPRINT>' -IsPrimary",
            ),
    }
}
