use std::path::Path;

use super::machine::read_fact;
use crate::finding::{Code, Finding};

/// A virtual machine's maker and model in SMBIOS, both by how they start, and its name
/// here. The first that fits counts.
const BY_SMBIOS: &[(&str, &str, &str)] = &[
    ("Amazon EC2", "", "Amazon EC2"),
    ("Google", "Google Compute Engine", "Google Compute Engine"),
    ("Microsoft Corporation", "Virtual Machine", HYPER_V),
    ("VMware", "", "VMware"),
    ("OpenStack", "", "OpenStack"),
    ("", "OpenStack", "OpenStack"),
    ("oVirt", "", "oVirt"),
    ("Red Hat", "RHEV", "oVirt"),
    ("Red Hat", "OpenStack", "OpenStack"),
    ("Red Hat", "KVM", "QEMU/KVM"),
    ("QEMU", "", "QEMU/KVM"),
    ("", "KVM", "QEMU/KVM"),
    ("Bochs", "", "QEMU/KVM"),
    ("Xen", "", "Xen"),
    ("innotek GmbH", "", "VirtualBox"),
    ("", "VirtualBox", "VirtualBox"),
    ("Parallels", "", "Parallels"),
    ("Alibaba Cloud", "Alibaba Cloud ECS", "Alibaba Cloud"),
    ("DigitalOcean", "", "DigitalOcean"),
    ("Hetzner", "vServer", "Hetzner Cloud"),
    ("BHYVE", "", "bhyve"),
    ("", "BHYVE", "bhyve"),
    ("Apple Inc.", "Apple Virtualization", "Apple Virtualization"),
    ("Nutanix", "AHV", "Nutanix AHV"),
    ("Cloud Hypervisor", "", "Cloud Hypervisor"),
];

const HYPER_V: &str = "Microsoft Hyper-V";
/// The chassis asset tag of every Azure instance, which other Hyper-V guests lack.
const AZURE_ASSET_TAG: &str = "7783-7084-3265-9085-8269-3286-77";
/// How the model of an EC2 instance without a hypervisor ends.
const BARE_METAL: &str = ".metal";

/// What runs this machine, if the machine says that it is a virtual one. Nothing of it
/// needs root.
pub(super) fn hypervisor(root: &Path) -> Option<&'static str> {
    let fact = |file: &str| read_fact(&root.join(file)).unwrap_or_default();
    let vendor = fact("sys/class/dmi/id/sys_vendor");
    let product = fact("sys/class/dmi/id/product_name");
    let by_smbios = BY_SMBIOS.iter().find(|(its_vendor, its_product, _)| {
        vendor.starts_with(its_vendor) && product.starts_with(its_product)
    });
    match by_smbios {
        Some((_, _, HYPER_V)) if fact("sys/class/dmi/id/chassis_asset_tag") == AZURE_ASSET_TAG => {
            return Some("Microsoft Azure");
        }
        Some(_) if product.ends_with(BARE_METAL) => {}
        Some((_, _, name)) => return Some(name),
        None => {}
    }
    // The first guest of Xen is the host itself: its UUID is zero, and it has control.
    if fact("sys/hypervisor/type") == "xen" {
        let uuid = fact("sys/hypervisor/uuid");
        let digits = uuid.chars().filter(char::is_ascii_hexdigit);
        let is_zero = !uuid.is_empty() && digits.into_iter().all(|digit| digit == '0');
        let is_host = is_zero || fact("proc/xen/capabilities").contains("control_d");
        return (!is_host).then_some("Xen");
    }
    // Devicetree, of ARM and POWER.
    let above = fact("sys/firmware/devicetree/base/hypervisor/compatible");
    let board = fact("sys/firmware/devicetree/base/compatible");
    match (above.split(['\0', ',']).next(), board.as_str()) {
        (Some("xen"), _) => Some("Xen"),
        (Some("vmware"), _) => Some("VMware"),
        (Some("linux"), _) => Some("QEMU/KVM"),
        (_, board) if board.starts_with("linux,dummy-virt") => Some("QEMU/KVM"),
        (_, board) if board.contains("qemu,pseries") => Some("QEMU/KVM"),
        // A processor of x86 has a flag for it (CPUID leaf 1, ECX bit 31).
        _ => says_so(&fact("proc/cpuinfo")).then_some("unknown hypervisor"),
    }
}

fn says_so(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| {
        flags
            .split_ascii_whitespace()
            .any(|flag| flag == "hypervisor")
    })
}

/// What a virtual machine means for its EK.
pub(super) fn finding(hypervisor: &str) -> Finding {
    Finding::new(
        Code::VirtualMachine,
        format!(
            "this is a virtual machine ({hypervisor}): its EK is that of the virtual TPM, and \
             says nothing of the hardware below"
        ),
        "to register the hardware, run this on the host itself",
    )
}

#[cfg(test)]
mod tests {
    use super::super::machine::tests::tree;
    use super::*;

    fn by_smbios(vendor: &str, product: &str) -> Option<&'static str> {
        let dir = tree(&[
            ("sys/class/dmi/id/sys_vendor", vendor),
            ("sys/class/dmi/id/product_name", product),
        ]);
        hypervisor(dir.path())
    }

    #[test]
    fn virtual_machines_by_the_processor() {
        let with = |cpuinfo: &str, files: &[(&str, &str)]| {
            let mut all = vec![("proc/cpuinfo", cpuinfo)];
            all.extend(files);
            hypervisor(tree(&all).path())
        };
        let guest = "processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\nbugs\t: x\n";
        assert_eq!(with(guest, &[]), Some("unknown hypervisor"));
        assert_eq!(
            with("flags\t\t: fpu hypervisors\nbugs: hypervisor\n", &[]),
            None
        );
        // Xen's first guest is the host, whatever its processor says.
        let host = [
            ("sys/hypervisor/type", "xen"),
            (
                "sys/hypervisor/uuid",
                "00000000-0000-0000-0000-000000000000",
            ),
        ];
        assert_eq!(with(guest, &host), None);
        let named = [("sys/class/dmi/id/sys_vendor", "QEMU")];
        assert_eq!(with(guest, &named), Some("QEMU/KVM"));
    }

    #[test]
    fn virtual_machines_by_smbios() {
        for (vendor, product, name) in [
            ("QEMU\n", "Standard PC (Q35 + ICH9, 2009)\n", "QEMU/KVM"),
            ("Red Hat", "KVM", "QEMU/KVM"),
            ("VMware, Inc.", "VMware7,1", "VMware"),
            ("Microsoft Corporation", "Virtual Machine", HYPER_V),
            ("Amazon EC2", "m7i.large", "Amazon EC2"),
            ("Google", "Google Compute Engine", "Google Compute Engine"),
            ("Xen", "HVM domU", "Xen"),
            ("innotek GmbH", "VirtualBox", "VirtualBox"),
            ("OpenStack Foundation", "OpenStack Nova", "OpenStack"),
        ] {
            assert_eq!(by_smbios(vendor, product), Some(name), "{vendor} {product}");
        }
        let azure = tree(&[
            ("sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n"),
            ("sys/class/dmi/id/product_name", "Virtual Machine\n"),
            ("sys/class/dmi/id/chassis_asset_tag", AZURE_ASSET_TAG),
        ]);
        assert_eq!(hypervisor(azure.path()), Some("Microsoft Azure"));
    }

    #[test]
    fn hardware_is_no_virtual_machine() {
        for (vendor, product) in [
            ("Dell Inc.", "PowerEdge R660"),
            ("Microsoft Corporation", "Surface Pro 9"),
            ("Amazon EC2", "m7i.metal"),
            ("Apple Inc.", "MacBookPro16,1"),
            ("Google", "Spherion"),
            ("", ""),
        ] {
            assert_eq!(by_smbios(vendor, product), None, "{vendor} {product}");
        }
        assert_eq!(hypervisor(tree(&[]).path()), None);
    }

    #[test]
    fn xen_and_its_first_guest() {
        const UUID: &str = "sys/hypervisor/uuid";
        const ZERO: &str = "00000000-0000-0000-0000-000000000000\n";
        let guest = "1f2e3d4c-0000-4000-8000-000000000001";
        for (files, name) in [
            (&[(UUID, guest)][..], Some("Xen")),
            (&[], Some("Xen")),
            (&[(UUID, ZERO)], None),
            (&[("proc/xen/capabilities", "control_d\n")], None),
        ] {
            let xen = ("sys/hypervisor/type", "xen\n");
            let dir = tree(&[files, &[xen]].concat());
            assert_eq!(hypervisor(dir.path()), name, "{files:?}");
        }
    }

    #[test]
    fn virtual_machines_by_devicetree() {
        for (file, content, name) in [
            ("hypervisor/compatible", "xen,xen-4.17\0xen,xen\0", "Xen"),
            ("hypervisor/compatible", "linux,kvm\0", "QEMU/KVM"),
            ("compatible", "linux,dummy-virt\0", "QEMU/KVM"),
            ("compatible", "qemu,pseries\0", "QEMU/KVM"),
        ] {
            let path = format!("sys/firmware/devicetree/base/{file}");
            let dir = tree(&[(&path, content)]);
            assert_eq!(hypervisor(dir.path()), Some(name), "{file}");
        }
        let path = "sys/firmware/devicetree/base/compatible";
        let dir = tree(&[(path, "raspberrypi,4-model-b\0brcm,bcm2711\0")]);
        assert_eq!(hypervisor(dir.path()), None);
    }

    #[test]
    fn the_finding_names_it() {
        let finding = finding("QEMU/KVM");
        assert_eq!(finding.code, Code::VirtualMachine);
        assert!(finding.message.contains("QEMU/KVM"), "{finding:?}");
        assert!(finding.message.contains("virtual TPM"), "{finding:?}");
    }
}
