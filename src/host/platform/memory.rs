//! What may read memory, or write it out.

use std::path::Path;

use super::{Fact, Swap, from_file, names, unread};
use crate::host::machine::read_fact;

/// How many devices may lie above each other. LVM on dm-crypt on a disk are three.
const MAX_STACK: usize = 8;

pub(super) fn lockdown(root: &Path) -> Fact<String> {
    // `none [integrity] confidentiality`
    from_file(&root.join("sys/kernel/security/lockdown"), |text| {
        let (_, rest) = text.split_once('[')?;
        let (level, _) = rest.split_once(']')?;
        matches!(level, "none" | "integrity" | "confidentiality").then(|| level.to_owned())
    })
}

pub(super) fn hibernation(root: &Path) -> Fact<bool> {
    let state = root.join("sys/power/state");
    let offered = from_file(&state, |text| {
        Some(text.split_ascii_whitespace().any(|word| word == "disk"))
    });
    let fact = |file: &str| read_fact(&root.join(file));
    // The kernel says `[disabled]` where lockdown forbids it.
    let is_disabled = fact("sys/power/disk").is_ok_and(|text| text.contains("[disabled]"));
    let has_no_place = fact("sys/power/resume").is_ok_and(|text| text == "0:0");
    match offered {
        Fact::Known(true) => Fact::Known(!is_disabled && !has_no_place),
        other => other,
    }
}

pub(super) fn crash_kernel(root: &Path) -> Fact<bool> {
    let path = root.join("sys/kernel/kexec_crash_loaded");
    // A kernel that cannot load another has no such file.
    if !path.exists() && names(&root.join("sys/kernel")).is_ok() {
        return Fact::Known(false);
    }
    from_file(&path, |text| match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    })
}

pub(super) fn swaps(root: &Path) -> Fact<Vec<Swap>> {
    let path = root.join("proc/swaps");
    let text = match read_fact(&path) {
        Ok(text) => text,
        Err(error) => return unread(&path, &error),
    };
    let swaps = text.lines().skip(1).filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (path, kind) = (words.next()?.to_owned(), words.next()?);
        let protected = match (kind, path.strip_prefix("/dev/")) {
            ("partition", Some(device)) if !device.contains('/') => {
                Some(is_protected(root, device, MAX_STACK))
            }
            _ => None,
        };
        Some(Swap { path, protected })
    });
    Fact::Known(swaps.collect())
}

/// Whether a block device is encrypted, or lies on such devices alone, or in memory.
fn is_protected(root: &Path, device: &str, left: usize) -> bool {
    if device.starts_with("zram") {
        // Unless it has a device to write to, it stays in memory.
        let backing = read_fact(&root.join(format!("sys/block/{device}/backing_dev")));
        return backing.is_ok_and(|backing| backing == "none");
    }
    let block = root.join("sys/block").join(device);
    if read_fact(&block.join("dm/uuid")).is_ok_and(|uuid| uuid.starts_with("CRYPT-")) {
        return true;
    }
    let below = names(&block.join("slaves")).unwrap_or_default();
    let Some(left) = left.checked_sub(1) else {
        return false;
    };
    !below.is_empty() && below.iter().all(|device| is_protected(root, device, left))
}
