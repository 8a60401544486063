//! What the processor gives.

use std::path::Path;

use super::{Fact, Virtualisation, unread};
use crate::host::machine::read_fact;

/// Reads the flags of the first processor. Only x86 has them.
pub(super) fn virtualisation(root: &Path) -> Fact<Virtualisation> {
    let path = root.join("proc/cpuinfo");
    let text = match read_fact(&path) {
        Ok(text) => text,
        Err(error) => return unread(&path, &error),
    };
    let flags_of = |label: &str| {
        text.lines().find_map(|line| {
            let (own, flags) = line.split_once(':')?;
            (own.trim() == label).then(|| flags.split_ascii_whitespace().collect::<Vec<_>>())
        })
    };
    let Some(flags) = flags_of("flags") else {
        return Fact::Unknown(format!(
            "{} has no flags, as those of other processors than x86",
            path.display()
        ));
    };
    // Since Linux 5.11 the abilities of VT-x stand on a line of their own.
    let vmx_flags = flags_of("vmx flags").unwrap_or_default();
    let has = |flag| flags.contains(&flag);
    Fact::Known(Virtualisation {
        extensions: has("vmx") || has("svm"),
        slat: has("ept") || has("npt") || vmx_flags.contains(&"ept"),
        kvm: root.join("dev/kvm").exists(),
    })
}
