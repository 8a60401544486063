/// The C libraries of the TCG software stack write whatever goes wrong to
/// standard error, and read once, when they start, whether they should. So the
/// program starts itself again with the setting, unless there is one: setting
/// the environment of a running process is unsafe. If that fails, the messages
/// are there, and that is all. A program that calls this library under another
/// name is not started again behind its back.
#[cfg(unix)]
pub(super) fn silence() {
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "TSS2_LOG";
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let name = program.file_stem().and_then(|name| name.to_str());
    if !matches!(name, Some("endorse" | "get-platform-identifier")) {
        return;
    }
    let mut args = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(called) = args.next() {
        command.arg0(called);
    }
    let _ = command.args(args).env(VARIABLE, "all+none").exec();
}

#[cfg(not(unix))]
pub(super) fn silence() {}
