//! Who may sign packages and time stamps: anchors of their own, which are not anchors of
//! endorsement keys.

use std::sync::Arc;

use ::der::oid::ObjectIdentifier;

use super::error::Refusal;
use crate::der::Time;
use crate::ek::{Certificate, KeyUsage, Name};
use crate::finding::{Code, Error, Finding, Severity};
use crate::trust::{ExpiryRule, Origin, Policy, PolicyInputs, Sha1Rule, Store, Supplied, Usage};

/// The publisher of Microsoft's packages, as its certificates name it.
const MICROSOFT: &str = "Microsoft Corporation";

/// The roots that Microsoft's package and its time stamp chain to. `roots/authenticode/README.md`
/// says where they come from.
const MICROSOFT_ROOTS: [&[u8]; 2] = [
    // The time stamp.
    include_bytes!("../../../roots/authenticode/microsoft-root-certificate-authority-2010.der"),
    // The signer.
    include_bytes!("../../../roots/authenticode/microsoft-root-certificate-authority-2011.der"),
];

/// id-kp-codeSigning (RFC 5280 4.2.1.12).
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
/// id-kp-timeStamping (RFC 5280 4.2.1.12).
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// anyExtendedKeyUsage (RFC 5280 4.2.1.12).
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// Microsoft's "lifetime signing": what the key signed is good no longer than its
/// certificate, time stamp or not.
const LIFETIME_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.13");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Who may sign a package: certificates below these roots, of this publisher.
#[derive(Debug)]
pub struct Roots {
    store: Store,
    publisher: String,
}

/// A chain that was verified, to one of the roots.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    signer: Arc<Certificate>,
    intermediates: Vec<Arc<Certificate>>,
    root: Arc<Certificate>,
}

impl Chain {
    pub(super) fn signer(&self) -> &Certificate {
        &self.signer
    }

    pub(super) fn root(&self) -> &Certificate {
        &self.root
    }

    pub(super) fn contains(&self, certificate: &Arc<Certificate>) -> bool {
        [&self.signer, &self.root].contains(&certificate)
            || self.intermediates.contains(certificate)
    }
}

/// What a chain is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Signer,
    TimeStamper,
}

impl Roots {
    /// Microsoft, by the roots embedded in the program.
    ///
    /// # Errors
    /// An embedded certificate that cannot be read, which the tests rule out.
    pub fn microsoft() -> Result<Self, Error> {
        let roots = MICROSOFT_ROOTS
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(roots, MICROSOFT))
    }

    /// Another publisher, by its roots and those of its time stamps. `publisher` is both
    /// the organization and the common name of the signer's certificate: roots issue to
    /// others as well (Microsoft's to makers of drivers and of apps).
    pub fn new(roots: impl IntoIterator<Item = Certificate>, publisher: &str) -> Self {
        let mut store = Store::new();
        for root in roots {
            store.add_root(root, Origin::Embedded("Authenticode"));
        }
        Self {
            store,
            publisher: publisher.to_owned(),
        }
    }

    /// The roots.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.store.roots().map(|(root, _)| root)
    }

    /// The chain of a signer at a time, over certificates that came with the
    /// signature.
    ///
    /// # Errors
    /// Why there is none: one that was altered is [`Refusal::Wrong`].
    pub(super) fn chain(
        &self,
        signer: &Arc<Certificate>,
        bag: &[Arc<Certificate>],
        role: Role,
        at: Time,
    ) -> Result<Chain, Refusal> {
        let mut policy = Policy::default();
        policy.expiry = ExpiryRule::AtTime;
        policy.sha1 = Sha1Rule::Never;
        let mut supplied = Supplied::new(bag.iter().cloned());
        let path = self
            .store
            .verify_with(
                signer,
                &policy,
                at,
                Usage::Any,
                &PolicyInputs::default(),
                &mut supplied,
            )
            .map_err(|failure| refusal(&failure.findings, signer, at))?;
        // An anchor that signs packages itself is a mistake of whoever made it.
        let [signer, intermediates @ .., root] = path.certificates() else {
            return Err(Refusal::Untrusted(format!(
                "'{}' is a root itself",
                signer.subject()
            )));
        };
        self.check(signer, intermediates, role)
            .map_err(Refusal::Untrusted)?;
        Ok(Chain {
            signer: Arc::clone(signer),
            intermediates: intermediates.to_vec(),
            root: Arc::clone(root),
        })
    }

    /// The rules beyond RFC 5280.
    fn check(
        &self,
        signer: &Certificate,
        intermediates: &[Arc<Certificate>],
        role: Role,
    ) -> Result<(), String> {
        let purpose = role.purpose();
        let extensions = signer.extensions();
        let usages = extensions.extended_key_usage.as_deref().unwrap_or_default();
        if !usages.contains(&purpose) {
            return Err(format!(
                "'{}' does not say that it is for {}",
                signer.subject(),
                role.words()
            ));
        }
        // RFC 3161 2.3: that purpose alone, and critical.
        if role == Role::TimeStamper
            && (usages != [purpose] || !extensions.extended_key_usage_critical)
        {
            return Err(format!(
                "'{}' is not for time stamps alone, or does not say so critically",
                signer.subject()
            ));
        }
        if signer.is_ca() {
            return Err(format!("'{}' is a CA", signer.subject()));
        }
        if extensions
            .key_usage
            .is_some_and(|usage| !usage.allows(KeyUsage::DIGITAL_SIGNATURE))
        {
            return Err(format!(
                "the key of '{}' is not for signatures",
                signer.subject()
            ));
        }
        // A CA that names purposes vouches for those alone, as Windows has it.
        for issuer in intermediates {
            if let Some(usages) = &issuer.extensions().extended_key_usage
                && !usages.contains(&purpose)
                && !usages.contains(&ANY_USAGE)
            {
                return Err(format!(
                    "its issuer '{}' is for other purposes than {}",
                    issuer.subject(),
                    role.words()
                ));
            }
        }
        if role == Role::Signer && !self.is_publisher(signer.subject()) {
            return Err(format!(
                "'{}' is not the publisher of the package, {}",
                signer.subject(),
                self.publisher
            ));
        }
        Ok(())
    }

    fn is_publisher(&self, subject: &Name) -> bool {
        [ORGANIZATION, COMMON_NAME]
            .iter()
            .all(|&kind| subject.values(kind) == [self.publisher.as_str()])
    }
}

/// Why there is no chain, in the words of the first error. A wrong signature in it is
/// forgery; anything else may be a matter of trust.
fn refusal(findings: &[Finding], signer: &Certificate, at: Time) -> Refusal {
    let mut errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let Some(first) = errors.next() else {
        return Refusal::Untrusted(format!("'{}' has no valid chain", signer.subject()));
    };
    let why = format!("at {at}, {}", first.message);
    if first.code == Code::SignatureInvalid {
        Refusal::Wrong(why)
    } else {
        Refusal::Untrusted(why)
    }
}

/// Whether what `signer` signed is good no longer than its certificate.
pub(super) fn is_lifetime_signer(signer: &Certificate) -> bool {
    let usages = &signer.extensions().extended_key_usage;
    usages
        .as_ref()
        .is_some_and(|usages| usages.contains(&LIFETIME_SIGNING))
}

impl Role {
    fn purpose(self) -> ObjectIdentifier {
        match self {
            Self::Signer => CODE_SIGNING,
            Self::TimeStamper => TIME_STAMPING,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Signer => "signing code",
            Self::TimeStamper => "time stamps",
        }
    }
}
