//! What the firmware gives: TPM, Secure Boot, IOMMU.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::{Fact, Iommu, KernelTpm, SecureBoot, names, unread};
use crate::host::machine::read_fact;

/// The vendor of UEFI's own variables (UEFI 2.10, 3.3).
const GLOBAL_VARIABLE: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// Before the value of a variable in efivarfs stand its attributes.
const ATTRIBUTES_LEN: usize = 4;

pub(super) fn tpm(root: &Path) -> Fact<Option<KernelTpm>> {
    let class = root.join("sys/class/tpm");
    let found = match names(&class) {
        Ok(found) => found,
        // Without any class the tree is none of sysfs.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match names(&root.join("sys/class")) {
                Ok(_) => Fact::Known(None),
                Err(error) => unread(&root.join("sys/class"), &error),
            };
        }
        Err(error) => return unread(&class, &error),
    };
    let Some(name) = found.into_iter().find(|name| name.starts_with("tpm")) else {
        return Fact::Known(None);
    };
    let number = name.trim_start_matches("tpm");
    let resource_manager = root.join(format!("sys/class/tpmrm/tpmrm{number}")).exists();
    let device = class.join(&name);
    // Kernels before 5.6 have no such file; a resource manager they give to TPM 2.0 alone.
    let major = read_fact(&device.join("tpm_version_major"))
        .ok()
        .and_then(|text| text.parse().ok())
        .or(resource_manager.then_some(2));
    Fact::Known(Some(KernelTpm {
        name,
        major,
        resource_manager,
    }))
}

pub(super) fn secure_boot(root: &Path) -> Fact<SecureBoot> {
    let firmware = root.join("sys/firmware");
    if let Err(error) = names(&firmware) {
        return unread(&firmware, &error);
    }
    if !firmware.join("efi").exists() {
        return Fact::Known(SecureBoot::NoUefi);
    }
    let variable = |name: &str| {
        let path = firmware.join(format!("efi/efivars/{name}-{GLOBAL_VARIABLE}"));
        flag(&path).map_err(|error| unread(&path, &error))
    };
    match variable("SetupMode") {
        Ok(true) => return Fact::Known(SecureBoot::SetupMode),
        Ok(false) => {}
        // Firmware without Secure Boot has neither variable; the other is asked next.
        Err(_) => {}
    }
    match variable("SecureBoot") {
        Ok(true) => Fact::Known(SecureBoot::On),
        Ok(false) => Fact::Known(SecureBoot::Off),
        Err(unknown) => unknown,
    }
}

/// A variable of one octet, 0 or 1.
fn flag(path: &Path) -> io::Result<bool> {
    let mut octets = Vec::new();
    // One octet more than there should be is enough to see that it is no flag.
    let limit = u64::try_from(ATTRIBUTES_LEN.saturating_add(2)).unwrap_or(u64::MAX);
    File::open(path)?.take(limit).read_to_end(&mut octets)?;
    match octets.get(ATTRIBUTES_LEN..) {
        Some([0]) => Ok(false),
        Some([1]) => Ok(true),
        _ => Err(io::Error::other("it is no flag of UEFI")),
    }
}

pub(super) fn iommu(root: &Path) -> Fact<Iommu> {
    let groups_path = root.join("sys/kernel/iommu_groups");
    let groups = match names(&groups_path) {
        Ok(groups) => groups,
        Err(error) => return unread(&groups_path, &error),
    };
    let is_passthrough = |group: &&String| {
        read_fact(&groups_path.join(group).join("type")).is_ok_and(|kind| kind == "identity")
    };
    let units = names(&root.join("sys/class/iommu")).unwrap_or_default();
    let table = |name| root.join("sys/firmware/acpi/tables").join(name).exists();
    Fact::Known(Iommu {
        units: units.len(),
        groups: groups.len(),
        passthrough: groups.iter().filter(is_passthrough).count(),
        in_firmware: table("DMAR") || table("IVRS"),
    })
}
