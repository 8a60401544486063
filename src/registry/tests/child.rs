//! This test program, run again as a process of its own: to be killed, to run
//! into limits, or to run without privileges.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use super::*;

const ROLE: &str = "ENDORSE_TEST_ROLE";
const PATH: &str = "ENDORSE_TEST_PATH";
const NOBODY: u32 = 65534;

/// Starts this program in `role` and gives its output, line by line.
pub(super) fn start(
    mut command: Command,
    role: &str,
    path: &Path,
) -> (Child, impl Iterator<Item = String>) {
    command
        .args([
            "registry::tests::child::run",
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, role)
        .env(PATH, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines.map_while(Result::ok))
}

/// This program.
pub(super) fn this() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// This program under a limit on the size of files, in units of 512 octets, with
/// the signal for passing it ignored.
pub(super) fn limited(units: usize) -> Command {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("trap '' XFSZ; ulimit -f {units} || exit 9; exec \"$0\" \"$@\""),
    ]);
    command.arg(std::env::current_exe().unwrap());
    command
}

/// Runs `role` to its end without privileges; it must succeed.
pub(super) fn unprivileged(role: &str, path: &Path) {
    let place = tempfile::tempdir().unwrap();
    // Whoever made the directory owns it.
    let root = fs::metadata(place.path()).unwrap().uid() == 0;
    let command = if root {
        // The program may lie where only root can reach it.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = place.path().join("tests");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(copy);
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        command
    } else {
        this()
    };
    finish(command, role, path);
}

/// Runs `role` to its end; it must succeed.
pub(super) fn finish(command: Command, role: &str, path: &Path) {
    let (mut child, lines) = start(command, role, path);
    let output: Vec<String> = lines.collect();
    let status = child.wait().unwrap();
    // Not only that it did not fail: that it did run.
    let ran = output.iter().any(|line| line == &format!("done {role}"));
    assert!(
        status.success() && ran,
        "{role}: {status}\n{}",
        output.join("\n")
    );
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn run() {
    let role = std::env::var(ROLE).unwrap();
    let path = PathBuf::from(std::env::var_os(PATH).unwrap());
    println!();
    match role.as_str() {
        "no_writing" => file::no_writing(&path),
        "no_undoing" => file::no_undoing(&path),
        "write_for_ever" => crowd::write_for_ever(&path),
        "fill" => crowd::fill(&path),
        "fifty" => crowd::fifty(&path),
        _ => panic!("no role {role}"),
    }
    println!("done {role}");
}
