use super::{Definition, Role, Set};

/// How one diagnostic ended. The order is that of weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// There is nothing here that it could be about.
    NotApplicable,
    /// Looked at and right.
    Pass,
    /// Somebody should look: against a recommendation, or it could not be found out.
    Warn,
    /// Wrong.
    Fail,
}

impl Status {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One step towards a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Something to do or to know.
    Do(String),
    /// A command to run in an elevated PowerShell on the machine in question. It is shown and
    /// never run.
    PowerShell(String),
    /// A command for a POSIX shell.
    Sh(String),
}

/// What one diagnostic found at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What was looked at.
    pub definition: &'static Definition,
    /// How it ended.
    pub status: Status,
    /// What was seen. May hold text from the input, unescaped.
    pub evidence: Vec<String>,
    /// What to do, in order. Empty only if it passed or does not apply.
    pub remedy: Vec<Remedy>,
}

impl Diagnostic {
    /// It passed.
    pub fn pass(definition: &'static Definition, evidence: impl Into<String>) -> Self {
        Self::new(definition, Status::Pass, evidence)
    }

    /// It does not apply, for this reason.
    pub fn not_applicable(definition: &'static Definition, evidence: impl Into<String>) -> Self {
        Self::new(definition, Status::NotApplicable, evidence)
    }

    /// Somebody should look.
    pub fn warn(definition: &'static Definition, evidence: impl Into<String>) -> Self {
        Self::new(definition, Status::Warn, evidence)
    }

    /// It failed.
    pub fn fail(definition: &'static Definition, evidence: impl Into<String>) -> Self {
        Self::new(definition, Status::Fail, evidence)
    }

    /// The same with one more thing that was seen.
    pub fn seen(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// The same with one more thing to do.
    pub fn then(mut self, step: impl Into<String>) -> Self {
        self.remedy.push(Remedy::Do(step.into()));
        self
    }

    /// The same with one more command for PowerShell. Quote what was not written here with
    /// [`powershell_quoted`](super::powershell_quoted).
    pub fn powershell(mut self, line: impl Into<String>) -> Self {
        self.remedy.push(Remedy::PowerShell(line.into()));
        self
    }

    /// The same with one more command for a POSIX shell. Quote what was not written here with
    /// [`sh_quoted`](super::sh_quoted).
    pub fn sh(mut self, line: impl Into<String>) -> Self {
        self.remedy.push(Remedy::Sh(line.into()));
        self
    }

    fn new(definition: &'static Definition, status: Status, evidence: impl Into<String>) -> Self {
        Self {
            definition,
            status,
            evidence: vec![evidence.into()],
            remedy: Vec::new(),
        }
    }
}

/// The diagnostics of one set at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetReport {
    /// The set.
    pub set: Set,
    /// Its diagnostics, in the order in which they were made.
    pub diagnostics: Vec<Diagnostic>,
}

/// All that was found at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetReport {
    /// The name of the target.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Where what was seen of it comes from.
    pub source: String,
    /// The sets with at least one diagnostic.
    pub sets: Vec<SetReport>,
}

/// The whole tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The targets, in the order in which they were given.
    pub targets: Vec<TargetReport>,
}

/// How many diagnostics ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wrong.
    pub fail: usize,
    /// Somebody should look.
    pub warn: usize,
    /// Right.
    pub pass: usize,
    /// There was nothing that they could be about.
    pub not_applicable: usize,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> usize {
        [self.fail, self.warn, self.pass, self.not_applicable]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    fn of<'a>(diagnostics: impl Iterator<Item = &'a Diagnostic>) -> Self {
        let mut counts = Self::default();
        for one in diagnostics {
            let count = match one.status {
                Status::Fail => &mut counts.fail,
                Status::Warn => &mut counts.warn,
                Status::Pass => &mut counts.pass,
                Status::NotApplicable => &mut counts.not_applicable,
            };
            *count = count.saturating_add(1);
        }
        counts
    }
}

impl SetReport {
    /// The heaviest status of its diagnostics.
    pub fn status(&self) -> Status {
        worst(self.diagnostics.iter().map(|one| one.status))
    }
}

impl TargetReport {
    /// The heaviest status of its sets.
    pub fn status(&self) -> Status {
        worst(self.sets.iter().map(SetReport::status))
    }

    /// How its diagnostics ended.
    pub fn counts(&self) -> Counts {
        Counts::of(self.diagnostics())
    }

    fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.sets.iter().flat_map(|set| &set.diagnostics)
    }
}

impl Report {
    /// The heaviest status of its targets.
    pub fn status(&self) -> Status {
        worst(self.targets.iter().map(TargetReport::status))
    }

    /// How its diagnostics ended.
    pub fn counts(&self) -> Counts {
        Counts::of(self.targets.iter().flat_map(TargetReport::diagnostics))
    }
}

fn worst(all: impl Iterator<Item = Status>) -> Status {
    all.max().unwrap_or(Status::NotApplicable)
}
