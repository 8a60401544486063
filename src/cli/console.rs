use std::fmt;
use std::io::{self, Read, Write};

use crate::finding::{Error, escape};

/// The three standard streams of a run.
pub struct Streams<'a> {
    /// Read for the input `-`.
    pub stdin: &'a mut dyn Read,
    /// Results.
    pub stdout: &'a mut dyn Write,
    /// Errors and notes.
    pub stderr: &'a mut dyn Write,
    /// Whether colour makes sense on standard output.
    pub stdout_is_terminal: bool,
    /// Whether colour makes sense on standard error.
    pub stderr_is_terminal: bool,
}

impl fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("stdout_is_terminal", &self.stdout_is_terminal)
            .field("stderr_is_terminal", &self.stderr_is_terminal)
            .finish_non_exhaustive()
    }
}

/// What is said, and how loudly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// One JSON document on standard output, and nothing else there.
    pub(super) json: bool,
    /// More.
    pub(super) verbose: bool,
    /// Only errors.
    pub(super) quiet: bool,
}

/// The streams with the manner in which this run speaks.
///
/// Writing does not fail where it happens: a reader that went away (`| head`) is
/// no error, and every input is processed whether anybody reads of it or not. Any
/// other failure is kept and ends the run with exit code 2.
pub(super) struct Console<'a> {
    streams: Streams<'a>,
    pub(super) manner: Manner,
    no_color: bool,
    broken: Option<io::Error>,
}

/// The colours used. They only ever repeat what the words say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    Good,
    Bad,
    Careful,
    Strong,
}

impl Paint {
    /// `text` in this colour, or as it is.
    pub(super) fn on(self, color: bool, text: &str) -> String {
        if !color {
            return text.to_owned();
        }
        let code = match self {
            Self::Good => "1;32",
            Self::Bad => "1;31",
            Self::Careful => "1;33",
            Self::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl<'a> Console<'a> {
    pub(super) fn new(streams: Streams<'a>, no_color: bool) -> Self {
        Self {
            streams,
            manner: Manner::default(),
            no_color,
            broken: None,
        }
    }

    pub(super) fn stdin(&mut self) -> &mut dyn Read {
        self.streams.stdin
    }

    /// Whether standard output takes colour.
    pub(super) fn color(&self) -> bool {
        self.streams.stdout_is_terminal && !self.no_color
    }

    /// Whether standard error takes colour.
    pub(super) fn error_color(&self) -> bool {
        self.streams.stderr_is_terminal && !self.no_color
    }

    /// A result, to standard output as it is.
    pub(super) fn print(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// The same for a result that is no text.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.broken = self.streams.stdout.write_all(bytes).err();
        }
    }

    /// An error: what failed, then what to do next.
    pub(super) fn error(&mut self, error: &Error) {
        let word = Paint::Bad.on(self.error_color(), "error:");
        self.complain(&format!("{word} {}\n", escape(&error.to_string())));
        if !error.help.is_empty() {
            self.complain(&format!("help: {}\n", escape(&error.help)));
        }
    }

    /// Something that is said even to those who want to hear of errors only.
    pub(super) fn warn(&mut self, text: &str) {
        let word = Paint::Careful.on(self.error_color(), "warning:");
        self.complain(&format!("{word} {}\n", escape(text)));
    }

    /// Something an operator would want to know; not an error.
    pub(super) fn note(&mut self, text: &str) {
        if !self.manner.quiet {
            self.complain(&format!("note: {}\n", escape(text)));
        }
    }

    /// Something worth saying only when asked for more.
    pub(super) fn detail(&mut self, text: &str) {
        if self.manner.verbose {
            self.complain(&format!("note: {}\n", escape(text)));
        }
    }

    /// To standard error as it is, after what was printed before. There is nowhere to
    /// report that this fails.
    pub(super) fn complain(&mut self, text: &str) {
        if self.broken.is_none() {
            self.broken = self.streams.stdout.flush().err();
        }
        let _ = self.streams.stderr.write_all(text.as_bytes());
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The first failure of standard output, unless its reader went away.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let result = match self.broken.take() {
            Some(error) => Err(error),
            None => self.streams.stdout.flush(),
        };
        match result {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let error = Error::environment(
                    format!("cannot write to standard output: {error}"),
                    "see that its disk has room; what was done before is done",
                );
                self.error(&error);
                Err(error)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a run leaves on standard error if it does this and standard output
    /// behaves like that.
    fn run(stdout: &mut dyn Write, act: impl FnOnce(&mut Console<'_>)) -> (bool, String) {
        let mut stdin = io::empty();
        let mut stderr = Vec::new();
        let mut console = Console::new(
            Streams {
                stdin: &mut stdin,
                stdout,
                stderr: &mut stderr,
                stdout_is_terminal: false,
                stderr_is_terminal: false,
            },
            false,
        );
        act(&mut console);
        let good = console.finish().is_ok();
        (good, String::from_utf8(stderr).unwrap())
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let gone = run(&mut Failing(io::ErrorKind::BrokenPipe), |console| {
            console.print("result");
        });
        assert_eq!(gone, (true, String::new()));
        let (good, text) = run(&mut Failing(io::ErrorKind::StorageFull), |console| {
            console.print("result");
        });
        assert!(!good);
        assert!(text.starts_with("error: cannot write to standard output"));
        assert!(text.contains("\nhelp: "));
    }

    #[test]
    fn errors_escape_what_came_from_the_input() {
        let (_, text) = run(&mut io::sink(), |console| {
            console.error(&Error::misuse("a\x1b[2Jb\nc", "d\u{202e}e"));
        });
        assert_eq!(text, "error: a\\u{1b}[2Jb\\u{a}c\nhelp: d\\u{202e}e\n");
    }
}
