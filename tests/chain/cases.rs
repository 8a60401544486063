//! One valid chain, and what is changed about it case by case: one thing at a time.

use endorse::finding::Code;
use endorse::trust::Policy;

use super::pki::*;

/// root -> intermediate -> EK, as it is changed by a case.
pub struct Pki {
    pub roots: Vec<Spec>,
    pub intermediates: Vec<Spec>,
    pub leaf: Spec,
    pub policy: Policy,
}

/// What is expected of a case.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    Trusted,
    /// Refused with exactly these codes, in this order.
    Refused(&'static [Code]),
}

pub struct Case {
    pub name: &'static str,
    pub expect: Expect,
    pub change: fn(&mut Pki),
}

pub const ROOT: usize = 0;
pub const INTERMEDIATE: usize = 1;
pub const EK: usize = 2;
/// Keys of nobody in the valid chain.
pub const OTHER: usize = 3;
pub const OTHER2: usize = 4;

pub fn root_name() -> Vec<u8> {
    dn("Vendor", "Root CA")
}

pub fn intermediate_name() -> Vec<u8> {
    dn("Vendor", "Intermediate CA")
}

impl Pki {
    pub fn valid() -> Self {
        let root = Spec::ca(root_name(), ec_key(ROOT), root_name(), ec_key(ROOT));
        let intermediate = Spec::ca(
            intermediate_name(),
            ec_key(INTERMEDIATE),
            root_name(),
            ec_key(ROOT),
        );
        let leaf = Spec::ek(ec_key(EK), intermediate_name(), ec_key(INTERMEDIATE));
        Self {
            roots: vec![root],
            intermediates: vec![intermediate],
            leaf,
            policy: Policy::default(),
        }
    }

    pub fn root(&mut self) -> &mut Spec {
        &mut self.roots[0]
    }

    pub fn intermediate(&mut self) -> &mut Spec {
        &mut self.intermediates[0]
    }

    /// Lets another key be the intermediate's.
    fn intermediate_key(&mut self, key: &'static Key, scheme: Scheme) {
        *self.intermediate() = Spec::ca(intermediate_name(), key, root_name(), ec_key(ROOT));
        self.leaf = Spec::ek(ec_key(EK), intermediate_name(), key);
        self.leaf.scheme = scheme;
    }

    /// Signs with RSA (PKCS #1 v1.5), which gives the same bytes every time, so that
    /// a copy of a certificate is the same certificate.
    pub fn with_stable_bytes(&mut self) {
        *self.root() = Spec::ca(root_name(), rsa_key(0), root_name(), rsa_key(0));
        *self.intermediate() = Spec::ca(intermediate_name(), rsa_key(1), root_name(), rsa_key(0));
        self.leaf = Spec::ek(ec_key(EK), intermediate_name(), rsa_key(1));
    }

    /// Five CAs, each certified by each of the others, above the leaf. The last is
    /// certified by the root.
    pub fn mesh(&mut self) {
        let level = |number: usize| dn("Mesh", &format!("CA {number}"));
        let key = |number: usize| ec_key(OTHER + number % 5);
        self.intermediates.clear();
        for subject in 0..5 {
            for issuer in 0..5 {
                if subject != issuer {
                    self.intermediates.push(Spec::ca(
                        level(subject),
                        key(subject),
                        level(issuer),
                        key(issuer),
                    ));
                }
            }
        }
        self.intermediates
            .push(Spec::ca(level(4), key(4), root_name(), ec_key(ROOT)));
        self.leaf = Spec::ek(ec_key(EK), level(0), key(0));
    }

    /// A second intermediate between the first and the leaf.
    pub fn sub_intermediate(&mut self) {
        let name = dn("Vendor", "Sub CA");
        self.intermediates.push(Spec::ca(
            name.clone(),
            ec_key(OTHER),
            intermediate_name(),
            ec_key(INTERMEDIATE),
        ));
        self.leaf = Spec::ek(ec_key(EK), name, ec_key(OTHER));
    }
}

fn leaked(curve: Curve) -> &'static Key {
    Box::leak(Box::new(Key::ec(curve)))
}

/// An AlgorithmIdentifier for ECDSA with SHA-256 with NULL parameters.
fn ecdsa_with_null() -> Vec<u8> {
    sequence(&[oid("1.2.840.10045.4.3.2"), tlv(0x05, &[])])
}

macro_rules! cases {
    ($($name:literal $expect:tt => $change:expr;)*) => {
        vec![$(Case { name: $name, expect: expect!($expect), change: $change }),*]
    };
}

macro_rules! expect {
    (trusted) => {
        Expect::Trusted
    };
    ([$($code:ident),+]) => {
        Expect::Refused(&[$(Code::$code),+])
    };
}

/// What must be accepted, for genuine certificates are like that.
pub fn accepted() -> Vec<Case> {
    cases! {
        "valid" trusted => |_| {};
        "rsa leaf" trusted => |p| {
            p.leaf = Spec::ek(rsa_key(1), intermediate_name(), ec_key(INTERMEDIATE));
        };
        "rsa pkcs1 sha256" trusted => |p| p.intermediate_key(rsa_key(0), Scheme::Pkcs1(Hash::Sha256));
        "rsa pkcs1 sha384" trusted => |p| p.intermediate_key(rsa_key(0), Scheme::Pkcs1(Hash::Sha384));
        "rsa pkcs1 sha512" trusted => |p| p.intermediate_key(rsa_key(0), Scheme::Pkcs1(Hash::Sha512));
        "rsa pss sha256" trusted => |p| p.intermediate_key(rsa_key(0), Scheme::Pss(Hash::Sha256));
        "rsa pss sha384" trusted => |p| p.intermediate_key(rsa_key(0), Scheme::Pss(Hash::Sha384));
        "rsa pss sha512" trusted => |p| p.intermediate_key(rsa_key(0), Scheme::Pss(Hash::Sha512));
        "p384 sha384" trusted => |p| p.intermediate_key(leaked(Curve::P384), Scheme::Ecdsa(Hash::Sha384));
        "p521 sha512" trusted => |p| p.intermediate_key(leaked(Curve::P521), Scheme::Ecdsa(Hash::Sha512));
        "p521 sha256" trusted => |p| p.intermediate_key(leaked(Curve::P521), Scheme::Ecdsa(Hash::Sha256));
        "p521 sha384" trusted => |p| p.intermediate_key(leaked(Curve::P521), Scheme::Ecdsa(Hash::Sha384));
        "three CAs" trusted => Pki::sub_intermediate;
        "anchor that is not self-signed" trusted => |p| p.roots = std::mem::take(&mut p.intermediates);
        "anchor without basic constraints and key usage" trusted => |p| {
            p.root().remove(BASIC_CONSTRAINTS);
            p.root().remove(KEY_USAGE);
        };
        "anchor of version 1" trusted => |p| {
            p.root().version = None;
            p.root().extensions.clear();
        };
        "anchor whose own signature is broken" trusted => |p| p.root().corrupt_signature = true;
        "leaf without extended key usage" trusted => |p| p.leaf.remove(EXTENDED_KEY_USAGE);
        "leaf with further usages" trusted => |p| {
            p.leaf.replace(extended_key_usage(&["1.3.6.1.5.5.7.3.2", EK_USAGE]));
        };
        "CA with the EK usage" trusted => |p| p.intermediate().replace(extended_key_usage(&[EK_USAGE]));
        "CA with any usage" trusted => |p| p.intermediate().replace(extended_key_usage(&["2.5.29.37.0"]));
        "critical extended key usage" trusted => |p| {
            p.leaf.replace(Extension { critical: true, ..extended_key_usage(&[EK_USAGE]) });
        };
        "path length 0 above the leaf" trusted => |p| {
            p.intermediate().replace(basic_constraints(true, Some(0)));
        };
        "path length 1 at the root" trusted => |p| p.root().replace(basic_constraints(true, Some(1)));
        "issuer in other case" trusted => |p| p.leaf.issuer = dn("VENDOR", "intermediate ca");
        "issuer with other spaces" trusted => |p| p.leaf.issuer = dn("  Vendor ", "Intermediate   CA");
        "issuer as PrintableString" trusted => |p| {
            p.leaf.issuer = name(&[
                country("DE"),
                attribute("2.5.4.10", PRINTABLE, b"Vendor"),
                attribute("2.5.4.3", PRINTABLE, b"Intermediate CA"),
            ]);
        };
        "issuer as BMPString" trusted => |p| {
            let wide: Vec<u8> = "Intermediate CA".bytes().flat_map(|b| [0, b]).collect();
            p.leaf.issuer = name(&[
                country("DE"),
                attribute("2.5.4.10", TELETEX, b"Vendor"),
                attribute("2.5.4.3", BMP, &wide),
            ]);
        };
        "issuer as a SET out of order" trusted => |p| {
            let c = country("DE");
            let o = organization("Vendor");
            let cn = common_name("Intermediate CA");
            // Nuvoton's way: one RDN, in the order CN, O, C.
            p.intermediate().subject = sequence(&[set(&[cn.clone(), o.clone(), c.clone()])]);
            p.leaf.issuer = sequence(&[set(&[c, o, cn])]);
        };
        "authority key identifier of another key" trusted => |p| {
            p.leaf.replace(authority_key_id(ec_key(OTHER)));
        };
        "authority key identifier of another edition" trusted => |p| {
            let key_id = tlv(0x80, &ec_key(INTERMEDIATE).id());
            let issuer = tlv(0xa1, &directory(&dn("Another", "Issuer")));
            p.leaf.replace(extension(
                AUTHORITY_KEY_ID,
                false,
                sequence(&[key_id, issuer, tlv(0x82, &[0x77])]),
            ));
        };
        "no key identifiers" trusted => |p| {
            p.leaf.remove(AUTHORITY_KEY_ID);
            p.intermediate().remove(SUBJECT_KEY_ID);
            p.intermediate().remove(AUTHORITY_KEY_ID);
        };
        "key usage with a wrong count of unused bits" trusted => |p| {
            p.intermediate().replace(extension(KEY_USAGE, true, vec![0x03, 0x02, 0x00, 0x06]));
        };
        "ECDSA with NULL parameters" trusted => |p| {
            p.leaf.inner_algorithm = Some(ecdsa_with_null());
            p.leaf.outer_algorithm = Some(ecdsa_with_null());
        };
        "serial with leading zeros" trusted => |p| p.intermediate().serial = vec![0, 0, 0, 1];
        "serial of zero" trusted => |p| p.leaf.serial = vec![0];
        "negative serial" trusted => |p| p.leaf.serial = vec![0x80, 1];
        "serial of 30 octets" trusted => |p| p.leaf.serial = vec![0x11; 30];
        "CA FALSE written out" trusted => |p| {
            p.leaf.replace(extension(BASIC_CONSTRAINTS, true, vec![0x30, 3, 1, 1, 0]));
        };
        "TRUE that is not FF" trusted => |p| {
            p.intermediate().replace(extension(BASIC_CONSTRAINTS, true, vec![0x30, 3, 1, 1, 1]));
        };
        "GeneralizedTime before 2050" trusted => |p| {
            p.leaf.not_before = tlv(0x18, b"20200101000000Z");
            p.leaf.not_after = tlv(0x18, b"20400101000000Z");
        };
        "no expiry" trusted => |p| p.leaf.not_after = tlv(0x18, b"99991231235959Z");
        "unknown extension that is not critical" trusted => |p| {
            p.leaf.replace(extension("1.2.3.4.5", false, vec![0xde, 0xad]));
        };
        "critical certificate policies" trusted => |p| {
            p.intermediate().replace(Extension { critical: true, ..certificate_policies(&["1.2.3.1"]) });
        };
        "explicit policy, and every certificate has it" trusted => |p| {
            p.intermediate().replace(require_explicit_policy(0));
            p.intermediate().replace(certificate_policies(&["1.2.3.1"]));
            p.leaf.replace(certificate_policies(&["1.2.3.1"]));
        };
        // RFC 5280 6.1.1 (d): of the anchor's policies nothing is processed.
        "explicit policy at the root alone" trusted => |p| p.root().replace(require_explicit_policy(0));
        "explicit policy only further below" trusted => |p| p.intermediate().replace(require_explicit_policy(2));
        "name constraints that permit" trusted => |p| {
            let permitted = [directory(&name(&[country("DE")])), directory(&tpm_name())];
            p.root().replace(name_constraints(&permitted, &[]));
            p.intermediate().replace(name_constraints(&[directory(&tpm_name())], &[directory(&dn("Other", "x"))]));
        };
        "name constraints of forms that do not occur" trusted => |p| {
            p.intermediate().replace(name_constraints(&[dns("example.com"), tlv(0xa0, &[oid("1.2.3"), tlv(0xa0, &integer(1))].concat())], &[email("x")]));
        };
        "leaf in the intermediates" trusted => |p| {
            p.with_stable_bytes();
            let leaf = p.leaf.clone();
            p.intermediates.push(leaf);
        };
        "root in the intermediates as well" trusted => |p| {
            p.with_stable_bytes();
            let root = p.root().clone();
            p.intermediates.insert(0, root);
        };
        "another edition of the root in the intermediates" trusted => |p| {
            let mut root = p.root().clone();
            root.serial = vec![0x55];
            p.intermediates.insert(0, root);
        };
        "the very leaf among the roots" trusted => |p| {
            p.with_stable_bytes();
            p.roots = vec![p.leaf.clone()];
            p.intermediates.clear();
        };
        "an attacker's intermediate of the same name and key identifier" trusted => |p| {
            let mut fake = Spec::ca(intermediate_name(), ec_key(OTHER), dn("Evil", "Root"), ec_key(OTHER2));
            fake.replace(subject_key_id(ec_key(INTERMEDIATE)));
            p.intermediates.insert(0, fake);
        };
        "an expired edition of the intermediate" trusted => |p| {
            let mut old = p.intermediate().clone();
            old.not_after = utc(EARLIER);
            p.intermediates.insert(0, old);
        };
        "cross-certificates in a circle" trusted => |p| {
            let (a, b) = (dn("Loop", "A"), dn("Loop", "B"));
            // The intermediate is certified by A too; A and B by each other.
            p.intermediates.insert(0, Spec::ca(intermediate_name(), ec_key(INTERMEDIATE), a.clone(), ec_key(OTHER)));
            p.intermediates.insert(0, Spec::ca(a.clone(), ec_key(OTHER), b.clone(), ec_key(OTHER2)));
            p.intermediates.insert(0, Spec::ca(b, ec_key(OTHER2), a, ec_key(OTHER)));
        };
        "a mesh of cross-certificates" trusted => Pki::mesh;
        "policy mappings that would make a tree grow without bound" trusted => |p| {
            // Every policy maps to every other, at twelve levels.
            let policy = |number: u8| format!("1.2.3.{number}");
            let all: Vec<String> = (1..=12).map(policy).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let mut pairs = Vec::new();
            for from in &all {
                for to in &all {
                    pairs.push(sequence(&[oid(from), oid(to)]));
                }
            }
            let level = |number: usize| dn("Deep", &format!("CA {number}"));
            p.intermediates.clear();
            for number in 0..12 {
                let issuer = if number == 0 { root_name() } else { level(number - 1) };
                let mut ca = Spec::ca(level(number), ec_key(ROOT), issuer, ec_key(ROOT));
                ca.replace(certificate_policies(&all));
                ca.replace(extension("2.5.29.33", true, sequence(&pairs)));
                ca.replace(require_explicit_policy(0));
                p.intermediates.push(ca);
            }
            p.leaf = Spec::ek(ec_key(EK), level(11), ec_key(ROOT));
            p.leaf.replace(certificate_policies(&["1.2.3.7"]));
        };
        "a hundred CAs of the same name, told apart by key identifier" trusted => |p| {
            for serial in 0..120 {
                let mut other = Spec::ca(intermediate_name(), ec_key(OTHER), root_name(), ec_key(ROOT));
                other.serial = vec![1, serial];
                p.intermediates.insert(0, other);
            }
        };
        "the very leaf, self-signed, among the roots" trusted => |p| {
            // An operator pins an EKcert that no vendor vouches for.
            p.leaf = Spec::ek(rsa_key(0), dn("Host", "vTPM"), rsa_key(0));
            p.leaf.subject = dn("Host", "vTPM");
            p.roots = vec![p.leaf.clone()];
            p.intermediates.clear();
        };
        "leaf without basic constraints" trusted => |p| p.leaf.remove(BASIC_CONSTRAINTS);
        "leaf of a TPM 1.2: extended key usage, no basic constraints, no key usage" trusted => |p| {
            p.leaf.remove(BASIC_CONSTRAINTS);
            p.leaf.remove(KEY_USAGE);
        };
        "leaf without alternative names and usages" trusted => |p| {
            // As Google's Compute Engine issues them.
            p.leaf.subject = dn("Google Compute Engine", "1234567890");
            p.leaf.remove(SUBJECT_ALT_NAME);
            p.leaf.remove(EXTENDED_KEY_USAGE);
        };
        "padding after the certificate" trusted => |p| p.leaf.trailing = vec![0xff; 200];
    }
}

/// What must be refused, and the reason that must be given.
pub fn refused() -> Vec<Case> {
    cases! {
        // Signatures and issuers.
        "one bit of the leaf's signature" [SignatureInvalid] => |p| p.leaf.corrupt_signature = true;
        "one bit of the signed leaf" [SignatureInvalid] => |p| p.leaf.corrupt_signed = true;
        "one bit of the intermediate's signature" [SignatureInvalid] => |p| p.intermediate().corrupt_signature = true;
        "one bit of the signed intermediate" [SignatureInvalid] => |p| p.intermediate().corrupt_signed = true;
        "leaf by another key, which it names" [IssuerUnknown] => |p| {
            p.leaf = Spec::ek(ec_key(EK), intermediate_name(), ec_key(OTHER));
        };
        "leaf by another key, naming the genuine one" [SignatureInvalid] => |p| {
            p.leaf = Spec::ek(ec_key(EK), intermediate_name(), ec_key(OTHER));
            p.leaf.replace(authority_key_id(ec_key(INTERMEDIATE)));
        };
        "leaf by another key, naming none" [SignatureInvalid] => |p| {
            p.leaf = Spec::ek(ec_key(EK), intermediate_name(), ec_key(OTHER));
            p.leaf.remove(AUTHORITY_KEY_ID);
        };
        "intermediate by another key, which it names" [IssuerUnknown] => |p| {
            *p.intermediate() = Spec::ca(intermediate_name(), ec_key(INTERMEDIATE), root_name(), ec_key(OTHER));
        };
        "issuer of another name" [IssuerUnknown] => |p| p.leaf.issuer = dn("Vendor", "Intermediate CA 2");
        "issuer with its attributes in another order" [IssuerUnknown] => |p| {
            p.leaf.issuer = name(&[common_name("Intermediate CA"), organization("Vendor"), country("DE")]);
        };
        "issuer that is only a prefix" [IssuerUnknown] => |p| {
            p.leaf.issuer = name(&[country("DE"), organization("Vendor")]);
        };
        "intermediate not in the store" [IssuerUnknown] => |p| p.intermediates.clear();
        "root not in the store" [IssuerUnknown] => |p| p.roots.clear();
        "root among the intermediates only" [AnchorUntrusted] => |p| {
            let root = p.roots.pop().unwrap();
            p.intermediates.push(root);
        };
        "another root of the same name" [IssuerUnknown] => |p| {
            *p.root() = Spec::ca(root_name(), ec_key(OTHER), root_name(), ec_key(OTHER));
        };
        "self-signed leaf" [AnchorUntrusted] => |p| {
            p.leaf = Spec::ek(ec_key(EK), dn("Evil", "TPM"), ec_key(EK));
            p.leaf.subject = dn("Evil", "TPM");
        };
        "whole chain of an attacker, with the genuine names and key identifiers" [IssuerUnknown] => |p| {
            // The attacker has no genuine private key, and may put nothing in the store.
            p.leaf = Spec::ek(ec_key(EK), dn("Vendor", "Intermediate CA 7"), ec_key(OTHER));
            p.leaf.replace(authority_key_id(ec_key(INTERMEDIATE)));
        };
        "an attacker's intermediate only, of the same name and key identifier" [SignatureInvalid] => |p| {
            *p.intermediate() = Spec::ca(intermediate_name(), ec_key(OTHER), root_name(), ec_key(OTHER2));
            p.intermediate().replace(subject_key_id(ec_key(INTERMEDIATE)));
            p.intermediate().replace(authority_key_id(ec_key(ROOT)));
            p.leaf = Spec::ek(ec_key(EK), intermediate_name(), ec_key(OTHER));
        };
        "empty issuer" [IssuerUnknown] => |p| p.leaf.issuer = empty_name();
        "empty issuer, and a CA without a name" [IssuerUnknown] => |p| {
            p.leaf.issuer = empty_name();
            p.intermediate().subject = empty_name();
        };
        "algorithm of the outer field" [SignatureInvalid] => |p| {
            p.leaf.outer_algorithm = Some(Scheme::Ecdsa(Hash::Sha384).identifier());
        };
        "algorithm of the signed field" [SignatureInvalid] => |p| {
            p.leaf.inner_algorithm = Some(Scheme::Ecdsa(Hash::Sha384).identifier());
        };
        "parameters of the outer field" [SignatureInvalid] => |p| {
            p.leaf.outer_algorithm = Some(ecdsa_with_null());
        };
        "unknown signature algorithm" [AlgorithmUnsupported] => |p| {
            let unknown = sequence(&[oid("1.2.3.4")]);
            p.leaf.inner_algorithm = Some(unknown.clone());
            p.leaf.outer_algorithm = Some(unknown);
        };
        "RSA algorithm under an elliptic-curve key" [SignatureInvalid] => |p| {
            let rsa = Scheme::Pkcs1(Hash::Sha256).identifier();
            p.leaf.inner_algorithm = Some(rsa.clone());
            p.leaf.outer_algorithm = Some(rsa);
        };
        "another hash than that of the signature" [SignatureInvalid] => |p| {
            let other = Scheme::Ecdsa(Hash::Sha384).identifier();
            p.leaf.inner_algorithm = Some(other.clone());
            p.leaf.outer_algorithm = Some(other);
        };
        // Validity.
        "expired leaf" [Expired] => |p| p.leaf.not_after = utc(EARLIER);
        "expired intermediate" [Expired] => |p| p.intermediate().not_after = utc(EARLIER);
        "expired root" [Expired] => |p| p.root().not_after = utc(EARLIER);
        "leaf not yet valid" [NotYetValid] => |p| p.leaf.not_before = utc(LATER);
        "intermediate not yet valid" [NotYetValid] => |p| p.intermediate().not_before = utc(LATER);
        "root not yet valid" [NotYetValid] => |p| p.root().not_before = utc(LATER);
        "UTCTime of the last century" [Expired] => |p| p.leaf.not_after = utc("500101000000Z");
        // CAs.
        "intermediate is no CA" [NotACa] => |p| p.intermediate().replace(basic_constraints(false, None));
        "intermediate without basic constraints" [NotACa] => |p| p.intermediate().remove(BASIC_CONSTRAINTS);
        "intermediate of version 1" [NotACa] => |p| {
            p.intermediate().version = None;
            p.intermediate().extensions.clear();
        };
        "intermediate of version 1 with extensions" [NotACa] => |p| p.intermediate().version = None;
        "intermediate of version 2 with extensions" [NotACa] => |p| p.intermediate().version = Some(1);
        "intermediate may not sign certificates" [NotACa] => |p| {
            p.intermediate().replace(key_usage(&[DIGITAL_SIGNATURE, CRL_SIGN]));
        };
        "intermediate may do nothing" [NotACa] => |p| {
            p.intermediate().replace(extension(KEY_USAGE, true, vec![0x03, 0x02, 0x07, 0x00]));
        };
        "root is no CA" [NotACa] => |p| p.root().replace(basic_constraints(false, None));
        "root may not sign certificates" [NotACa] => |p| p.root().replace(key_usage(&[CRL_SIGN]));
        "leaf issued by another EK" [NotACa, ProfileKeyUsage] => |p| {
            // The holder of one genuine EK certificate issues another.
            let mut ek = Spec::ek(ec_key(OTHER), intermediate_name(), ec_key(INTERMEDIATE));
            ek.subject = dn("Vendor", "EK 1");
            ek.remove(KEY_USAGE);
            p.intermediates.push(ek);
            p.leaf = Spec::ek(ec_key(EK), dn("Vendor", "EK 1"), ec_key(OTHER));
            p.leaf.replace(key_usage(&[DIGITAL_SIGNATURE]));
        };
        "path length 0 at the root" [PathTooLong] => |p| p.root().replace(basic_constraints(true, Some(0)));
        "path length 0 at the intermediate, and one more" [PathTooLong] => |p| {
            p.sub_intermediate();
            p.intermediate().replace(basic_constraints(true, Some(0)));
        };
        "path length not relaxed by a CA below" [PathTooLong] => |p| {
            p.sub_intermediate();
            p.root().replace(basic_constraints(true, Some(1)));
            p.intermediate().replace(basic_constraints(true, Some(9)));
        };
        // Names.
        "subject outside the permitted directory names" [NameConstraint] => |p| {
            p.root().replace(name_constraints(&[directory(&name(&[country("US")]))], &[]));
        };
        "TPM name outside the permitted directory names" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[directory(&name(&[country("DE")]))], &[]));
        };
        "subject in an excluded directory name" [NameConstraint] => |p| {
            p.root().replace(name_constraints(&[], &[directory(&name(&[country("de"), organization("vendor")]))]));
        };
        "TPM name in an excluded directory name" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[], &[directory(&tpm_name())]));
        };
        "host outside the permitted ones" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[dns("example.com")], &[]));
            p.leaf.replace(subject_alt_name(true, &[directory(&tpm_name()), dns("example.com.evil.example")]));
        };
        "host in an excluded domain" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[], &[dns("example.com")]));
            p.leaf.replace(subject_alt_name(true, &[directory(&tpm_name()), dns("A.Example.Com")]));
        };
        "mail address outside the permitted ones" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[email("example.com")], &[]));
            p.leaf.replace(subject_alt_name(true, &[directory(&tpm_name()), email("a@evil.example")]));
        };
        "URI outside the permitted hosts" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[uri("example.com")], &[]));
            p.leaf.replace(subject_alt_name(true, &[directory(&tpm_name()), uri("http://evil.example/example.com")]));
        };
        "address outside the permitted network" [NameConstraint] => |p| {
            p.intermediate().replace(name_constraints(&[tlv(0x87, &[10, 0, 0, 0, 255, 0, 0, 0])], &[]));
            p.leaf.replace(subject_alt_name(true, &[directory(&tpm_name()), tlv(0x87, &[11, 0, 0, 1])]));
        };
        "name of a form whose constraint is not understood" [NameConstraint] => |p| {
            let other_name = tlv(0xa0, &[oid("1.2.3"), tlv(0xa0, &integer(1))].concat());
            p.intermediate().replace(name_constraints(std::slice::from_ref(&other_name), &[]));
            p.leaf.replace(subject_alt_name(true, &[directory(&tpm_name()), other_name]));
        };
        "constraints of the root bind below a CA that has others" [NameConstraint] => |p| {
            p.root().replace(name_constraints(&[], &[directory(&tpm_name())]));
            p.intermediate().replace(name_constraints(&[directory(&tpm_name())], &[]));
        };
        "a leaf with its issuer's name is held to constraints as well" [NameConstraint] => |p| {
            p.leaf.subject = intermediate_name();
            p.intermediate().replace(name_constraints(&[directory(&tpm_name())], &[]));
        };
        "constraint with a minimum" [CriticalExtension] => |p| {
            let subtree = sequence(&[directory(&tpm_name()), tlv(0x80, &[1])]);
            p.intermediate().replace(extension(NAME_CONSTRAINTS, true, sequence(&[tlv(0xa0, &subtree)])));
        };
        "constraints that are empty" [CriticalExtension] => |p| {
            p.intermediate().replace(extension(NAME_CONSTRAINTS, true, sequence(&[tlv(0xa0, &[])])));
        };
        // Policies.
        "explicit policy, and the leaf has none" [PolicyConstraint] => |p| {
            p.intermediate().replace(require_explicit_policy(0));
            p.intermediate().replace(certificate_policies(&["1.2.3.1"]));
        };
        "explicit policy, and the intermediate has none" [PolicyConstraint] => |p| {
            p.intermediate().replace(require_explicit_policy(0));
            p.leaf.replace(certificate_policies(&["1.2.3.1"]));
        };
        "explicit policy, and the leaf has another" [PolicyConstraint] => |p| {
            p.intermediate().replace(require_explicit_policy(0));
            p.intermediate().replace(certificate_policies(&["1.2.3.1"]));
            p.leaf.replace(certificate_policies(&["1.2.3.2"]));
        };
        "a policy named twice" [CriticalExtension] => |p| {
            p.leaf.replace(certificate_policies(&["1.2.3.1", "1.2.3.1"]));
        };
        // Extensions.
        "unknown critical extension in the leaf" [CriticalExtension] => |p| {
            p.leaf.replace(extension("1.2.3.4.5", true, vec![0x05, 0x00]));
        };
        "unknown critical extension in the intermediate" [CriticalExtension] => |p| {
            p.intermediate().replace(extension("1.2.3.4.5", true, vec![0x05, 0x00]));
        };
        "unknown critical extension in the root" [CriticalExtension] => |p| {
            p.root().replace(extension("1.2.3.4.5", true, vec![0x05, 0x00]));
        };
        "extension there twice in the leaf" [CriticalExtension] => |p| {
            p.leaf.extensions.push(extended_key_usage(&[EK_USAGE]));
        };
        "basic constraints there twice, the second says CA" [CriticalExtension, NotACa] => |p| {
            p.intermediate().replace(basic_constraints(false, None));
            p.intermediate().extensions.push(basic_constraints(true, None));
        };
        "unreadable basic constraints" [CriticalExtension, NotACa] => |p| {
            p.intermediate().replace(extension(BASIC_CONSTRAINTS, true, vec![0x30, 0x03, 0x01, 0x01]));
        };
        "unreadable key usage" [CriticalExtension] => |p| {
            p.intermediate().replace(extension(KEY_USAGE, true, vec![0x03, 0x01, 0x08]));
        };
        "unreadable alternative names" [CriticalExtension] => |p| {
            p.leaf.replace(extension(SUBJECT_ALT_NAME, true, vec![0x30, 0x02, 0xa4, 0x05]));
        };
        "octets after basic constraints" [CriticalExtension, NotACa] => |p| {
            p.intermediate().replace(extension(BASIC_CONSTRAINTS, true, vec![0x30, 3, 1, 1, 0xff, 0]));
        };
        "more extensions than are read" [CriticalExtension, ProfileCa] => |p| {
            for number in 0..70 {
                let oid: &'static str = Box::leak(format!("1.2.3.4.{number}").into_boxed_str());
                p.leaf.extensions.insert(0, extension(oid, false, vec![]));
            }
        };
        // What the certificates are for.
        "leaf for attestation keys" [EkuMissing] => |p| p.leaf.replace(extended_key_usage(&[AIK_USAGE]));
        "leaf for servers" [EkuMissing] => |p| p.leaf.replace(extended_key_usage(&["1.3.6.1.5.5.7.3.1"]));
        "leaf for any purpose" [EkuMissing] => |p| p.leaf.replace(extended_key_usage(&["2.5.29.37.0"]));
        "CA for attestation keys" [EkuMissing] => |p| {
            p.intermediate().replace(extended_key_usage(&["1.3.6.1.4.1.311.21.36", AIK_USAGE]));
        };
        "root for attestation keys" [EkuMissing] => |p| p.root().replace(extended_key_usage(&[AIK_USAGE]));
        "leaf is a CA" [ProfileCa] => |p| p.leaf.replace(basic_constraints(true, None));
        "leaf is the intermediate" [ProfileCa, ProfileKeyUsage] => |p| p.leaf = p.intermediates[0].clone();
        "leaf is the root" [ProfileCa, ProfileKeyUsage] => |p| {
            p.with_stable_bytes();
            p.leaf = p.roots[0].clone();
        };
        "leaf is a root without basic constraints and key usage" [ProfileCa] => |p| {
            p.with_stable_bytes();
            p.root().remove(BASIC_CONSTRAINTS);
            p.root().remove(KEY_USAGE);
            p.leaf = p.roots[0].clone();
        };
        "leaf among the roots without basic constraints" [ProfileCa] => |p| {
            // Not self-signed, and with all else that an EKcert has.
            p.with_stable_bytes();
            p.leaf.remove(BASIC_CONSTRAINTS);
            p.roots = vec![p.leaf.clone()];
        };
        "leaf is an old edition of the root, signed by the new one" [ProfileCa] => |p| {
            p.leaf = Spec::plain(root_name(), ec_key(OTHER), root_name(), ec_key(ROOT));
        };
        "leaf is an old CA without basic constraints" [ProfileCa] => |p| {
            p.leaf = Spec::plain(dn("Vendor", "Old CA"), ec_key(OTHER), root_name(), ec_key(ROOT));
        };
        "leaf is an old CA of version 1" [ProfileCa] => |p| {
            p.leaf = Spec::plain(dn("Vendor", "Old CA"), ec_key(OTHER), root_name(), ec_key(ROOT));
            p.leaf.version = None;
        };
        "leaf is a root of version 1" [ProfileCa] => |p| {
            p.with_stable_bytes();
            p.root().version = None;
            p.root().extensions.clear();
            p.leaf = p.roots[0].clone();
        };
        "leaf is another edition of the root" [AnchorUntrusted] => |p| {
            p.leaf = p.roots[0].clone();
            p.leaf.serial = vec![0x55];
        };
        "leaf for signing" [ProfileKeyUsage] => |p| p.leaf.replace(key_usage(&[DIGITAL_SIGNATURE]));
        // Work.
        "a hundred CAs of the same name, with nothing to tell them apart" [BudgetExhausted] => |p| {
            p.leaf.remove(AUTHORITY_KEY_ID);
            for serial in 0..120 {
                let mut other = Spec::ca(intermediate_name(), ec_key(OTHER), root_name(), ec_key(ROOT));
                other.serial = vec![1, serial];
                p.intermediates.insert(0, other);
            }
        };
        "a chain of twenty CAs" [BudgetExhausted] => |p| {
            let level = |number: usize| dn("Deep", &format!("CA {number}"));
            let key = |number: usize| ec_key(OTHER + number % 2);
            p.intermediates.clear();
            for number in 0..20 {
                let (issuer, signer) = match number {
                    0 => (root_name(), ec_key(ROOT)),
                    _ => (level(number - 1), key(number - 1)),
                };
                p.intermediates.push(Spec::ca(level(number), key(number), issuer, signer));
            }
            p.leaf = Spec::ek(ec_key(EK), level(19), key(19));
        };
        "a mesh of cross-certificates that leads nowhere" [IssuerUnknown] => |p| {
            p.mesh();
            p.intermediates.pop();
        };
        "cross-certificates in a circle that leads nowhere" [IssuerUnknown] => |p| {
            let (a, b) = (dn("Loop", "A"), dn("Loop", "B"));
            p.intermediates = vec![
                Spec::ca(a.clone(), ec_key(OTHER), b.clone(), ec_key(OTHER2)),
                Spec::ca(b, ec_key(OTHER2), a.clone(), ec_key(OTHER)),
            ];
            p.leaf = Spec::ek(ec_key(EK), a, ec_key(OTHER));
        };
    }
}
