//! The `endorse` command: maps [`endorse::cli::run`] to an exit code.

use std::io::{BufWriter, IsTerminal as _};
use std::process::ExitCode;

use endorse::cli::{Streams, run};

#[allow(
    clippy::disallowed_methods,
    reason = "the program's own arguments are read here and nowhere else"
)]
fn main() -> ExitCode {
    let stdout = std::io::stdout();
    let stderr = std::io::stderr();
    let streams = Streams {
        stdout_is_terminal: stdout.is_terminal(),
        stderr_is_terminal: stderr.is_terminal(),
        stdin: &mut std::io::stdin().lock(),
        stdout: &mut BufWriter::new(stdout.lock()),
        stderr: &mut stderr.lock(),
    };
    run(std::env::args_os(), streams).into()
}
