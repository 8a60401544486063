use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::str::FromStr as _;

use tss_esapi::TctiNameConf;

use super::SYSTEM_ROOT;
use crate::finding::Error;

const FORMS: &str = "give one of: device:/dev/tpmrm0 (the kernel's resource manager), \
     device:/dev/tpm0, swtpm:host=127.0.0.1,port=2321, mssim:host=127.0.0.1,port=2321, \
     tabrmd (or tabrmd:bus_name=NAME,bus_type=system)";

/// Reads how to reach a TPM, in the notation of the TCG software stack.
///
/// tss-esapi ignores keys that it does not know and then takes the defaults, which
/// might be another TPM than the one that was meant; so they are looked at here.
pub(super) fn parse(text: &str) -> Result<TctiNameConf, Error> {
    let (kind, settings) = text.split_once(':').unwrap_or((text, ""));
    let keys: &[&str] = match kind {
        "device" => {
            let path = if settings.is_empty() {
                "/dev/tpmrm0"
            } else {
                settings
            };
            return convert(&format!("device:{path}"), text);
        }
        "swtpm" | "mssim" => &["host", "port"],
        "tabrmd" => &["bus_name", "bus_type"],
        _ => {
            return Err(Error::misuse(
                format!("'{text}' names no way to reach a TPM that is known here"),
                FORMS,
            ));
        }
    };
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let key = setting.split_once('=').map(|(key, _)| key);
        match key {
            Some(key) if keys.contains(&key) => {}
            Some("path") => {
                return Err(Error::misuse(
                    format!("'{text}': a Unix socket cannot be used to reach {kind}"),
                    format!(
                        "start it with a TCP socket (swtpm socket --server type=tcp,port=2321 \
                         --ctrl type=tcp,port=2322) and give {kind}:host=127.0.0.1,port=2321"
                    ),
                ));
            }
            _ => {
                return Err(Error::misuse(
                    format!("'{setting}' in '{text}' is no setting of {kind}"),
                    FORMS,
                ));
            }
        }
    }
    convert(text, text)
}

fn convert(text: &str, given: &str) -> Result<TctiNameConf, Error> {
    TctiNameConf::from_str(text).map_err(|_| {
        Error::misuse(
            format!("'{given}' has a setting that cannot be read"),
            FORMS,
        )
    })
}

/// Opens and closes the device that `tcti` names, if it names one: unlike the
/// software stack, the system says why it cannot be opened.
pub(super) fn check_device(tcti: &str) -> Result<(), Error> {
    let Some(path) = tcti.strip_prefix("device") else {
        return Ok(());
    };
    let path = match path.trim_start_matches(':') {
        "" => "/dev/tpmrm0",
        path => path,
    };
    let path = Path::new(path);
    match fs::metadata(path) {
        Ok(there) if !there.file_type().is_char_device() => Err(Error::environment(
            format!("{} is no TPM: it is no character device", path.display()),
            FORMS,
        )),
        Ok(_) => match OpenOptions::new().read(true).write(true).open(path) {
            Ok(_) => Ok(()),
            Err(error) => Err(trouble(path, &error, Path::new(SYSTEM_ROOT))),
        },
        Err(error) => Err(trouble(path, &error, Path::new(SYSTEM_ROOT))),
    }
}

/// Why a device cannot be opened, and what to do about it.
fn trouble(path: &Path, error: &io::Error, root: &Path) -> Error {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound if has_tpm_1_2(root) => Error::environment(
            format!("there is no {shown}: the TPM of this machine is version 1.2"),
            "a TPM 2.0 is needed; some machines can switch theirs in the firmware setup or \
             by a firmware update",
        ),
        io::ErrorKind::NotFound => Error::environment(
            format!("there is no {shown}: the system has found no TPM"),
            "enable it in the firmware setup (Security Device, Intel PTT, AMD fTPM); in a \
             virtual machine give it a virtual TPM, in a container pass the device on",
        ),
        io::ErrorKind::PermissionDenied => Error::environment(
            format!("no permission to open {shown}"),
            "run it as root, or as a member of the group tss: usermod -aG tss USER, then log \
             in again",
        ),
        io::ErrorKind::ResourceBusy => Error::environment(
            format!("{shown} is in use by another program"),
            "use device:/dev/tpmrm0, which several programs can share; if tpm2-abrmd runs, \
             use tabrmd",
        ),
        _ => Error::environment(
            format!("{shown} cannot be opened: {error}"),
            "see what the kernel says of it: dmesg | grep -i tpm",
        ),
    }
}

fn has_tpm_1_2(root: &Path) -> bool {
    let fact = |file: &str| fs::read_to_string(root.join("sys/class/tpm/tpm0").join(file));
    // Before Linux 5.6 there is no version, but TPMs of version 1.2 list their capabilities.
    fact("tpm_version_major").is_ok_and(|version| version.trim() == "1")
        || fact("device/caps").is_ok_and(|caps| caps.contains("TCG version: 1.2"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Fault;

    #[test]
    fn the_known_forms_are_taken() {
        for text in [
            "device",
            "device:/dev/tpm0",
            "swtpm",
            "swtpm:host=127.0.0.1,port=2321",
            "swtpm:port=2321",
            "mssim:host=localhost",
            "tabrmd",
            "tabrmd:bus_name=com.intel.tss2.Tabrmd,bus_type=session",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        assert_eq!(
            parse("device").unwrap(),
            parse("device:/dev/tpmrm0").unwrap()
        );
    }

    #[test]
    fn others_are_refused_with_the_forms() {
        for text in [
            "",
            "tpm0",
            "/dev/tpmrm0",
            "swtpm:port=many",
            "swtpm:path=/run/swtpm.sock",
            "swtpm:prot=2321",
            "swtpm:2321",
            "mssim:host=a b",
            "tabrmd:bus_type=none",
            "cmd:tpm2_send",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.fault, Fault::Misuse, "{text}");
            assert!(error.help.contains("host=127.0.0.1,port=2321"), "{text}");
        }
    }

    #[test]
    fn each_trouble_has_its_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = Path::new("/dev/tpmrm0");
        let help = |kind: io::ErrorKind| trouble(path, &io::Error::from(kind), dir.path()).help;
        assert!(help(io::ErrorKind::PermissionDenied).contains("usermod -aG tss"));
        assert!(help(io::ErrorKind::ResourceBusy).contains("tabrmd"));
        assert!(help(io::ErrorKind::NotFound).contains("firmware setup"));
        assert!(help(io::ErrorKind::Other).contains("dmesg"));
        fs::create_dir_all(dir.path().join("sys/class/tpm/tpm0")).unwrap();
        fs::write(
            dir.path().join("sys/class/tpm/tpm0/tpm_version_major"),
            "1\n",
        )
        .unwrap();
        let error = trouble(path, &io::ErrorKind::NotFound.into(), dir.path());
        assert!(error.message.contains("version 1.2"), "{error}");
        // As older kernels say it.
        let older = tempfile::tempdir().unwrap();
        let device = older.path().join("sys/class/tpm/tpm0/device");
        fs::create_dir_all(&device).unwrap();
        fs::write(
            device.join("caps"),
            "Manufacturer: 0x49465800\nTCG version: 1.2\nFirmware version: 4.32\n",
        )
        .unwrap();
        let error = trouble(path, &io::ErrorKind::NotFound.into(), older.path());
        assert!(error.message.contains("version 1.2"), "{error}");
    }

    #[test]
    fn a_file_is_no_tpm() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = check_device(&format!("device:{}", file.path().display())).unwrap_err();
        assert!(error.message.contains("no character device"), "{error}");
        assert!(check_device("swtpm:port=1").is_ok());
    }
}
