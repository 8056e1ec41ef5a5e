//! The kinds of calls of a store that permissions tell apart.

/// What a permission allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Calls that only read.
    Read,
    /// Commits.
    Commit,
    /// Beats.
    Beat,
    /// All other calls that write.
    Write,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 4] = [Action::Read, Action::Commit, Action::Beat, Action::Write];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Commit => "commit",
            Action::Beat => "beat",
            Action::Write => "write",
        }
    }
}
