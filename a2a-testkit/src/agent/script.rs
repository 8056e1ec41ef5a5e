//! What an agent is told to do, as values; [`Script`] renders to the text of a message.

use std::time::Duration;

use a2a::TaskState;

use super::text::Text;

/// The steps of a turn, and those of the cancel that may end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub(super) turn: Vec<Step>,
    pub(super) cancel: Vec<Step>,
}

/// One thing that an agent does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Shows a state.
    Show(TaskState),
    /// Adds a text to its artifact.
    Say(String),
    /// Adds chunks at once.
    Burst {
        /// How many.
        chunks: usize,
        /// What each of them says.
        text: Text,
    },
    /// Adds chunks, with a pause before each.
    Talk {
        /// How many; `None` is for ever.
        chunks: Option<usize>,
        /// Before each of them; zero lets others run.
        pause: Duration,
        /// What each of them says.
        text: Text,
    },
    /// Adds chunks by the clock: the first at once, and those that are late catch up.
    Tick {
        /// How many.
        chunks: usize,
        /// From one to the next.
        every: Duration,
        /// What each of them says.
        text: Text,
    },
    /// Adds numbers, but for those that an attempt before has added.
    Count {
        /// The first.
        from: usize,
        /// Where it ends; this one is not said.
        to: usize,
        /// Before each of them.
        pause: Duration,
    },
    /// Adds data that is nested so deep.
    Data(usize),
    /// Adds what the agent knows of its caller and its turn.
    Who,
    /// Shows the whole task, with one more part each time.
    ShowTask {
        /// How often.
        times: usize,
        /// Before each of them.
        pause: Duration,
    },
    /// Answers with a bare message.
    Message(String),
    /// Answers with a bare message of data that is nested so deep.
    Deep(usize),
    /// Shows a state of a task that is another's.
    Stray,
    /// Is silent for so long.
    Sleep(Duration),
    /// Is silent for ever.
    Hang,
    /// Is silent until the latch of this name is open.
    Latch(String),
    /// Keeps its thread busy for so long.
    Block(Duration),
    /// Keeps its thread busy for so long, where the turn was not resumed.
    BlockOnce(Duration),
    /// Keeps its thread busy for so long, where the turn was resumed.
    BlockAgain(Duration),
    /// Keeps its thread busy until the latch of this name is open.
    BlockAt(String),
    /// Panics, with this text where it is not empty.
    Panic(String),
    /// Panics with something that panics when it is dropped.
    PanicNastily,
    /// Panics when it is dropped, from here on.
    Bomb,
    /// As the first step: panics before there is a stream.
    PanicInCall,
    /// Fails with an internal error.
    Error(String),
    /// Fails with the error that it does not do this.
    Unsupported(String),
    /// Refuses to cancel.
    Refuse,
}

impl Step {
    /// Whether it adds to the artifact.
    pub(super) fn says(&self) -> bool {
        use Step::{Burst, Count, Data, Say, Talk, Tick, Who};
        matches!(self, Say(_) | Burst { .. } | Talk { .. } | Tick { .. } | Count { .. } | Data(_) | Who)
    }
}

impl Default for Script {
    /// Does nothing, and cancels when it is asked to.
    fn default() -> Self {
        Script { turn: Vec::new(), cancel: vec![Step::Show(TaskState::Canceled)] }
    }
}

impl Script {
    /// Begins with nothing.
    pub fn new() -> Self {
        Script::default()
    }

    /// Adds a step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.turn.push(step);
        self
    }

    /// Says what a cancel does, instead of cancelling.
    #[must_use]
    pub fn on_cancel(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.cancel = steps.into_iter().collect();
        self
    }

    /// Shows that the task is being worked on.
    #[must_use]
    pub fn work(self) -> Self {
        self.then(Step::Show(TaskState::Working))
    }

    /// Completes the task.
    #[must_use]
    pub fn done(self) -> Self {
        self.then(Step::Show(TaskState::Completed))
    }

    /// Waits until a latch is open.
    #[must_use]
    pub fn latch(self, name: impl Into<String>) -> Self {
        self.then(Step::Latch(name.into()))
    }

    /// Adds chunks at once.
    #[must_use]
    pub fn burst(self, chunks: usize, text: Text) -> Self {
        self.then(Step::Burst { chunks, text })
    }

    /// Adds chunks, with a pause before each.
    #[must_use]
    pub fn talk(self, chunks: usize, pause: Duration, text: Text) -> Self {
        self.then(Step::Talk { chunks: Some(chunks), pause, text })
    }

    /// Adds chunks by the clock.
    #[must_use]
    pub fn tick(self, chunks: usize, every: Duration, text: Text) -> Self {
        self.then(Step::Tick { chunks, every, text })
    }

    /// The steps of the turn.
    pub fn into_steps(self) -> Vec<Step> {
        self.turn
    }
}
