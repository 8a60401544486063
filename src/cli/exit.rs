use std::process::ExitCode;

use crate::finding::{Error, Fault};

/// How a run ended. With many inputs the worst wins: [`Trouble`](Self::Trouble)
/// before [`Unreadable`](Self::Unreadable) before [`Rejected`](Self::Rejected)
/// before [`Done`](Self::Done).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub enum Exit {
    /// 0: everything was accepted or done.
    #[default]
    Done,
    /// 1: judged and rejected, or a check failed.
    Rejected,
    /// 2: usage, I/O, environment or internal trouble.
    Trouble,
    /// 3: an input could not be read as what it should be.
    Unreadable,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Rejected => 1,
            Self::Trouble => 2,
            Self::Unreadable => 3,
        }
    }

    /// The worse of two.
    pub fn and(self, other: Self) -> Self {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Rejected => 1,
            Self::Unreadable => 2,
            Self::Trouble => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error.fault {
            Fault::Malformed => Self::Unreadable,
            // With a code it is about an input, else about what this build lacks.
            Fault::Unsupported if error.code.is_some() => Self::Unreadable,
            Fault::Rejected => Self::Rejected,
            Fault::Unsupported | Fault::Misuse | Fault::Environment => Self::Trouble,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{Done, Rejected, Trouble, Unreadable};

    #[test]
    fn the_worst_wins_in_the_order_2_3_1_0() {
        let worst_first = [Trouble, Unreadable, Rejected, Done];
        for (i, worse) in worst_first.iter().enumerate() {
            for better in &worst_first[i..] {
                assert_eq!(worse.and(*better), *worse);
                assert_eq!(better.and(*worse), *worse);
            }
        }
        assert_eq!(worst_first.map(super::Exit::code), [2, 3, 1, 0]);
    }
}
