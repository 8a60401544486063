//! What the system says of the platform below it: TPM, Secure Boot, IOMMU, virtualisation,
//! and what becomes of memory. Nothing of it is written.

mod firmware;
mod memory;
mod processor;

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::hypervisor::hypervisor;
use super::machine::read_fact;

/// The most entries of a directory that are looked at: IOMMU groups of the largest machines
/// are some thousands.
const MAX_ENTRIES: usize = 16_384;

/// A fact, or why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact<T> {
    /// It is known.
    Known(T),
    /// It could not be found out, for this reason.
    Unknown(String),
}

impl<T> Fact<T> {
    /// The fact, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }
}

/// What is known of the platform of a Linux host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformFacts {
    /// The TPM that the kernel has; none if it has none.
    pub tpm: Fact<Option<KernelTpm>>,
    /// How the machine was booted.
    pub secure_boot: Fact<SecureBoot>,
    /// What the kernel does with IOMMUs.
    pub iommu: Fact<Iommu>,
    /// Hardware virtualisation.
    pub virtualisation: Fact<Virtualisation>,
    /// What runs this machine, if it says that it is a virtual one.
    pub hypervisor: Option<String>,
    /// The lockdown of the kernel: `none`, `integrity` or `confidentiality`.
    pub lockdown: Fact<String>,
    /// Whether it can hibernate: the kernel offers it and there is a place for the image.
    pub hibernation: Fact<bool>,
    /// Whether a kernel is loaded that writes memory out after a crash.
    pub crash_kernel: Fact<bool>,
    /// What memory is paged out to.
    pub swaps: Fact<Vec<Swap>>,
}

/// A TPM as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelTpm {
    /// Its name: `tpm0`.
    pub name: String,
    /// The version of the specification: 1 or 2.
    pub major: Option<u8>,
    /// Whether there is the device of the kernel's resource manager.
    pub resource_manager: bool,
}

/// How the machine was booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecureBoot {
    /// By a BIOS, or by UEFI in its place: there is no Secure Boot.
    NoUefi,
    /// By UEFI with Secure Boot off.
    Off,
    /// By UEFI in set-up mode: whoever comes can enrol keys.
    SetupMode,
    /// By UEFI with Secure Boot on.
    On,
}

/// What the kernel does with IOMMUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iommu {
    /// The IOMMUs that are in use.
    pub units: usize,
    /// The groups of devices that they keep apart.
    pub groups: usize,
    /// Groups whose devices reach all memory (`iommu=pt`).
    pub passthrough: usize,
    /// Whether the firmware describes an IOMMU (ACPI `DMAR` or `IVRS`).
    pub in_firmware: bool,
}

/// Hardware virtualisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Virtualisation {
    /// Whether the processor has it (VT-x, AMD-V) and shows it.
    pub extensions: bool,
    /// Second level address translation (EPT, NPT), if the kernel tells.
    pub slat: bool,
    /// Whether KVM is there to use it.
    pub kvm: bool,
}

/// What memory is paged out to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Its path.
    pub path: String,
    /// Whether what is there is encrypted, or stays in memory; unknown for a file.
    pub protected: Option<bool>,
}

/// Reads what the system below `root`, usually [`SYSTEM_ROOT`](super::SYSTEM_ROOT), says of
/// its platform.
pub fn platform(root: &Path) -> PlatformFacts {
    PlatformFacts {
        tpm: firmware::tpm(root),
        secure_boot: firmware::secure_boot(root),
        iommu: firmware::iommu(root),
        virtualisation: processor::virtualisation(root),
        hypervisor: hypervisor(root).map(str::to_owned),
        lockdown: memory::lockdown(root),
        hibernation: memory::hibernation(root),
        crash_kernel: memory::crash_kernel(root),
        swaps: memory::swaps(root),
    }
}

/// The names in a directory.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?.take(MAX_ENTRIES);
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// Why a fact is not known: what could not be read, and why not.
fn unread<T>(path: &Path, error: &io::Error) -> Fact<T> {
    Fact::Unknown(match error.kind() {
        io::ErrorKind::PermissionDenied => format!("no permission to read {}", path.display()),
        io::ErrorKind::NotFound => format!("there is no {}", path.display()),
        _ => format!("{} cannot be read: {error}", path.display()),
    })
}

/// A fact from the text of one file.
fn from_file<T>(path: &Path, read: impl FnOnce(&str) -> Option<T>) -> Fact<T> {
    match read_fact(path) {
        Err(error) => unread(path, &error),
        Ok(text) => read(&text).map_or_else(
            || Fact::Unknown(format!("{} says '{text}'", path.display())),
            Fact::Known,
        ),
    }
}

#[cfg(test)]
mod tests;
