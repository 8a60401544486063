//! A TPM emulator of one's own for each test: its own ports, its own directory,
//! gone when the test is, even if the test process is killed.

#![allow(dead_code, reason = "each test crate uses its part")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// What the tests need, and how to get it.
const TOOLS: &[&str] = &[
    "swtpm",
    "swtpm_setup",
    "swtpm_localca",
    "tpm2_createek",
    "openssl",
];
const APT: &str = "apt-get install swtpm swtpm-tools tpm2-tools openssl";

/// Pairs of ports are taken from here on, below those that systems give away.
const FIRST_PORT: u32 = 20_000;
const PORT_PAIRS: u32 = 6_000;
static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Swtpm {
    dir: TempDir,
    port: u32,
    /// A shell whose standard input is a pipe from here. When that closes, because
    /// this is dropped or the process is gone, it stops the emulator.
    keeper: Child,
}

impl Swtpm {
    /// As it leaves the factory without certificates.
    pub(crate) fn bare() -> Self {
        require_tools();
        Self::start(
            state(),
            &["--tpm2", "--flags", "not-need-init,startup-clear"],
        )
    }

    /// One of the version before.
    pub(crate) fn version_1_2() -> Self {
        require_tools();
        Self::start(state(), &["--flags", "not-need-init"])
    }

    /// With certificates for RSA-2048 and P-384 from a CA of its own, both keys
    /// persistent, as swtpm_setup makes it.
    pub(crate) fn with_certificates(options: &[&str]) -> Self {
        require_tools();
        let dir = state();
        let ca = dir.path().join("ca");
        fs::create_dir(&ca).unwrap();
        let at = |name: &str| ca.join(name).display().to_string();
        write(
            &ca.join("localca.conf"),
            format!(
                "statedir = {}\nsigningkey = {}\nissuercert = {}\ncertserial = {}\n",
                ca.display(),
                at("signkey.pem"),
                at("issuercert.pem"),
                at("certserial")
            ),
        );
        write(
            &ca.join("localca.options"),
            "--platform-manufacturer Example\n--platform-version 1\n--platform-model Example\n",
        );
        write(
            &ca.join("setup.conf"),
            format!(
                "create_certs_tool = swtpm_localca\ncreate_certs_tool_config = {}\n\
                 create_certs_tool_options = {}\nactive_pcr_banks = sha256\n",
                at("localca.conf"),
                at("localca.options")
            ),
        );
        let mut setup = Command::new("swtpm_setup");
        setup
            .args(["--tpm2", "--create-ek-cert", "--vmid", "host"])
            .arg("--tpmstate")
            .arg(dir.path().join("state"))
            .arg("--config")
            .arg(ca.join("setup.conf"))
            .arg("--logfile")
            .arg(dir.path().join("setup.log"))
            .args(options);
        let output = setup.output().unwrap();
        let log = fs::read_to_string(dir.path().join("setup.log")).unwrap_or_default();
        assert!(output.status.success(), "{output:?}\n{log}");
        Self::start(dir, &["--tpm2", "--flags", "not-need-init,startup-clear"])
    }

    fn start(dir: TempDir, options: &[&str]) -> Self {
        loop {
            let offset = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() * 61;
            let port = FIRST_PORT + 2 * (offset % PORT_PAIRS);
            if let Some(keeper) = launch(dir.path(), port, options) {
                return Self { dir, port, keeper };
            }
        }
    }

    /// How to reach it.
    pub(crate) fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }

    /// A path in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a program of tpm2-tools in its directory. There is no resource manager,
    /// so that what it leaves loaded is flushed.
    pub(crate) fn tool(&self, words: &str) -> Output {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {output:?}");
        for kind in ["-t", "-l"] {
            let flushed = self.run(&format!("tpm2_flushcontext {kind}"));
            assert!(flushed.status.success(), "{flushed:?}");
        }
        output
    }

    pub(crate) fn run(&self, words: &str) -> Output {
        let mut words = words.split_whitespace();
        Command::new(words.next().unwrap())
            .args(words)
            .env("TPM2TOOLS_TCTI", self.tcti())
            .current_dir(self.dir.path())
            .output()
            .unwrap()
    }

    /// Writes `content` to a new NV index, as a manufacturer does.
    pub(crate) fn write_nv(&self, index: u32, content: &[u8], attributes: &str) {
        write(&self.path("nv"), content);
        self.tool(&format!(
            "tpm2_nvdefine {index:#x} -C p -s {} -a {attributes}",
            content.len()
        ));
        self.tool(&format!("tpm2_nvwrite {index:#x} -C p -i nv"));
    }

    /// A certificate for the key in the PEM file `key`, from a CA made for it.
    pub(crate) fn certificate_for(&self, key: &str) -> Vec<u8> {
        self.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout ca.key \
             -subj /CN=Example_EK_CA -days 3650 -out ca.pem",
        );
        write(
            &self.path("ek.ext"),
            "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=2.23.133.8.1\n",
        );
        self.openssl(&format!(
            "x509 -new -force_pubkey {key} -CA ca.pem -CAkey ca.key -subj /CN=example \
             -days 3650 -extfile ek.ext -outform DER -out ek.der"
        ));
        fs::read(self.path("ek.der")).unwrap()
    }

    pub(crate) fn openssl(&self, words: &str) {
        let output = Command::new("openssl")
            .args(words.split_whitespace())
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "openssl {words}: {output:?}");
    }

    /// Pulls the plug.
    pub(crate) fn kill(&self) {
        let pid = fs::read_to_string(self.path("pid")).unwrap();
        let killed = Command::new("kill")
            .args(["-KILL", pid.trim()])
            .status()
            .unwrap();
        assert!(killed.success());
        while !self.path("exited").exists() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Starts the emulator; `None` if one of the two ports is taken.
fn launch(dir: &Path, port: u32, options: &[&str]) -> Option<Child> {
    const KEEPER: &str = r#"
        dir=$1; shift
        ( "$@" </dev/null >"$dir/log" 2>&1; echo $? >"$dir/exited.new"
          mv "$dir/exited.new" "$dir/exited" ) &
        read -r _
        [ -e "$dir/exited" ] || kill "$(cat "$dir/pid")"
        wait"#;
    let (pid, exited) = (dir.join("pid"), dir.join("exited"));
    let _ = fs::remove_file(&exited);
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "sh"])
        .arg(dir)
        .args(["swtpm", "socket"])
        .args(options)
        .arg("--tpmstate")
        .arg(format!("dir={}", dir.join("state").display()))
        .args(["--server", &format!("type=tcp,port={port}")])
        .args(["--ctrl", &format!("type=tcp,port={}", port + 1)])
        .arg("--pid")
        .arg(format!("file={}", pid.display()))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // The file with the process id is written when the ports are open.
    while !pid.exists() && !exited.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    if !exited.exists() {
        return Some(keeper);
    }
    drop(keeper.stdin.take());
    let _ = keeper.wait();
    let log = fs::read_to_string(dir.join("log")).unwrap();
    assert!(
        log.contains("in use"),
        "swtpm does not start on port {port}: {log}"
    );
    None
}

fn state() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    // The emulator may run as another user than root.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(dir.path().join("state")).unwrap();
    dir
}

pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
}

/// These tests do not pass unless they ran.
fn require_tools() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for tool in TOOLS {
        let found = std::env::split_paths(&path).any(|dir| dir.join(tool).is_file());
        assert!(found, "{tool} is missing, which these tests need: {APT}");
    }
}
