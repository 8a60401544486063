use std::fs::{File, TryLockError};
use std::thread;
use std::time::Duration;

use super::Directory;
use super::layout::LOCK;
use crate::finding::Error;

/// How long a change waits for another to end. One takes less than a second; a program that
/// was stopped (SIGSTOP, a debugger) never ends, and this must not hang with it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long it waits between two looks.
const STEP: Duration = Duration::from_millis(50);

impl Directory {
    /// The same store; a change waits this long for another program's to end, instead of a
    /// minute.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Keeps other programs from changing the store, until the file is closed.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let path = self.path.join(LOCK);
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|error| self.unwritable(&path, &error))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(self.unwritable(&path, &error)),
                Err(TryLockError::WouldBlock) if waited >= self.patience => {
                    return Err(Error::environment(
                        format!(
                            "another program is changing the store {}, and has not ended for {} \
                             seconds",
                            self.shown(),
                            self.patience.as_secs()
                        ),
                        "see which program has the file .lock in it open ('fuser', 'lsof') and why \
                         it does not end, and try again; this change was not made",
                    ));
                }
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(STEP);
                    waited = waited.saturating_add(STEP);
                }
            }
        }
    }
}
