//! Published faults of TPM firmware, and which of them concern a TPM: advisories.toml.

use std::fmt;
use std::sync::OnceLock;

use ::der::oid::ObjectIdentifier;
use serde::Deserialize;

use super::{Algorithm, Certificate, TpmFacts, Vendor};
use crate::finding::{Code, Finding, Severity};

/// What the advisories are looked up by: what a file and its EKcerts say of one TPM.
#[derive(Clone, Copy, Debug)]
pub struct AdvisorySubject<'a> {
    /// What the TPM says of itself: the only word on the firmware that it has now.
    pub tpm: Option<&'a TpmFacts>,
    /// Its EKcerts: they may tell the firmware that the TPM was made with.
    pub ekcerts: &'a [&'a Certificate],
    /// The kinds of key in question.
    pub algorithms: &'a [Algorithm],
}

/// The advisories that concern a TPM, or may: `firmware-advisory`, a warning where the
/// firmware that the TPM has now is affected. Each says what it rests on.
pub fn check_advisories(subject: &AdvisorySubject<'_>) -> Vec<Finding> {
    advisories()
        .iter()
        .filter_map(|advisory| Some(advisory.finding(&advisory.evidence(subject)?)))
        .collect()
}

/// The file, read once. A test holds it to its form.
fn advisories() -> &'static [Advisory] {
    static ADVISORIES: OnceLock<Vec<Advisory>> = OnceLock::new();
    ADVISORIES.get_or_init(|| read(include_str!("advisories.toml")).unwrap_or_default())
}

fn read(text: &str) -> Result<Vec<Advisory>, toml::de::Error> {
    toml::from_str(text).map(|file: File| file.advisory)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    advisory: Vec<Advisory>,
}

/// One advisory about the TPMs of one manufacturer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    /// CVE ids.
    id: String,
    /// What is wrong, in a few words.
    title: String,
    /// TCG vendor id.
    manufacturer: String,
    /// Only where the model in the EKcert, if it states one, has one of these in it,
    /// spaces apart. Firmware that the TPM has now is told by its version alone.
    #[serde(default)]
    models: Vec<String>,
    /// Only where a key in question is of this kind.
    keys: Option<Kind>,
    /// The versions that are published as affected. Without any, nothing in a file says
    /// more than the manufacturer.
    #[serde(default)]
    affected: Vec<Range>,
    /// The versions of the TPMs that an issuer of EKcerts has certified; where a name
    /// comes more than once, all of them.
    #[serde(default)]
    issuers: Vec<Issuer>,
    /// What limits the finding.
    note: Option<String>,
    /// What to do.
    fix: String,
    /// Where it was published.
    sources: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Rsa,
    Ecc,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Issuer {
    /// Its common name.
    name: String,
    from: Version,
    below: Version,
}

/// From the first version on, up to the second but without it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: Version,
    below: Version,
}

/// A firmware version as four numbers: the halves of `TPM2_PT_FIRMWARE_VERSION_1` and
/// of `_2`, which is how Windows shows it. Those not written are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct Version([u16; 4]);

/// What is known of a version: the first numbers of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    lowest: Version,
    highest: Version,
    numbers: usize,
}

/// What an advisory rests on.
enum Evidence {
    /// The firmware that the TPM says it has.
    Current(Known),
    /// The firmware that the EKcert says it was made with, all versions of which are
    /// affected, or some.
    AtManufacture(Known, bool),
    /// The firmware that the EKcert's issuer has certified.
    Issuer(String),
    /// The manufacturer alone.
    Manufacturer(&'static str),
}

impl Advisory {
    fn evidence(&self, subject: &AdvisorySubject<'_>) -> Option<Evidence> {
        let is_of_kind = |algorithm: &Algorithm| match algorithm {
            Algorithm::Rsa(_) => self.keys != Some(Kind::Ecc),
            Algorithm::Ecc(_) => self.keys != Some(Kind::Rsa),
        };
        if !subject.algorithms.iter().any(is_of_kind) {
            return None;
        }
        let is_maker = |vendor: &Vendor| vendor.id == self.manufacturer;
        let stated = subject.tpm.and_then(TpmFacts::vendor);
        // What the TPM has now decides, whatever it had once.
        if let Some(firmware) = subject.tpm.and_then(|tpm| tpm.firmware)
            && !self.affected.is_empty()
        {
            let mut certified = subject.ekcerts.iter().map(|c| c.extensions().tpm.vendor());
            stated
                .or_else(|| certified.find_map(|vendor| vendor))
                .filter(is_maker)?;
            let known = Known::of_firmware(firmware);
            return self.may_affect(&known).then_some(Evidence::Current(known));
        }
        let mut of_ekcerts = subject.ekcerts.iter();
        if of_ekcerts.len() == 0 {
            let vendor = stated.filter(is_maker)?;
            return Some(Evidence::Manufacturer(vendor.name));
        }
        of_ekcerts.find_map(|ekcert| self.evidence_of(ekcert, stated))
    }

    /// What an EKcert says, of a TPM that may have stated its maker itself.
    fn evidence_of(&self, ekcert: &Certificate, stated: Option<Vendor>) -> Option<Evidence> {
        let tpm = &ekcert.extensions().tpm;
        let vendor = stated
            .or_else(|| tpm.vendor())
            .filter(|vendor| vendor.id == self.manufacturer)?;
        if let Some(model) = &tpm.model
            && !self.models.is_empty()
        {
            let model = model.replace(' ', "");
            self.models
                .iter()
                .find(|known| model.contains(known.as_str()))?;
        }
        if self.affected.is_empty() {
            return Some(Evidence::Manufacturer(vendor.name));
        }
        if let Some(known) = tpm.version.as_deref().and_then(Known::of_attribute) {
            return self
                .may_affect(&known)
                .then(|| Evidence::AtManufacture(known, self.affects(&known)));
        }
        let issuer = common_name_of_issuer(ekcert);
        let mut certified = self
            .issuers
            .iter()
            .filter(|known| Some(&known.name) == issuer.as_ref())
            .peekable();
        let Some(name) = certified.peek().map(|known| known.name.clone()) else {
            return Some(Evidence::Manufacturer(vendor.name));
        };
        certified
            .any(|known| {
                let meets = |range: &Range| known.from < range.below && range.from < known.below;
                self.affected.iter().any(meets)
            })
            .then_some(Evidence::Issuer(name))
    }

    /// Whether all that a version may be is affected.
    fn affects(&self, known: &Known) -> bool {
        self.affected
            .iter()
            .any(|range| range.from <= known.lowest && known.highest < range.below)
    }

    fn may_affect(&self, known: &Known) -> bool {
        self.affected
            .iter()
            .any(|range| range.from <= known.highest && known.lowest < range.below)
    }

    fn finding(&self, evidence: &Evidence) -> Finding {
        let (severity, what) = match evidence {
            Evidence::Current(version) => (
                Severity::Warning,
                format!("the TPM says that its firmware is {version}, which is affected"),
            ),
            Evidence::AtManufacture(version, true) => (
                Severity::Info,
                format!(
                    "possible, since the firmware was {version} when the EKcert was made, which is \
                     affected"
                ),
            ),
            Evidence::AtManufacture(version, false) => (
                Severity::Info,
                format!(
                    "possible, since the firmware was {version} when the EKcert was made, some of \
                     which is affected"
                ),
            ),
            Evidence::Issuer(name) => (
                Severity::Info,
                format!(
                    "possible, since the EKcert's issuer '{name}' has certified TPMs with firmware \
                     that is affected"
                ),
            ),
            Evidence::Manufacturer(name) => (
                Severity::Info,
                format!(
                    "possible, since the manufacturer is {name}; nothing more is known of the TPM"
                ),
            ),
        };
        let note = self.note.as_ref();
        let note = note.map_or_else(String::new, |note| format!(" ({note})"));
        let check = match severity {
            Severity::Info if !self.affected.is_empty() => {
                "look which firmware the TPM has now (a JSON file of get-platform-identifier tells \
                 it); if it is still affected, "
            }
            _ => "",
        };
        Finding::new(
            Code::FirmwareAdvisory,
            format!("{}, {}: {what}", self.id, self.title),
            format!(
                "{check}{}{note}; source: {}",
                self.fix,
                self.sources.join("; ")
            ),
        )
        .with_severity(severity)
    }
}

fn common_name_of_issuer(certificate: &Certificate) -> Option<String> {
    // id-at-commonName (RFC 5280 appendix A.1)
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    certificate.issuer().values(COMMON_NAME).into_iter().next()
}

impl Known {
    fn of_firmware((first, second): (u32, u32)) -> Self {
        let halves = |word: u32| {
            let [a, b, c, d] = word.to_be_bytes();
            [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
        };
        let ([a, b], [c, d]) = (halves(first), halves(second));
        let version = Version([a, b, c, d]);
        Self {
            lowest: version,
            highest: version,
            numbers: 4,
        }
    }

    /// tcg-at-tpmVersion: `id:` and the two halves in hexadecimal, such as `id:00130008`
    /// for 19.8. Other forms are met, and say nothing certain.
    fn of_attribute(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("id:")?;
        if digits.len() != 8 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [a, b, c, d] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        let (major, minor) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Some(Self {
            lowest: Version([major, minor, 0, 0]),
            highest: Version([major, minor, u16::MAX, u16::MAX]),
            numbers: 2,
        })
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.lowest.0.iter().take(self.numbers).enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{number}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Version {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut version = [0; 4];
        let mut slots = version.iter_mut();
        for number in text.split('.') {
            let slot = slots.next().ok_or("a version has at most four numbers")?;
            *slot = number.parse().map_err(|_| "a version is of numbers")?;
        }
        Ok(Self(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::vendor::vendor_by_id;

    #[test]
    fn the_file_is_in_order() {
        let advisories = read(include_str!("advisories.toml")).unwrap();
        assert!(advisories.len() >= 8);
        for advisory in &advisories {
            let id = &advisory.id;
            assert!(id.split(", ").all(|id| id.starts_with("CVE-")), "{id}");
            let mut padded = advisory.manufacturer.clone().into_bytes();
            padded.resize(4, 0);
            let vendor = vendor_by_id(u32::from_be_bytes(padded.try_into().unwrap()));
            assert!(vendor.is_some_and(|vendor| vendor.registered), "{id}");
            assert!(!advisory.sources.is_empty(), "{id}");
            for text in [&advisory.title, &advisory.fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{id}: {text}");
            }
            let ranges = advisory.affected.iter().map(|r| (r.from, r.below));
            let issuers = advisory.issuers.iter().map(|i| (i.from, i.below));
            for (from, below) in ranges.chain(issuers) {
                assert!(from < below, "{id}: {from:?}");
            }
            assert!(
                advisory.affected.is_sorted_by(|a, b| a.below <= b.from),
                "{id}"
            );
            assert!(
                advisory.issuers.is_empty() || !advisory.affected.is_empty(),
                "{id}"
            );
        }
    }

    fn told(vendor: u32, firmware: (u32, u32)) -> Vec<String> {
        let tpm = TpmFacts {
            manufacturer: Some(vendor),
            firmware: Some(firmware),
            ..TpmFacts::default()
        };
        let subject = AdvisorySubject {
            tpm: Some(&tpm),
            ekcerts: &[],
            algorithms: &[Algorithm::Rsa(2048)],
        };
        check_advisories(&subject)
            .into_iter()
            .map(|finding| {
                assert_eq!(finding.code, Code::FirmwareAdvisory);
                assert_eq!(finding.severity, Severity::Warning);
                finding.message.split_once(", ").unwrap().0.to_owned()
            })
            .collect()
    }

    const IFX: u32 = 0x4946_5800;
    const STM: u32 = 0x5354_4d20;
    const NTC: u32 = 0x4e54_4300;

    #[test]
    fn current_firmware() {
        let major_minor = |major: u32, minor: u32| (major << 16 | minor, 0x1234);
        for (vendor, firmware, expected) in [
            (
                IFX,
                major_minor(7, 61),
                &["CVE-2017-15361", "CVE-2025-2884"][..],
            ),
            (IFX, major_minor(7, 62), &["CVE-2025-2884"]),
            (IFX, major_minor(7, 66), &[]),
            (IFX, major_minor(7, 85), &["CVE-2025-2884"]),
            (IFX, major_minor(7, 86), &[]),
            (IFX, major_minor(4, 34), &[]),
            (IFX, major_minor(4, 42), &["CVE-2017-15361"]),
            (IFX, major_minor(15, 23), &[]),
            (STM, major_minor(71, 12), &["CVE-2019-16863"]),
            (STM, major_minor(71, 16), &[]),
            (STM, major_minor(73, 64), &[]),
            (STM, major_minor(1, 769), &[]),
            (
                NTC,
                (0x0007_0002, 0x0001_0000),
                &["CVE-2020-25082", "CVE-2025-2884"],
            ),
            (NTC, (0x0007_0002, 0x0003_0001), &["CVE-2025-2884"]),
            (NTC, (0x0007_0002, 0x0004_0001), &[]),
            // Another manufacturer's firmware of that number.
            (0x494e_5443, major_minor(7, 61), &[]),
        ] {
            assert_eq!(told(vendor, firmware), expected, "{vendor:x} {firmware:x?}");
        }
    }

    #[test]
    fn what_an_ekcert_tells() {
        // An EKcert of the test vendor, Infineon by its id, made with firmware 7.85.
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/cli/ek.der");
        #[allow(clippy::disallowed_methods, reason = "a test reads its data")]
        let certificate = Certificate::from_der(&std::fs::read(path).unwrap()).unwrap();
        let text = "[[advisory]]\nid = 'CVE-0'\ntitle = 'a fault'\nmanufacturer = 'IFX'\n\
                    affected = [{ from = '7.80', below = '7.86' }]\nfix = 'wait'\nsources = []\n";
        let told_by = |text: &str, tpm: Option<&TpmFacts>| {
            let subject = AdvisorySubject {
                tpm,
                ekcerts: &[&certificate],
                algorithms: &[Algorithm::Rsa(2048)],
            };
            let advisory = read(text).unwrap().remove(0);
            let finding = advisory.finding(&advisory.evidence(&subject)?);
            Some((finding.severity, finding.message))
        };
        let told = |tpm: Option<&TpmFacts>| told_by(text, tpm);
        let (severity, message) = told(None).unwrap();
        assert_eq!(severity, Severity::Info);
        assert_eq!(
            message,
            "CVE-0, a fault: possible, since the firmware was 7.85 when the EKcert was made, which \
             is affected"
        );
        // Some of 7.85, or another version.
        let with = |from: &str, to: &str| told_by(&text.replace(from, to), None);
        let some = with("'7.86'", "'7.85.1'").unwrap().1;
        assert!(some.contains("some of which"), "{some}");
        assert_eq!(with("'7.80'", "'7.85.0.1'").unwrap().0, Severity::Info);
        assert_eq!(with("'7.86'", "'7.85'"), None);
        assert_eq!(with("IFX", "STM"), None);
        // Another model, or nothing but the manufacturer.
        assert_eq!(with("id =", "models = ['SLB9670']\nid ="), None);
        let affected = "affected = [{ from = '7.80', below = '7.86' }]\n";
        let manufacturer = with(affected, "").unwrap();
        assert_eq!(manufacturer.0, Severity::Info);
        assert!(manufacturer.1.contains("the manufacturer is Infineon"));
        // The word of the TPM on its firmware takes precedence, both ways.
        let now = |minor| TpmFacts {
            firmware: Some((7u32 << 16 | minor, 0)),
            ..TpmFacts::default()
        };
        assert_eq!(told(Some(&now(86))), None);
        assert_eq!(told(Some(&now(85))).unwrap().0, Severity::Warning);
        // A TPM of another maker, whatever the EKcert says.
        let other = TpmFacts {
            manufacturer: Some(STM),
            ..now(85)
        };
        assert_eq!(told(Some(&other)), None);
    }

    /// What ST's issuers have certified narrows what is possible.
    #[test]
    fn issuers() {
        let advisories = read(include_str!("advisories.toml")).unwrap();
        let advisory = advisories
            .iter()
            .find(|a| a.id == "CVE-2019-16863")
            .unwrap();
        let possible: Vec<&str> = advisory
            .issuers
            .iter()
            .filter(|issuer| {
                let meets = |range: &Range| issuer.from < range.below && range.from < issuer.below;
                advisory.affected.iter().any(meets)
            })
            .map(|issuer| issuer.name.as_str())
            .collect();
        assert_eq!(
            possible,
            [
                "STM TPM EK Intermediate CA 05",
                "STM TPM ECC Intermediate CA 01"
            ]
        );
    }

    #[test]
    fn only_for_keys_of_the_kind() {
        let tpm = TpmFacts {
            manufacturer: Some(NTC),
            firmware: Some((0x0007_0002, 0x0003_0001)),
            ..TpmFacts::default()
        };
        let told = |algorithm| {
            let findings = check_advisories(&AdvisorySubject {
                tpm: Some(&tpm),
                ekcerts: &[],
                algorithms: &[algorithm],
            });
            findings
                .iter()
                .filter(|f| f.message.starts_with("CVE-2026-6923"))
                .count()
        };
        assert_eq!(told(Algorithm::Rsa(2048)), 0);
        assert_eq!(told(Algorithm::Ecc(super::super::Curve::P256)), 1);
    }

    #[test]
    fn versions_in_ekcerts() {
        let known = |text| Known::of_attribute(text).map(|known| known.to_string());
        assert_eq!(known("id:00130008").as_deref(), Some("19.8"));
        assert_eq!(known("id:00070055").as_deref(), Some("7.85"));
        for text in [
            "id:0755",
            "id:13",
            "00130008",
            "id:0013000g",
            "id:+0130008",
            "",
        ] {
            assert_eq!(known(text), None, "{text}");
        }
    }
}
