//! What a janitor may do in one pass.

use std::time::Duration;

/// The limits of a [`Janitor`](crate::Janitor)'s passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub(crate) orphan_age: Duration,
    pub(crate) at_most: usize,
    pub(crate) dry_run: bool,
    pub(crate) of_the_dead: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { orphan_age: Duration::from_secs(3600), at_most: 20, dry_run: false, of_the_dead: false }
    }
}

impl Rules {
    /// Sets how old a queue must be that no membership record knows; by default one hour. Much longer than an
    /// instance takes from making its queue to its first beat.
    #[must_use]
    pub fn orphan_age(mut self, age: Duration) -> Self {
        self.orphan_age = age;
        self
    }

    /// Sets of how many instances one pass removes the resources; by default 20.
    #[must_use]
    pub fn at_most(mut self, instances: usize) -> Self {
        self.at_most = instances;
        self
    }

    /// Only tells what a pass would remove.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Also removes orphans when no member is alive. Without it a pass that sees nobody alive takes that for
    /// its own mistake, such as a wrong table. For an operator who removes a whole deployment.
    #[must_use]
    pub fn when_nobody_is_alive(mut self, remove: bool) -> Self {
        self.of_the_dead = remove;
        self
    }
}
