use super::vendor::{Vendor, vendor_by_id};

/// The longest [`TpmFacts::vendor_string`], in bytes: sixteen octets, each of which may
/// have become U+FFFD.
pub const MAX_VENDOR_STRING_LEN: usize = 48;

/// What a TPM says about itself (TPM2_GetCapability). Nothing vouches for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TpmFacts {
    /// `TPM2_PT_MANUFACTURER`.
    pub manufacturer: Option<u32>,
    /// The four parts of `TPM2_PT_VENDOR_STRING`, padding removed. May hold any
    /// text.
    pub vendor_string: Option<String>,
    /// `TPM2_PT_FIRMWARE_VERSION_1` and `_2`. How the vendor divides them is its
    /// own affair; most show the halves of the first as major and minor version.
    pub firmware: Option<(u32, u32)>,
    /// `TPM2_PT_REVISION`, the revision of the TPM 2.0 library specification times
    /// a hundred, such as 138 or 159.
    pub revision: Option<u32>,
    /// `tpmGeneratedEPS` of `TPM2_PT_PERMANENT` (TPM 2.0 Part 2, 8.6): whether the TPM
    /// made its endorsement seed itself, as it does in TPM2_ChangeEPS, or was given it
    /// by its maker. TPMs built from the reference code say so from the start.
    pub generated_eps: Option<bool>,
    /// `inLockout` of `TPM2_PT_PERMANENT`: whether wrong passwords have locked it.
    pub in_lockout: Option<bool>,
    /// `TPM2_PT_LOCKOUT_INTERVAL`: the seconds after which one wrong password is
    /// forgiven.
    pub lockout_interval: Option<u32>,
}

/// Bits of `TPMA_PERMANENT` (TPM 2.0 Part 2, 8.6).
const IN_LOCKOUT: u32 = 1 << 9;
const TPM_GENERATED_EPS: u32 = 1 << 10;

impl TpmFacts {
    /// The manufacturer, if its id is registered.
    pub fn vendor(&self) -> Option<Vendor> {
        self.manufacturer.and_then(vendor_by_id)
    }

    /// The firmware version as most vendors show it: `7.85.00011234`.
    pub fn firmware_in_words(&self) -> Option<String> {
        self.firmware.map(|(high, low)| {
            let (major, minor) = (high >> 16, high & 0xffff);
            format!("{major}.{minor}.{low:08x}")
        })
    }

    /// The firmware version as [`firmware_in_words`](Self::firmware_in_words) writes it,
    /// and in no other way.
    pub fn parse_firmware(text: &str) -> Option<(u32, u32)> {
        let mut parts = text.splitn(3, '.');
        let mut half = || parts.next()?.parse::<u16>().ok().map(u32::from);
        let high = (half()? << 16) | half()?;
        let low = u32::from_str_radix(parts.next()?, 16).ok()?;
        let facts = Self {
            firmware: Some((high, low)),
            ..Self::default()
        };
        (facts.firmware_in_words().as_deref() == Some(text)).then_some((high, low))
    }

    /// The manufacturer as EKcerts write it: `id:49465800`.
    pub fn manufacturer_in_words(&self) -> Option<String> {
        self.manufacturer.map(|id| format!("id:{id:08X}"))
    }

    /// The manufacturer as [`manufacturer_in_words`](Self::manufacturer_in_words) writes
    /// it, and in no other way.
    pub fn parse_manufacturer(text: &str) -> Option<u32> {
        let id = u32::from_str_radix(text.strip_prefix("id:")?, 16).ok()?;
        let facts = Self {
            manufacturer: Some(id),
            ..Self::default()
        };
        (facts.manufacturer_in_words().as_deref() == Some(text)).then_some(id)
    }

    /// Without what is true of a moment only: the lockout.
    pub fn lasting(&self) -> Self {
        Self {
            in_lockout: None,
            lockout_interval: None,
            ..self.clone()
        }
    }

    /// Takes in `TPM2_PT_PERMANENT`.
    pub fn set_permanent(&mut self, attributes: u32) {
        self.in_lockout = Some(attributes & IN_LOCKOUT != 0);
        self.generated_eps = Some(attributes & TPM_GENERATED_EPS != 0);
    }

    /// Takes in the four parts of `TPM2_PT_VENDOR_STRING`.
    pub fn set_vendor_string(&mut self, parts: [u32; 4]) {
        let octets = parts.map(u32::to_be_bytes).concat();
        let text = String::from_utf8_lossy(&octets);
        let text = text.trim_matches(['\0', ' ']);
        self.vendor_string = (!text.is_empty()).then(|| text.to_owned());
    }

    /// Four parts of `TPM2_PT_VENDOR_STRING` that give this vendor string.
    pub fn vendor_string_parts(&self) -> [u32; 4] {
        // An octet that is no UTF-8 became U+FFFD and becomes one again.
        let text = self.vendor_string.as_deref().unwrap_or_default();
        let octets = text.chars().flat_map(|c| match c {
            char::REPLACEMENT_CHARACTER => vec![0xff],
            c => c.to_string().into_bytes(),
        });
        let mut octets = octets.chain(std::iter::repeat(0));
        std::array::from_fn(|_| {
            u32::from_be_bytes(std::array::from_fn(|_| octets.next().unwrap_or(0)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn permanent_attributes() {
        for (attributes, in_lockout, generated_eps) in [
            (0, false, false),
            (0x200, true, false),
            (0x400, false, true),
            (u32::MAX, true, true),
            (!0x600, false, false),
        ] {
            let mut facts = TpmFacts::default();
            facts.set_permanent(attributes);
            assert_eq!(facts.in_lockout, Some(in_lockout), "{attributes:#x}");
            assert_eq!(facts.generated_eps, Some(generated_eps), "{attributes:#x}");
        }
    }

    #[test]
    fn vendor_strings() {
        for (parts, text) in [
            ([0x5357_2020, 0x2054_504d, 0, 0], Some("SW   TPM")),
            ([0x534c_4239, 0x3637_3200, 0, 0], Some("SLB9672")),
            ([0; 4], None),
            ([0x2020_2020; 4], None),
        ] {
            let mut facts = TpmFacts::default();
            facts.set_vendor_string(parts);
            assert_eq!(facts.vendor_string.as_deref(), text);
        }
    }

    #[test]
    fn only_one_way_to_write_it_is_read() {
        assert_eq!(
            TpmFacts::parse_firmware("7.85.00001234"),
            Some((0x0007_0055, 0x1234))
        );
        for text in [
            "7.85.1234",
            "7.85",
            "7.085.00001234",
            "+7.85.00001234",
            "7.85.0000ABCD",
            "65536.0.00000000",
            "7.85.00001234.",
            "",
        ] {
            assert_eq!(TpmFacts::parse_firmware(text), None, "{text}");
        }
        assert_eq!(
            TpmFacts::parse_manufacturer("id:4E544300"),
            Some(0x4e54_4300)
        );
        for text in ["4E544300", "id:4e544300", "id:+E544300", "id:0", "IFX", ""] {
            assert_eq!(TpmFacts::parse_manufacturer(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_firmware_version_comes_back(firmware in any::<(u32, u32)>()) {
            let facts = TpmFacts { firmware: Some(firmware), ..TpmFacts::default() };
            let text = facts.firmware_in_words().unwrap();
            prop_assert_eq!(TpmFacts::parse_firmware(&text), Some(firmware));
        }

        #[test]
        fn any_vendor_string_comes_back(parts in any::<[u32; 4]>()) {
            let mut facts = TpmFacts::default();
            facts.set_vendor_string(parts);
            let length = facts.vendor_string.as_ref().map_or(0, String::len);
            prop_assert!(length <= MAX_VENDOR_STRING_LEN);
            let mut again = TpmFacts::default();
            again.set_vendor_string(facts.vendor_string_parts());
            prop_assert_eq!(again, facts);
        }
    }
}
