//! The `endorse` command: maps [`endorse::cli::run`] to an exit code.

use std::io::{BufWriter, IsTerminal as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use endorse::cli::{Exit, Streams, run};

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
    // A panic is a fault of the program, which the contract gives exit code 2; the
    // hook has told of it by then.
    catch_unwind(AssertUnwindSafe(|| run(std::env::args_os(), streams)))
        .unwrap_or(Exit::Trouble)
        .into()
}
