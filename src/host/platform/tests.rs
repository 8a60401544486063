use super::super::machine::tests::tree;
use super::*;

const EFIVARS: &str = "sys/firmware/efi/efivars";
const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// The facts of a tree with these files, and directories where the name ends in `/`.
fn facts(files: &[(&str, &str)]) -> PlatformFacts {
    let (directories, files): (Vec<_>, Vec<_>) = files
        .iter()
        .copied()
        .partition(|(path, _)| path.ends_with('/'));
    let dir = tree(&files);
    for (path, _) in directories {
        fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    platform(dir.path())
}

fn why<T: std::fmt::Debug>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Unknown(why) => why,
        Fact::Known(known) => panic!("{known:?}"),
    }
}

#[test]
fn nothing_is_known_of_an_empty_tree() {
    let facts = facts(&[]);
    assert!(why(&facts.tpm).contains("sys/class"));
    assert!(why(&facts.secure_boot).contains("sys/firmware"));
    assert!(why(&facts.iommu).contains("iommu_groups"));
    assert!(why(&facts.virtualisation).contains("cpuinfo"));
    assert!(why(&facts.lockdown).contains("lockdown"));
    assert!(why(&facts.hibernation).contains("sys/power/state"));
    assert!(why(&facts.crash_kernel).contains("kexec_crash_loaded"));
    assert!(why(&facts.swaps).contains("proc/swaps"));
    assert_eq!(facts.hypervisor, None);
}

#[test]
fn a_tpm_and_its_version() {
    let tpm = |major, resource_manager| {
        Fact::Known(Some(KernelTpm {
            name: "tpm0".to_owned(),
            major,
            resource_manager,
        }))
    };
    assert_eq!(facts(&[("sys/class/net/", "")]).tpm, Fact::Known(None));
    assert_eq!(facts(&[("sys/class/tpm/", "")]).tpm, Fact::Known(None));
    let version = "sys/class/tpm/tpm0/tpm_version_major";
    let manager = ("sys/class/tpmrm/tpmrm0/", "");
    assert_eq!(facts(&[(version, "2\n"), manager]).tpm, tpm(Some(2), true));
    assert_eq!(facts(&[(version, "1\n")]).tpm, tpm(Some(1), false));
    // An old kernel.
    let old = ("sys/class/tpm/tpm0/", "");
    assert_eq!(facts(&[old, manager]).tpm, tpm(Some(2), true));
    assert_eq!(facts(&[old]).tpm, tpm(None, false));
}

#[test]
fn secure_boot_by_the_variables_of_uefi() {
    let variable = |name: &str| format!("{EFIVARS}/{name}-{GLOBAL}");
    let (secure_boot, setup) = (variable("SecureBoot"), variable("SetupMode"));
    let found = |files: &[(&str, &str)]| facts(files).secure_boot;
    assert_eq!(
        found(&[("sys/firmware/acpi/", "")]),
        Fact::Known(SecureBoot::NoUefi)
    );
    let (on, off) = ("\x06\0\0\0\x01", "\x06\0\0\0\0");
    for (secure_boot_is, setup_is, expected) in [
        (on, off, SecureBoot::On),
        (off, off, SecureBoot::Off),
        (off, on, SecureBoot::SetupMode),
    ] {
        let files = [(&*secure_boot, secure_boot_is), (&*setup, setup_is)];
        assert_eq!(found(&files), Fact::Known(expected));
    }
    assert_eq!(found(&[(&secure_boot, on)]), Fact::Known(SecureBoot::On));
    // efivarfs is not mounted; the value is no flag.
    assert!(why(&found(&[("sys/firmware/efi/", "")])).contains("SecureBoot-"));
    for odd in ["\x06\0\0\0\x02", "\x06\0\0\0", "\x06\0\0\0\x01\x01", ""] {
        assert!(
            why(&found(&[(&secure_boot, odd)])).contains("no flag"),
            "{odd:?}"
        );
    }
}

#[test]
fn iommus_and_their_groups() {
    let found = |files: &[(&str, &str)]| facts(files).iommu;
    let iommu = |units, groups, passthrough, in_firmware| {
        Fact::Known(Iommu {
            units,
            groups,
            passthrough,
            in_firmware,
        })
    };
    let none = ("sys/kernel/iommu_groups/", "");
    assert_eq!(found(&[none]), iommu(0, 0, 0, false));
    let table = ("sys/firmware/acpi/tables/DMAR", "DMAR");
    assert_eq!(found(&[none, table]), iommu(0, 0, 0, true));
    let table = ("sys/firmware/acpi/tables/IVRS", "IVRS");
    let files = [
        table,
        ("sys/class/iommu/ivhd0/", ""),
        ("sys/kernel/iommu_groups/0/type", "DMA-FQ\n"),
        ("sys/kernel/iommu_groups/1/type", "identity\n"),
    ];
    assert_eq!(found(&files), iommu(1, 2, 1, true));
}

#[test]
fn virtualisation_by_the_flags_of_the_processor() {
    let found = |cpuinfo: &str, kvm: bool| {
        let mut files = vec![("proc/cpuinfo", cpuinfo)];
        if kvm {
            files.push(("dev/kvm", ""));
        }
        facts(&files).virtualisation
    };
    let is = |extensions, slat, kvm| {
        Fact::Known(Virtualisation {
            extensions,
            slat,
            kvm,
        })
    };
    assert_eq!(
        found("flags\t\t: fpu svm npt\n", true),
        is(true, true, true)
    );
    assert_eq!(
        found("flags\t\t: fpu vmx ept\n", false),
        is(true, true, false)
    );
    let newer = "flags\t\t: fpu vmx\nvmx flags\t: vnmi ept vpid\n";
    assert_eq!(found(newer, true), is(true, true, true));
    assert_eq!(found("flags\t\t: fpu vmx\n", true), is(true, false, true));
    assert_eq!(
        found("flags\t\t: fpu vmxx\n", false),
        is(false, false, false)
    );
    assert!(why(&found("Features\t: fp asimd\n", true)).contains("no flags"));
}

#[test]
fn what_becomes_of_memory() {
    let lockdown = |text: &str| facts(&[("sys/kernel/security/lockdown", text)]).lockdown;
    for level in ["none", "integrity", "confidentiality"] {
        let text = "none integrity confidentiality\n".replace(level, &format!("[{level}]"));
        assert_eq!(lockdown(&text), Fact::Known(level.to_owned()));
    }
    assert!(why(&lockdown("[total]")).contains("[total]"));

    let hibernation = |state: &str, disk: &str, resume: &str| {
        facts(&[
            ("sys/power/state", state),
            ("sys/power/disk", disk),
            ("sys/power/resume", resume),
        ])
        .hibernation
    };
    let (yes, no) = (Fact::Known(true), Fact::Known(false));
    assert_eq!(
        hibernation("freeze mem disk", "[platform] shutdown", "8:3"),
        yes
    );
    assert_eq!(hibernation("freeze mem", "[platform] shutdown", "8:3"), no);
    assert_eq!(hibernation("freeze mem disk", "[disabled]", "8:3"), no);
    assert_eq!(hibernation("freeze mem disk", "[platform]", "0:0"), no);

    let crash = |text: &str| facts(&[("sys/kernel/kexec_crash_loaded", text)]).crash_kernel;
    assert_eq!(crash("1\n"), yes);
    assert_eq!(crash("0\n"), no);
    assert!(why(&crash("2\n")).contains("'2'"));
    assert_eq!(facts(&[("sys/kernel/mm/", "")]).crash_kernel, no);
}

#[test]
fn what_memory_is_paged_out_to() {
    let head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    let found = |lines: &str, files: &[(&str, &str)]| {
        let text = format!("{head}{lines}");
        let mut all = vec![("proc/swaps", text.as_str())];
        all.extend(files);
        match facts(&all).swaps {
            Fact::Known(swaps) => swaps,
            Fact::Unknown(why) => panic!("{why}"),
        }
    };
    let one = |lines: &str, files: &[(&str, &str)]| {
        let swaps = found(lines, files);
        assert_eq!(swaps.len(), 1);
        swaps[0].protected
    };
    assert_eq!(found("", &[]), []);
    let partition = |name: &str| format!("/dev/{name} partition 8388604 0 -2\n");
    assert_eq!(one("/swapfile file 2097148 0 -2\n", &[]), None);
    assert_eq!(one(&partition("sda2"), &[]), Some(false));
    let uuid = "sys/block/dm-0/dm/uuid";
    assert_eq!(
        one(&partition("dm-0"), &[(uuid, "CRYPT-LUKS2-x\n")]),
        Some(true)
    );
    assert_eq!(one(&partition("dm-0"), &[(uuid, "LVM-x\n")]), Some(false));
    // LVM on dm-crypt, and half of it elsewhere.
    let volume = ("sys/block/dm-1/dm/uuid", "LVM-x\n");
    let below = ("sys/block/dm-1/slaves/dm-0/", "");
    let crypt = (uuid, "CRYPT-LUKS2-x\n");
    assert_eq!(one(&partition("dm-1"), &[volume, below, crypt]), Some(true));
    let other = ("sys/block/dm-1/slaves/sdb1/", "");
    assert_eq!(
        one(&partition("dm-1"), &[volume, below, crypt, other]),
        Some(false)
    );
    let backing = "sys/block/zram0/backing_dev";
    assert_eq!(one(&partition("zram0"), &[(backing, "none\n")]), Some(true));
    assert_eq!(
        one(&partition("zram0"), &[(backing, "/dev/sda3\n")]),
        Some(false)
    );
    // A device that lies on itself ends.
    let itself = ("sys/block/dm-1/slaves/dm-1/", "");
    assert_eq!(one(&partition("dm-1"), &[volume, itself]), Some(false));
}
