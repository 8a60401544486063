//! Tests that cannot run say so by name: in the log that `make test` prints at its
//! end, and on standard output.

use std::io::Write as _;

/// Notes that `test` did not run, and why.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED {test} {reason}\n");
    print!("{line}");
    if let Some(log) = std::env::var_os("ENDORSE_SKIP_LOG") {
        let mut log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        // At once: several tests may write to it.
        log.write_all(line.as_bytes()).unwrap();
    }
}
