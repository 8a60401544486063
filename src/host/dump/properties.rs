//! What a TPM says about itself, as `tpm2_getcap properties-fixed` and
//! `tpm2_getcap properties-variable` show it.

use std::fmt::Write as _;

use crate::host::TpmFacts;

/// What every line that names a property starts with.
const PREFIX: &str = "TPM2_PT_";
/// As tpm2-tools of version 5 and later name it, and as older ones do.
const PERMANENT: [&str; 2] = ["PERMANENT", "PERSISTENT"];
/// Bits of `TPMA_PERMANENT` (TPM 2.0 Part 2, 8.6), by their names there.
const IN_LOCKOUT: (&str, u32) = ("inLockout", 1 << 9);
const GENERATED_EPS: (&str, u32) = ("tpmGeneratedEPS", 1 << 10);

/// Whether a text is the output of `tpm2_getcap` for either kind of properties.
pub(super) fn is_properties(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(PREFIX))
}

/// Takes in what the text says; what it does not say stays as it is.
pub(super) fn read(text: &str, facts: &mut TpmFacts) {
    let mut vendor = facts.vendor_string_parts();
    let (mut high, mut low) = facts.firmware.unzip();
    let mut permanent = 0;
    let mut property = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix(PREFIX) {
            let (name, value) = rest.split_once(':').unwrap_or((rest, ""));
            property = name.trim();
            // Variable properties stand on the line of their name.
            if property == "LOCKOUT_INTERVAL" {
                facts.lockout_interval = number(value);
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let raw = match key.trim() {
            "raw" => number(value),
            key if PERMANENT.contains(&property) => {
                let bits = [IN_LOCKOUT, GENERATED_EPS];
                if let Some((_, bit)) = bits.iter().find(|(name, _)| *name == key) {
                    permanent |= if value.trim() == "1" { *bit } else { 0 };
                    facts.set_permanent(permanent);
                }
                continue;
            }
            _ => continue,
        };
        let Some(raw) = raw else {
            continue;
        };
        match property {
            "MANUFACTURER" => facts.manufacturer = Some(raw),
            "REVISION" => facts.revision = Some(raw),
            "VENDOR_STRING_1" => vendor[0] = raw,
            "VENDOR_STRING_2" => vendor[1] = raw,
            "VENDOR_STRING_3" => vendor[2] = raw,
            "VENDOR_STRING_4" => vendor[3] = raw,
            "FIRMWARE_VERSION_1" => high = Some(raw),
            "FIRMWARE_VERSION_2" => low = Some(raw),
            "LOCKOUT_INTERVAL" => facts.lockout_interval = Some(raw),
            _ => {}
        }
    }
    facts.set_vendor_string(vendor);
    facts.firmware = high.zip(low);
}

/// What does not change.
pub(super) fn write_fixed(facts: &TpmFacts) -> String {
    let mut text = String::new();
    let mut property = |name: &str, raw: Option<u32>| {
        if let Some(raw) = raw {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{PREFIX}{name}:\n  raw: 0x{raw:X}");
        }
    };
    property("REVISION", facts.revision);
    property("MANUFACTURER", facts.manufacturer);
    let parts = facts.vendor_string_parts();
    for (name, part) in ["1", "2", "3", "4"].iter().zip(parts) {
        property(&format!("VENDOR_STRING_{name}"), Some(part));
    }
    let (high, low) = facts.firmware.unzip();
    property("FIRMWARE_VERSION_1", high);
    property("FIRMWARE_VERSION_2", low);
    text
}

/// What changes.
pub(super) fn write_variable(facts: &TpmFacts) -> String {
    let mut text = String::new();
    if facts.in_lockout.is_some() || facts.generated_eps.is_some() {
        let [permanent, _] = PERMANENT;
        let _ = writeln!(text, "{PREFIX}{permanent}:");
        for ((name, _), value) in [
            (IN_LOCKOUT, facts.in_lockout),
            (GENERATED_EPS, facts.generated_eps),
        ] {
            let _ = writeln!(text, "  {name}: {}", u8::from(value == Some(true)));
        }
    }
    if let Some(seconds) = facts.lockout_interval {
        let _ = writeln!(text, "{PREFIX}LOCKOUT_INTERVAL: 0x{seconds:X}");
    }
    text
}

/// Decimal, or hex after `0x`.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIXED: &str = "TPM2_PT_FAMILY_INDICATOR:\n  raw: 0x322E3000\n  value: \"2.0\"\n\
        TPM2_PT_LEVEL:\n  raw: 0\nTPM2_PT_REVISION:\n  raw: 0xA4\n  value: 1.64\n\
        TPM2_PT_MANUFACTURER:\n  raw: 0x49424D00\n  value: \"IBM\"\n\
        TPM2_PT_VENDOR_STRING_1:\n  raw: 0x53572020\n  value: \"SW\"\n\
        TPM2_PT_VENDOR_STRING_2:\n  raw: 0x2054504D\n  value: \"TPM\"\n\
        TPM2_PT_VENDOR_STRING_3:\n  raw: 0x0\n  value: \"\"\n\
        TPM2_PT_FIRMWARE_VERSION_1:\n  raw: 0x20191023\n\
        TPM2_PT_FIRMWARE_VERSION_2:\n  raw: 0x163636\n";
    const VARIABLE: &str = "TPM2_PT_PERMANENT:\n  ownerAuthSet:              0\n  \
        inLockout:                 1\n  tpmGeneratedEPS:           1\n  reserved2:   0\n\
        TPM2_PT_STARTUP_CLEAR:\n  phEnable:                  1\n\
        TPM2_PT_LOCKOUT_INTERVAL: 0x3E8\nTPM2_PT_LOCKOUT_RECOVERY: 0x3E8\n";

    fn facts(texts: &[&str]) -> TpmFacts {
        let mut facts = TpmFacts::default();
        for text in texts {
            assert!(is_properties(text));
            read(text, &mut facts);
        }
        facts
    }

    #[test]
    fn as_tpm2_getcap_writes_them() {
        let expected = TpmFacts {
            manufacturer: Some(0x4942_4d00),
            vendor_string: Some("SW   TPM".to_owned()),
            firmware: Some((0x2019_1023, 0x0016_3636)),
            revision: Some(164),
            generated_eps: Some(true),
            in_lockout: Some(true),
            lockout_interval: Some(1000),
        };
        assert_eq!(facts(&[FIXED, VARIABLE]), expected);
        assert_eq!(facts(&[VARIABLE, FIXED]), expected);
        let older = VARIABLE.replace("PERMANENT", "PERSISTENT");
        assert_eq!(facts(&[FIXED, &older]), expected);
        assert_eq!(facts(&[FIXED]).in_lockout, None);
    }

    #[test]
    fn other_texts_say_nothing() {
        for text in ["", "inLockout: 1", "raw: 0x1\nTPM2_PT", "{}"] {
            assert!(!is_properties(text), "{text}");
            let mut facts = TpmFacts::default();
            read(text, &mut facts);
            assert_eq!(facts, TpmFacts::default(), "{text}");
        }
        let odd = "TPM2_PT_REVISION\n raw: many\nTPM2_PT_MANUFACTURER:\n raw: 0x1FFFFFFFF\n";
        assert_eq!(facts(&[odd]), TpmFacts::default());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            manufacturer in any::<Option<u32>>(),
            vendor in any::<[u32; 4]>(),
            firmware in any::<Option<(u32, u32)>>(),
            revision in any::<Option<u32>>(),
            permanent in any::<Option<u32>>(),
            lockout_interval in any::<Option<u32>>(),
        ) {
            let mut expected = TpmFacts {
                manufacturer, firmware, revision, lockout_interval, ..TpmFacts::default()
            };
            expected.set_vendor_string(vendor);
            if let Some(permanent) = permanent {
                expected.set_permanent(permanent);
            }
            let mut found = TpmFacts::default();
            read(&write_fixed(&expected), &mut found);
            read(&write_variable(&expected), &mut found);
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_text_is_read(text in "(TPM2_PT_[A-Z_0-9]{0,20}:?|  raw: ?|0x|[0-9A-F]{0,9}|[:\\n ]|\\PC){0,60}") {
            read(&text, &mut TpmFacts::default());
        }
    }
}
