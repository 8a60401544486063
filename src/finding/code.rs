use std::fmt;

use super::Severity;

/// Defines the codes once: variant, text, default severity, clause, .NET status.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $text:literal $severity:ident $clause:expr, $status:expr;)*) => {
        /// The stable code of a finding. New codes may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The kebab-case text of the code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The severity it has unless the policy says otherwise.
            pub fn default_severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The rule behind it, where one text states it.
            pub fn clause(self) -> Option<&'static str> {
                match self { $(Self::$variant => $clause,)* }
            }

            /// The .NET `X509ChainStatusFlags` name for the same trouble.
            pub fn chain_status(self) -> Option<&'static str> {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    // Reading.
    /// The XML is not well formed, or nested too deeply.
    XmlMalformed "xml-malformed" Error None, None;
    /// The XML has a DOCTYPE or an entity of its own.
    XmlDoctype "xml-doctype" Error None, None;
    /// The JSON is not well formed, or not the documented form.
    JsonMalformed "json-malformed" Error None, None;
    /// The text is in no encoding that platform identifiers come in.
    EncodingUnknown "encoding-unknown" Error None, None;
    /// The input is none of the kinds of file that are read here.
    InputUnrecognised "input-unrecognised" Error None, None;
    /// A limit on size, depth or number was passed.
    InputTooLarge "input-too-large" Error None, None;
    /// Nothing in the input is an EKpub or an EKcert.
    NoEkpub "no-ekpub" Error None, None;
    /// An EKpub that cannot be read, or is no possible key.
    EkpubMalformed "ekpub-malformed" Error None, None;
    /// An EKcert that cannot be read.
    EkcertMalformed "ekcert-malformed" Error Some("RFC 5280 4.1"), None;
    /// A registry export of Windows that is not well formed.
    RegMalformed "reg-malformed" Error None, None;
    /// A digest that stands beside a certificate or key is not the digest of it.
    DigestMismatch "digest-mismatch" Error None, None;
    /// A text that Windows put into `PlatformIdMessages`.
    MessageFromHost "message-from-host" Warning None, None;
    /// A fact about the machine could not be read.
    MachineIncomplete "machine-incomplete" Warning None, None;
    /// The machine is a virtual one, and so is its TPM.
    VirtualMachine "virtual-machine" Info None, None;
    /// The TPM is in dictionary attack lockout.
    TpmLockout "tpm-lockout" Warning None, None;
    // The EKcert as such.
    /// An EKpub has no EKcert.
    EkcertMissing "ekcert-missing" Error None, None;
    /// The certificate chain that the TPM keeps cannot be read to its end.
    ChainMalformed "chain-malformed" Warning None, None;
    /// An EKcert was asked for on the vendor's server, and did not come.
    EkcertNotFetched "ekcert-not-fetched" Warning None, None;
    /// The EKpub is not the key in the EKcert.
    KeyMismatch "key-mismatch" Error None, None;
    /// An EKcert for a key that the file does not list as an EKpub.
    EkpubUnlisted "ekpub-unlisted" Warning None, None;
    /// A CA certificate of the input that no path needed.
    CertificateUnused "certificate-unused" Info None, None;
    /// The certificate is not X.509 version 3.
    ProfileVersion "profile-version" Warning Some("RFC 5280 4.1.2.1"), None;
    /// The serial number is zero, negative or not minimally encoded.
    ProfileSerial "profile-serial" Warning Some("RFC 5280 4.1.2.2"), None;
    /// Bytes that are not DER, though a tolerant reader understands them.
    ProfileEncoding "profile-encoding" Info Some("ITU-T X.690 10, 11"), None;
    /// The certificate was wrapped or padded the way TPMs keep it in NV.
    ProfileWrapping "profile-wrapping" Info None, None;
    /// The subject alternative name lacks the TPM's directoryName.
    ProfileSan "profile-san" Warning None, None;
    /// A TPM attribute is missing or malformed.
    ProfileTpmAttributes "profile-tpm-attributes" Warning None, None;
    /// Basic constraints are absent or not critical.
    ProfileBasicConstraints "profile-basic-constraints" Warning Some("RFC 5280 4.2.1.9"), None;
    /// Key usage is absent or does not fit the key.
    ProfileKeyUsage "profile-key-usage" Warning Some("RFC 5280 4.2.1.3"), None;
    /// The EKcert is a CA certificate.
    ProfileCa "profile-ca" Error Some("RFC 5280 4.2.1.9"), Some("InvalidBasicConstraints");
    /// An extended key usage is there, but tcg-kp-EKCertificate is not in it.
    EkuMissing "eku-missing" Error Some("RFC 5280 4.2.1.12"), Some("NotValidForUsage");
    /// The key is shorter than the policy asks for.
    WeakKeySize "weak-key-size" Error None, None;
    /// The RSA public exponent is even, one, or otherwise unusable.
    WeakKeyExponent "weak-key-exponent" Error None, None;
    /// The RSA modulus is even, has a small factor or the wrong length.
    WeakKeyModulus "weak-key-modulus" Error None, None;
    /// The elliptic-curve point is not on its curve.
    WeakKeyPoint "weak-key-point" Error None, None;
    /// The RSA key has the fingerprint of CVE-2017-15361 (ROCA).
    Roca "roca" Error Some("CVE-2017-15361"), None;
    /// The RSA modulus has a prime in common with that of another key.
    SharedPrime "shared-prime" Error None, None;
    /// A published fault of TPM firmware that concerns this TPM, or may.
    FirmwareAdvisory "firmware-advisory" Info None, None;
    /// The TPM's manufacturer is not one that the policy allows.
    VendorNotAllowed "vendor-not-allowed" Error None, None;
    // The chain.
    /// No certificate in the stores has the issuer's name, or none with that name signed.
    IssuerUnknown "issuer-unknown" Error Some("RFC 5280 6.1"), Some("PartialChain");
    /// The chain ends in a self-issued certificate that is not in the root store.
    AnchorUntrusted "anchor-untrusted" Error Some("RFC 5280 6.1"), Some("UntrustedRoot");
    /// The chain rests on a root embedded in the program.
    AnchorEmbedded "anchor-embedded" Info None, None;
    /// The path leads over CA certificates that came with the input.
    IntermediateFromInput "intermediate-from-input" Info Some("RFC 5280 6.1"), None;
    /// An issuer was found, but its key does not verify the signature.
    SignatureInvalid "signature-invalid" Error Some("RFC 5280 6.1.3 (a)(1)"), Some("NotSignatureValid");
    /// The signature or key algorithm is not one that can be verified here.
    AlgorithmUnsupported "algorithm-unsupported" Error Some("RFC 5280 4.1.1.2"), Some("NotSignatureValid");
    /// The time is after notAfter.
    Expired "expired" Error Some("RFC 5280 6.1.3 (a)(2)"), Some("NotTimeValid");
    /// The time is before notBefore.
    NotYetValid "not-yet-valid" Error Some("RFC 5280 6.1.3 (a)(2)"), Some("NotTimeValid");
    /// An issuer is not a CA, or may not sign certificates.
    NotACa "not-a-ca" Error Some("RFC 5280 6.1.4 (k), (n)"), Some("InvalidBasicConstraints");
    /// More CA certificates follow than a path length constraint permits.
    PathTooLong "path-too-long" Error Some("RFC 5280 6.1.4 (l), (m)"), Some("InvalidBasicConstraints");
    /// A name lies outside what an issuer may certify.
    NameConstraint "name-constraint" Error Some("RFC 5280 6.1.3 (b), (c)"), Some("InvalidNameConstraints");
    /// The certificate policies of the path leave none that is valid.
    PolicyConstraint "policy-constraint" Error Some("RFC 5280 6.1.3 (f), 6.1.5 (g)"), Some("InvalidPolicyConstraints");
    /// A critical extension that is not understood, or an extension that cannot be read.
    CriticalExtension "critical-extension" Error Some("RFC 5280 4.2"), Some("HasNotSupportedCriticalExtension");
    /// A signature with SHA-1 that the policy does not accept.
    Sha1Signature "sha1-signature" Error None, Some("HasWeakSignature");
    /// The issuer has revoked the certificate.
    Revoked "revoked" Error Some("RFC 5280 6.3"), Some("Revoked");
    /// Whether the certificate is revoked is not known.
    RevocationUnknown "revocation-unknown" Info Some("RFC 5280 6.3"), Some("RevocationStatusUnknown");
    /// The CRL that says whether the certificate is revoked is out of date.
    RevocationStale "revocation-stale" Warning Some("RFC 5280 6.3.3 (a)"), Some("OfflineRevocation");
    /// A CRL that cannot be read.
    CrlMalformed "crl-malformed" Error Some("RFC 5280 5.1"), None;
    /// A delta CRL, which is not read.
    CrlDeltaUnsupported "crl-delta-unsupported" Error Some("RFC 5280 5.2.4"), None;
    /// A CRL of the issuer is there and cannot be used.
    CrlUnusable "crl-unusable" Warning Some("RFC 5280 6.3.3"), None;
    /// Path building passed its limit of work.
    BudgetExhausted "budget-exhausted" Error None, Some("PartialChain");
    // The store.
    /// A root that another CA issued.
    AnchorNotSelfIssued "anchor-not-self-issued" Info Some("RFC 5280 6.1.1 (d)"), None;
    /// A root that no registered host rests on.
    AnchorUnused "anchor-unused" Info None, None;
    /// Certificates of a store with the same subject and different keys.
    SameSubject "same-subject" Info Some("RFC 5280 4.1.2.6"), None;
    /// One RSA key in several files.
    SameKey "same-key" Info None, None;
    /// Nothing is recorded of where certificates of a store came from.
    ProvenanceUnknown "provenance-unknown" Info None, None;
    /// Certificates of a store came from a package whose signature was waived.
    PackageNotVerified "package-not-verified" Warning None, None;
    // Fetching.
    /// An issuer was asked for under the URL in a certificate, and did not come.
    IssuerNotFetched "issuer-not-fetched" Warning Some("RFC 5280 4.2.2.1"), None;
    /// A certificate that came as an issuer is none, or does not lead to an anchor.
    IssuerRefused "issuer-refused" Warning Some("RFC 5280 6.1"), None;
    /// A server gave a self-signed root. It is not added.
    RootOffered "root-offered" Warning None, None;
    /// A CRL was asked for under the URL in a certificate, and did not come.
    CrlNotFetched "crl-not-fetched" Warning Some("RFC 5280 4.2.1.13"), None;
    /// A CRL that came is not signed by an issuer of the store, or older than one there.
    CrlRefused "crl-refused" Warning Some("RFC 5280 6.3"), None;
    // Registration.
    /// The EKpub belongs to another registered host.
    DuplicateEk "duplicate-ek" Error None, None;
    /// The name belongs to another registered host.
    DuplicateName "duplicate-name" Error None, None;
    /// The machine's GUID is registered with another EK.
    DuplicateMachine "duplicate-machine" Warning None, None;
    /// The host was registered although its EK was not proven genuine.
    Forced "forced" Warning None, None;
    /// Force was asked for where it has no effect.
    ForceNotAllowed "force-not-allowed" Error None, None;
    /// The host is registered under the other policy version.
    PolicyVersionConflict "policy-version-conflict" Error None, None;
    // Possession.
    /// Proof that the host holds its EK is demanded, and there is none.
    PossessionMissing "possession-missing" Error None, None;
    /// A challenge, a request for one or an answer that cannot be read.
    ChallengeMalformed "challenge-malformed" Error None, None;
    /// The registry has no such challenge, or not for the host as it is registered.
    ChallengeUnknown "challenge-unknown" Error None, None;
    /// The challenge was answered after its time.
    ChallengeExpired "challenge-expired" Error None, None;
    /// The challenge was answered before.
    ChallengeUsed "challenge-used" Error None, None;
    /// A secret that only the TPM with the EK can recover is wrong or missing.
    ChallengeSecret "challenge-secret" Error Some("TPM 2.0 Part 1, 24 (credential protection)"), None;
    /// The attestation key is not one that a TPM made and never lets go of.
    AkUnsuitable "ak-unsuitable" Error Some("TPM 2.0 Part 2, 8.3 (TPMA_OBJECT)"), None;
    /// The attestation key is not the one that the challenge was made for.
    AkMismatch "ak-mismatch" Error Some("TPM 2.0 Part 1, 16 (Names)"), None;
    /// The quote is none, or the attestation key did not sign it.
    QuoteInvalid "quote-invalid" Error Some("TPM 2.0 Part 2, 10.12 (TPMS_ATTEST)"), None;
    /// The quote is over other data than this challenge's.
    QuoteMismatch "quote-mismatch" Error Some("TPM 2.0 Part 2, 10.12 (TPMS_ATTEST)"), None;
    // The package of vendor certificates.
    /// A package that cannot be read: its frame, its table of files, or its data.
    PackageMalformed "package-malformed" Error None, None;
    /// A package of a kind that is not read here.
    PackageUnsupported "package-unsupported" Error None, None;
    /// Bytes in a package, or after its end, that belong to nothing in it.
    PackageTrailing "package-trailing" Error None, None;
    /// The package has no signature.
    PackageUnsigned "package-unsigned" Error None, None;
    /// The package is not the one that was signed.
    PackageDigest "package-digest" Error None, None;
    /// The signature of the package is broken, or not made with its signer's key.
    PackageSignature "package-signature" Error Some("RFC 5652 5.4"), None;
    /// The package is signed with an algorithm that is not accepted.
    PackageAlgorithm "package-algorithm" Error None, None;
    /// The package is signed by somebody who is not trusted to sign packages.
    PackageSigner "package-signer" Error None, None;
    /// The time stamp of the package is broken, of something else, or not trusted.
    PackageTimestamp "package-timestamp" Error Some("RFC 3161 2.4.2"), None;
    // The certificates of a Host Guardian Service.
    /// The key is not of the kind that the role asks for.
    HgsKeyAlgorithm "hgs-key-algorithm" Error None, None;
    /// The RSA key is shorter than the role asks for.
    HgsKeySize "hgs-key-size" Error None, None;
    /// The numbers of the key prove that it is weak.
    HgsWeakKey "hgs-weak-key" Error None, None;
    /// The key usage lacks what the role asks for.
    HgsKeyUsage "hgs-key-usage" Error None, None;
    /// The extended key usage lacks what the role asks for.
    HgsEku "hgs-eku" Error None, None;
    /// The certificate is out of date, and that matters for the role or is worth knowing.
    HgsValidity "hgs-validity" Error None, None;
    /// A name is missing that the role asks for.
    HgsName "hgs-name" Error None, None;
    /// The signature is not made with SHA-256 or better.
    HgsSignatureAlgorithm "hgs-signature-algorithm" Warning None, None;
    /// The certificate is not of version 3, or an extension of it cannot be read.
    HgsVersion "hgs-version" Warning None, None;
    /// The key is, or will be, with a provider that the service cannot use.
    HgsProvider "hgs-provider" Error None, None;
    /// Microsoft's tip for a hardware security module, and what it says in either reading.
    HgsHsmKeyUsage "hgs-hsm-key-usage" Warning None, None;
    /// A template has a setting that does not fit, beside those that certificates have.
    HgsTemplate "hgs-template" Error None, None;
    /// The certificates of two nodes are not the same.
    HgsPairDiffers "hgs-pair-differs" Error None, None;
    /// A certificate is renewed with another key, or may be.
    HgsRenewedKey "hgs-renewed-key" Error None, None;
    /// How the certificate and its key get to the other nodes.
    HgsReplicate "hgs-replicate" Info None, None;
    /// The certificate is self-signed, which somebody has to make hosts trust.
    HgsSelfSigned "hgs-self-signed" Info None, None;
    /// A request for a certificate that cannot be read.
    CsrMalformed "csr-malformed" Error Some("RFC 2986 4"), None;
    /// The key in the request did not sign it.
    CsrSignatureInvalid "csr-signature-invalid" Error Some("RFC 2986 3"), None;
    /// A PKCS#12 file that cannot be read.
    PfxMalformed "pfx-malformed" Error Some("RFC 7292 4"), None;
    /// The password of the PKCS#12 file is wrong or missing.
    PfxPassword "pfx-password" Error None, None;
    /// Opening the PKCS#12 file would take more work than any genuine one.
    PfxWork "pfx-work" Error None, None;
    /// The PKCS#12 file is protected in a way that is not read here.
    PfxUnsupported "pfx-unsupported" Error None, None;
    /// The PKCS#12 file has no MAC, so nothing shows that it is as it was made.
    PfxUnprotected "pfx-unprotected" Warning Some("RFC 7292 4"), None;
    /// An export of a certificate template that cannot be read.
    TemplateMalformed "template-malformed" Error None, None;
}

impl Code {
    /// Whether `--force` may never waive it, and no policy may weaken it: it says
    /// that the input is unreadable or that somebody is lying.
    pub fn is_absolute(self) -> bool {
        matches!(
            self,
            Self::XmlMalformed
                | Self::XmlDoctype
                | Self::JsonMalformed
                | Self::EncodingUnknown
                | Self::InputUnrecognised
                | Self::InputTooLarge
                | Self::NoEkpub
                | Self::EkpubMalformed
                | Self::EkcertMalformed
                | Self::RegMalformed
                | Self::DigestMismatch
                | Self::KeyMismatch
                | Self::WeakKeyExponent
                | Self::WeakKeyModulus
                | Self::WeakKeyPoint
                | Self::Roca
                | Self::SharedPrime
                | Self::SignatureInvalid
                | Self::Revoked
                | Self::CrlMalformed
                | Self::CrlDeltaUnsupported
                | Self::DuplicateEk
                | Self::DuplicateName
                | Self::ForceNotAllowed
                | Self::PolicyVersionConflict
                | Self::PossessionMissing
                | Self::ChallengeMalformed
                | Self::ChallengeUnknown
                | Self::ChallengeExpired
                | Self::ChallengeUsed
                | Self::ChallengeSecret
                | Self::AkUnsuitable
                | Self::AkMismatch
                | Self::QuoteInvalid
                | Self::QuoteMismatch
                | Self::PackageMalformed
                | Self::PackageTrailing
                | Self::PackageDigest
                | Self::PackageSignature
                | Self::PackageTimestamp
                | Self::HgsKeyAlgorithm
                | Self::HgsKeySize
                | Self::HgsWeakKey
                | Self::HgsKeyUsage
                | Self::HgsEku
                | Self::HgsValidity
                | Self::HgsName
                | Self::HgsProvider
                | Self::HgsTemplate
                | Self::HgsPairDiffers
                | Self::HgsRenewedKey
                | Self::CsrMalformed
                | Self::CsrSignatureInvalid
                | Self::PfxMalformed
                | Self::PfxPassword
                | Self::PfxWork
                | Self::PfxUnsupported
                | Self::TemplateMalformed
        )
    }

    /// Whether a policy may make this error a warning: an operator's own risk about
    /// age and strength, never about who issued what.
    pub fn may_be_weakened(self) -> bool {
        matches!(
            self,
            Self::Expired | Self::NotYetValid | Self::Sha1Signature | Self::WeakKeySize
        )
    }

    /// The code with this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} is there twice");
            assert!(
                code.as_str()
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{code}"
            );
            assert_eq!(Code::from_text(code.as_str()), Some(*code));
        }
    }
}
