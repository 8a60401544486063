use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::hypervisor;
use crate::finding::{Code, Finding};
use crate::identifier::Machine;

/// The longest fact that is read here, far above any genuine one.
const MAX_FACT_LEN: u64 = 4096;
/// The most network interfaces that are listed.
const MAX_INTERFACES: usize = 1024;
/// The longest host name (`HOST_NAME_MAX` of Linux).
const MAX_HOST_NAME_LEN: usize = 64;

/// What the machine says about itself, and what it does not.
#[derive(Clone, Debug)]
pub struct MachineFacts {
    /// GUID, serial number, MAC addresses, host name and hypervisor.
    pub machine: Machine,
    /// A `machine-incomplete` finding for what is missing, by remedy, and
    /// `virtual-machine` if it is one.
    pub findings: Vec<Finding>,
}

/// Reads what the system below `root`, usually [`SYSTEM_ROOT`](super::SYSTEM_ROOT), says
/// of its machine: UUID, serial number, MAC addresses, host name and hypervisor. What
/// cannot be read, and what firmware puts there in place of a value, is left out with a
/// finding. UUID and serial number of SMBIOS need root; where a hypervisor or a
/// devicetree says the same, they do not.
pub fn machine(root: &Path) -> MachineFacts {
    let mut gaps = Vec::new();
    let mut fact = |what: &str, files: &[&str], normal: fn(&str) -> Option<String>| {
        let mut gap = None;
        for file in files {
            let path = root.join(file);
            let missing = match read_fact(&path) {
                Ok(text) => match normal(&text) {
                    Some(value) => return Some(value),
                    None => Gap {
                        message: format!("the firmware gives no {what}, only '{text}'"),
                        help: "nothing to do here; the manufacturer of the machine could set it",
                    },
                },
                Err(error) => unreadable(what, &path, &error),
            };
            // The first place is the usual one, so it is the one to speak of.
            gap.get_or_insert(missing);
        }
        gaps.extend(gap);
        None
    };
    let guid = fact("machine GUID", GUID_FILES, normal_guid);
    let serial = fact("serial number", SERIAL_FILES, normal_serial);
    let macs = macs(&root.join("sys/class/net"));
    if macs.is_empty() {
        gaps.push(Gap {
            message: "no network interface with a MAC address was found".to_owned(),
            help: "nothing to do: the EK identifies the host, the MAC addresses only describe it",
        });
    }
    let host_name = read_fact(&root.join("proc/sys/kernel/hostname"))
        .ok()
        .and_then(|text| normal_host_name(&text));
    let hypervisor = hypervisor::hypervisor(root);
    let mut findings = findings(gaps);
    findings.extend(hypervisor.map(hypervisor::finding));
    MachineFacts {
        machine: Machine {
            guid,
            serial,
            macs,
            host_name,
            hypervisor: hypervisor.map(str::to_owned),
        },
        findings,
    }
}

/// Where a UUID is: SMBIOS, Xen, QEMU's devicetree.
const GUID_FILES: &[&str] = &[
    "sys/class/dmi/id/product_uuid",
    "sys/hypervisor/uuid",
    "sys/firmware/devicetree/base/vm,uuid",
];
/// Where a serial number is: SMBIOS, devicetree.
const SERIAL_FILES: &[&str] = &[
    "sys/class/dmi/id/product_serial",
    "sys/firmware/devicetree/base/serial-number",
];

/// Something that is missing, and what to do about it.
struct Gap {
    message: String,
    help: &'static str,
}

/// One finding for each remedy.
fn findings(gaps: Vec<Gap>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for gap in gaps {
        match findings.iter_mut().find(|finding| finding.help == gap.help) {
            Some(finding) => {
                finding.message.push_str("; ");
                finding.message.push_str(&gap.message);
            }
            None => {
                findings.push(Finding::new(Code::MachineIncomplete, gap.message, gap.help));
            }
        }
    }
    findings
}

/// The text in a file of sysfs or procfs, without blanks and NUL around it.
pub(super) fn read_fact(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FACT_LEN)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let blank = |c: char| c.is_whitespace() || c == '\0';
    Ok(text.trim_matches(blank).to_owned())
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> Gap {
    let (why, help) = match error.kind() {
        io::ErrorKind::PermissionDenied => (
            format!("no permission to read {}", path.display()),
            "run it as root: Linux shows the UUID and serial numbers of SMBIOS to nobody else",
        ),
        io::ErrorKind::NotFound => (
            format!("there is no {}", path.display()),
            "nothing to do where the machine has no SMBIOS; the EK identifies the host",
        ),
        _ => (
            format!("{} cannot be read: {error}", path.display()),
            "nothing to do where the machine has no SMBIOS; the EK identifies the host",
        ),
    };
    Gap {
        message: format!("no {what}: {why}"),
        help,
    }
}

/// Upper case with hyphens, as Windows writes it. `None` for placeholders.
fn normal_guid(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let rest = text.chars().filter(|c| !c.is_ascii_hexdigit());
    if digits.len() != 32 || rest.clone().any(|c| !matches!(c, '-' | '{' | '}')) {
        return None;
    }
    if is_repetition(&digits) {
        return None;
    }
    let mut guid = String::with_capacity(36);
    for (i, c) in digits.chars().enumerate() {
        if matches!(i, 8 | 12 | 16 | 20) {
            guid.push('-');
        }
        guid.push(c.to_ascii_uppercase());
    }
    Some(guid)
}

/// `None` for what firmware ships where nobody filled in a serial number.
fn normal_serial(text: &str) -> Option<String> {
    const PLACEHOLDERS: &[&str] = &[
        "to be filled by o.e.m.",
        "to be filled by oem",
        "none",
        "default string",
        "default",
        "system serial number",
        "not specified",
        "not applicable",
        "not available",
        "n/a",
        "na",
        "oem",
        "o.e.m.",
        "unknown",
        "invalid",
        "chassis serial number",
        "serial number",
        "0123456789",
        "123456789",
        "1234567890",
    ];
    let lower = text.to_ascii_lowercase();
    let says_something = text.chars().any(|c| c.is_ascii_alphanumeric())
        && !PLACEHOLDERS.contains(&lower.as_str())
        && !(is_repetition(text) && text.len() > 1 || text == "0");
    says_something.then(|| text.to_owned())
}

/// `None` for what is no name, and for what Linux has where none was set.
fn normal_host_name(text: &str) -> Option<String> {
    let is_name = !text.is_empty()
        && text.len() <= MAX_HOST_NAME_LEN
        && text != "(none)"
        && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    is_name.then(|| text.to_owned())
}

fn is_repetition(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_none_or(|first| bytes.all(|byte| byte == first))
}

/// The addresses of interfaces that are hardware: those with a `device`. Bridges,
/// tunnels and the loopback interface have none.
fn macs(net: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(net) else {
        return Vec::new();
    };
    let mut macs: Vec<String> = entries
        .flatten()
        .take(MAX_INTERFACES)
        .filter(|entry| entry.path().join("device").exists())
        .filter_map(|entry| read_fact(&entry.path().join("address")).ok())
        .filter_map(|text| normal_mac(&text))
        .collect();
    macs.sort();
    macs.dedup();
    macs
}

/// Upper case with colons. Only 48-bit addresses that are not all the same octet.
fn normal_mac(text: &str) -> Option<String> {
    let octets: Vec<&str> = text.split(':').collect();
    let well_formed = octets.len() == 6
        && octets
            .iter()
            .all(|octet| octet.len() == 2 && octet.bytes().all(|b| b.is_ascii_hexdigit()));
    let digits = octets.concat();
    (well_formed && !is_repetition(&digits)).then(|| text.to_ascii_uppercase())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn a_whole_machine() {
        let dir = tree(&[
            (
                "sys/class/dmi/id/product_uuid",
                "67f8c025-de98-47eb-a0c1-0123456789ab\n",
            ),
            ("sys/class/dmi/id/product_serial", " PF3K0X42 \n"),
            ("sys/class/net/eth1/address", "52:54:00:ab:cd:ef\n"),
            ("sys/class/net/eth1/device/vendor", "0x8086\n"),
            ("sys/class/net/eth0/address", "00:16:3e:00:00:01\n"),
            ("sys/class/net/eth0/device/vendor", "0x8086\n"),
            ("sys/class/net/lo/address", "00:00:00:00:00:00\n"),
            ("sys/class/net/br0/address", "52:54:00:ab:cd:f0\n"),
            ("sys/class/net/bond-slave/address", "52:54:00:ab:cd:ef\n"),
            ("sys/class/net/bond-slave/device/vendor", "0x8086\n"),
            ("sys/class/net/dead/address", "00:00:00:00:00:00\n"),
            ("sys/class/net/dead/device/vendor", "0x8086\n"),
            ("proc/sys/kernel/hostname", "hyp01\n"),
        ]);
        let facts = machine(dir.path());
        assert_eq!(
            facts.machine.guid.as_deref(),
            Some("67F8C025-DE98-47EB-A0C1-0123456789AB")
        );
        assert_eq!(facts.machine.serial.as_deref(), Some("PF3K0X42"));
        assert_eq!(
            facts.machine.macs,
            ["00:16:3E:00:00:01", "52:54:00:AB:CD:EF"]
        );
        assert_eq!(facts.machine.host_name.as_deref(), Some("hyp01"));
        assert_eq!(facts.machine.hypervisor, None);
        assert_eq!(facts.findings, []);
    }

    #[test]
    fn a_virtual_machine_is_told_as_one() {
        let dir = tree(&[
            (
                "sys/class/dmi/id/product_uuid",
                "67f8c025-de98-47eb-a0c1-0123456789ab\n",
            ),
            ("sys/class/dmi/id/product_serial", "7\n"),
            ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
            ("sys/class/net/eth0/address", "52:54:00:ab:cd:ef"),
            ("sys/class/net/eth0/device/vendor", "0x1af4"),
        ]);
        let facts = machine(dir.path());
        assert_eq!(facts.machine.hypervisor.as_deref(), Some("QEMU/KVM"));
        let codes: Vec<Code> = facts.findings.iter().map(|found| found.code).collect();
        assert_eq!(codes, [Code::VirtualMachine]);
    }

    #[test]
    fn other_places_stand_in_for_smbios() {
        let uuid = "67f8c025-de98-47eb-a0c1-0123456789ab";
        for files in [
            &[("sys/hypervisor/uuid", uuid)][..],
            &[("sys/firmware/devicetree/base/vm,uuid", &format!("{uuid}\0"))],
            &[
                ("sys/class/dmi/id/product_uuid", "Not Settable"),
                ("sys/hypervisor/uuid", uuid),
            ],
        ] {
            let serial = (
                "sys/firmware/devicetree/base/serial-number",
                "10000000abcdef01\0",
            );
            let dir = tree(&[files, &[serial]].concat());
            let facts = machine(dir.path());
            let guid = facts.machine.guid.unwrap();
            assert_eq!(guid, uuid.to_uppercase(), "{files:?}");
            assert_eq!(facts.machine.serial.as_deref(), Some("10000000abcdef01"));
            assert_eq!(
                facts.findings.len(),
                1,
                "no interface: {:?}",
                facts.findings
            );
        }
    }

    #[test]
    fn host_names() {
        assert_eq!(
            normal_host_name("hyp01.example"),
            Some("hyp01.example".to_owned())
        );
        for text in ["", "(none)", "a b", "a\u{1b}b", &"x".repeat(65)] {
            assert_eq!(normal_host_name(text), None, "{text}");
        }
    }

    #[test]
    fn placeholders_are_left_out() {
        for (uuid, serial) in [
            (
                "00000000-0000-0000-0000-000000000000",
                "To be filled by O.E.M.",
            ),
            ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "None"),
            ("Not Settable", "Default string"),
            ("", ""),
            ("03000200", "0"),
            (
                "0x000000-0000-0000-0000-000000000001",
                "System Serial Number",
            ),
            ("{}", "................"),
        ] {
            let dir = tree(&[
                ("sys/class/dmi/id/product_uuid", uuid),
                ("sys/class/dmi/id/product_serial", serial),
                ("sys/class/net/eth0/address", "52:54:00:ab:cd:ef"),
                ("sys/class/net/eth0/device/vendor", "0x8086"),
            ]);
            let facts = machine(dir.path());
            assert_eq!(facts.machine.guid, None, "{uuid}");
            assert_eq!(facts.machine.serial, None, "{serial}");
            let [finding] = facts.findings.as_slice() else {
                panic!("{:?}", facts.findings)
            };
            assert_eq!(finding.code, Code::MachineIncomplete);
            assert!(finding.message.contains("machine GUID"), "{finding:?}");
            assert!(finding.message.contains("serial number"), "{finding:?}");
            assert!(!finding.help.is_empty());
        }
    }

    #[test]
    fn a_machine_that_says_nothing() {
        let dir = tree(&[]);
        let facts = machine(dir.path());
        assert_eq!(facts.machine, Machine::default());
        assert_eq!(facts.findings.len(), 2);
    }

    #[test]
    fn short_serial_numbers_are_serial_numbers() {
        assert_eq!(normal_serial("7").as_deref(), Some("7"));
        assert_eq!(normal_serial("A0"), Some("A0".to_owned()));
        assert_eq!(normal_serial("00000000"), None);
    }

    #[test]
    fn who_may_not_read_is_told_to_be_root() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        let gap = unreadable("machine GUID", Path::new("/sys/x"), &error);
        assert!(gap.help.contains("root"), "{}", gap.help);
    }
}
