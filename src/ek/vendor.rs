/// A TPM manufacturer, by the id it gives itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// The id as text, such as `IFX`, padding removed; hex where it is no text.
    pub id: &'static str,
    /// The company, such as `Infineon`.
    pub name: &'static str,
    /// Whether the id belongs to a company in the TCG TPM vendor id registry
    /// (version 1.07 revision 0.02). If not, it is a simulator, a software TPM or a
    /// test value, and proves nothing about hardware.
    pub registered: bool,
}

/// The vendor with this 32-bit id (as in `TPM2_PT_MANUFACTURER` or the eight hex
/// digits after `id:`), NUL and space padding ignored.
pub fn vendor_by_id(id: u32) -> Option<Vendor> {
    let octets = id.to_be_bytes();
    let end = octets
        .iter()
        .rposition(|octet| !matches!(octet, 0 | b' '))
        .map_or(0, |last| last.saturating_add(1));
    let text = std::str::from_utf8(octets.get(..end)?).ok()?;
    let found = REGISTRY.iter().find(|(id, _)| *id == text);
    if let Some(&(id, name)) = found {
        return Some(Vendor {
            id,
            name,
            registered: true,
        });
    }
    UNREGISTERED
        .iter()
        .find(|(known, ..)| *known == id)
        .map(|&(_, id, name)| Vendor {
            id,
            name,
            registered: false,
        })
}

/// Whether a vendor has this id, as [`Vendor::id`] writes it.
pub(crate) fn is_vendor_id(text: &str) -> bool {
    REGISTRY.iter().any(|(id, _)| *id == text) || UNREGISTERED.iter().any(|(_, id, _)| *id == text)
}

/// Id without padding, company.
const REGISTRY: &[(&str, &str)] = &[
    ("AMD", "AMD"),
    ("ANT", "Ant Group"),
    ("ATML", "Atmel"),
    ("BRCM", "Broadcom"),
    ("CSCO", "Cisco"),
    ("FLYS", "FlySlice"),
    ("GOOG", "Google"),
    ("HISI", "Huawei"),
    ("HPE", "HPE"),
    ("HPI", "HP Inc"),
    ("IBM", "IBM"),
    ("IFX", "Infineon"),
    ("INTC", "Intel"),
    ("LEN", "Lenovo"),
    ("MSFT", "Microsoft"),
    ("NSG", "NSING"),
    ("NSM", "National Semiconductor"),
    ("NTC", "Nuvoton"),
    ("NTZ", "Nationz"),
    ("QCOM", "Qualcomm"),
    ("ROCC", "Fuzhou Rockchip"),
    ("SEAL", "WISeKey"),
    ("SECE", "SecEdge"),
    ("SMSC", "SMSC"),
    ("SMSN", "Samsung"),
    ("SNS", "Sinosun"),
    ("STM", "STMicroelectronics"),
    ("TXN", "Texas Instruments"),
    ("WEC", "Winbond"),
];

/// Ids that are met but are no company's: the raw id, its text, what it is. The
/// registry sets `SIM0` to `SIM7` and `TST0` to `TST7` aside for simulators and
/// tests.
const UNREGISTERED: &[(u32, &str, &str)] = &[
    (
        0x0000_1014,
        "00001014",
        "swtpm, a software TPM (not in the registry)",
    ),
    (
        0xffff_f1d0,
        "FFFFF1D0",
        "FIDO conformance tests (not in the registry)",
    ),
    (0x5349_4d30, "SIM0", "a simulator (no company's id)"),
    (0x5349_4d31, "SIM1", "a simulator (no company's id)"),
    (0x5349_4d32, "SIM2", "a simulator (no company's id)"),
    (0x5349_4d33, "SIM3", "a simulator (no company's id)"),
    (0x5349_4d34, "SIM4", "a simulator (no company's id)"),
    (0x5349_4d35, "SIM5", "a simulator (no company's id)"),
    (0x5349_4d36, "SIM6", "a simulator (no company's id)"),
    (0x5349_4d37, "SIM7", "a simulator (no company's id)"),
    (0x5453_5430, "TST0", "a test value (no company's id)"),
    (0x5453_5431, "TST1", "a test value (no company's id)"),
    (0x5453_5432, "TST2", "a test value (no company's id)"),
    (0x5453_5433, "TST3", "a test value (no company's id)"),
    (0x5453_5434, "TST4", "a test value (no company's id)"),
    (0x5453_5435, "TST5", "a test value (no company's id)"),
    (0x5453_5436, "TST6", "a test value (no company's id)"),
    (0x5453_5437, "TST7", "a test value (no company's id)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_ignored() {
        // Padded with NUL, with a space, and not at all.
        for (id, name) in [
            (0x4946_5800, "Infineon"),
            (0x5354_4d20, "STMicroelectronics"),
            (0x5354_4d00, "STMicroelectronics"),
            (0x494e_5443, "Intel"),
            (0x4942_4d20, "IBM"),
        ] {
            let vendor = vendor_by_id(id).unwrap();
            assert_eq!((vendor.name, vendor.registered), (name, true));
        }
        assert_eq!(vendor_by_id(0x4946_5800).unwrap().id, "IFX");
    }

    #[test]
    fn software_is_named_as_such() {
        let swtpm = vendor_by_id(0x0000_1014).unwrap();
        assert!(!swtpm.registered && swtpm.name.contains("not in the registry"));
        assert!(!vendor_by_id(0x5349_4d33).unwrap().registered);
        assert!(!vendor_by_id(0x5453_5437).unwrap().registered);
    }

    #[test]
    fn unknown_ids() {
        for id in [
            0,
            0x2020_2020,
            0x0049_4658,
            0x4946_5858,
            0x5349_4d54,
            u32::MAX,
        ] {
            assert_eq!(vendor_by_id(id), None, "{id:08x}");
        }
    }
}
