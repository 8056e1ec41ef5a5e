//! By which configuration and which property each broken variant is rejected.

use crate::flaws::Flaw;

/// What the model must say of a broken variant.
pub(crate) struct Rejected {
    pub(crate) flaw: Flaw,
    /// The name of the configuration that shows it.
    pub(crate) by: &'static str,
    /// Any of these is violated first: those with the shortest trace.
    pub(crate) properties: &'static [&'static str],
}

const fn rejected(flaw: Flaw, by: &'static str, properties: &'static [&'static str]) -> Rejected {
    Rejected { flaw, by, properties }
}

const A_SENDER: &str = "a sender and a subscriber who may leave, one instance";
const FIRST_WORDS: &str = "the first words of an agent";
const ONE_MESSAGE: &str = "one first message on two instances";
const FOLLOW_UP_ELSEWHERE: &str = "a follow-up elsewhere while the agent stays open";
const TWO_FOLLOW_UPS: &str = "two follow-ups at once";
const A_CRASH: &str = "a crash under a subscriber elsewhere";
const A_RESUME: &str = "a crash, and the agent begins again";
const A_FLOOD: &str = "an agent that says more than there is room for";
const JOIN_LATER: &str = "readers who join one after the other";
const TWO_CANCELS: &str = "two cancels from one instance";
const UNKNOWN_COMMIT: &str = "a commit of which nobody can say what became of it";
const UNKNOWN_RELEASE: &str = "a release of which nobody can say what became of it";

const AGENT_IN_THE_LOG: &[&str] =
    &["what an agent said is in the log in order, once", "what an agent said under its claim is in the log"];

/// All broken variants.
pub(crate) const ALL: &[Rejected] = &[
    rejected(
        Flaw::NobodyFollows,
        FOLLOW_UP_ELSEWHERE,
        &["while there is a reader, something is pending that will feed it"],
    ),
    rejected(Flaw::RepeatTakesOver, FIRST_WORDS, &["an instance has at most one agent that is heard"]),
    rejected(
        Flaw::LoserIsToldNothing,
        ONE_MESSAGE,
        &["no request is forgotten", "while a request waits, something is pending that will answer it"],
    ),
    rejected(Flaw::ReleaseNamesInstance, UNKNOWN_RELEASE, &["a task at work has an executor"]),
    rejected(
        Flaw::FollowUpStopsFirst,
        TWO_FOLLOW_UPS,
        &["an agent whose claim stands is stopped by nothing but a cancel, a limit or a shutdown"],
    ),
    rejected(
        Flaw::UnknownIsLost,
        UNKNOWN_COMMIT,
        &["a refused request has changed nothing", "whoever was too late with a message finds its task"],
    ),
    rejected(Flaw::UnknownIsRefused, UNKNOWN_COMMIT, &["a refused request has changed nothing"]),
    rejected(
        Flaw::ExpectsWhatIsThere,
        FOLLOW_UP_ELSEWHERE,
        &["an agent's commit expects its own last version"],
    ),
    rejected(
        Flaw::AppliedTooEarly,
        A_SENDER,
        &["nobody is told that a commit was applied which is not in the log"],
    ),
    rejected(Flaw::NoCompare, ONE_MESSAGE, &["versions have no holes"]),
    rejected(Flaw::OutputIsLost, A_SENDER, AGENT_IN_THE_LOG),
    rejected(Flaw::OutputIsRepeated, A_SENDER, AGENT_IN_THE_LOG),
    rejected(
        Flaw::AgentIsNotStopped,
        TWO_FOLLOW_UPS,
        &[
            "an agent that nobody hears is stopped",
            "an actor that is done has no agent",
            "an instance has at most one agent that is heard",
        ],
    ),
    rejected(
        Flaw::WatchersAreNeverFound,
        TWO_FOLLOW_UPS,
        &["an actor that is not done has something pending"],
    ),
    rejected(Flaw::AnswersTwice, A_SENDER, &["every request is answered once"]),
    rejected(
        Flaw::RemovedTooEarly,
        A_SENDER,
        &[
            "an actor that is done waits for nothing",
            "an actor that is done has no agent",
            "no request is forgotten",
            "whoever reads has an actor",
        ],
    ),
    rejected(Flaw::ClockStands, A_SENDER, &["a deadline that has come is dealt with"]),
    rejected(
        Flaw::DoesNotJoin,
        A_CRASH,
        &[
            "while there is a reader, something is pending that will feed it",
            "every stream sees the log's events in order, each once",
            "an actor that is not done has something pending",
            "a stream ends with the task, and not before",
            "where nothing goes wrong, readers are fed without the clock",
        ],
    ),
    rejected(Flaw::EndsWhileAtWork, A_SENDER, &["a task at work has an executor"]),
    rejected(Flaw::KeepsClaim, A_SENDER, &["where nothing goes wrong, a claim on record is its instance's"]),
    rejected(Flaw::SkipWakesNobody, JOIN_LATER, &["a stream is woken by whatever there is for it"]),
    rejected(
        Flaw::SecondIsNotAnswered,
        FIRST_WORDS,
        &["each request that waits is known to its actor", "no request is forgotten"],
    ),
    rejected(Flaw::AgentIsNotWoken, A_FLOOD, &["an agent that waits for room is woken once there is some"]),
    rejected(
        Flaw::WatcherIsForgotten,
        JOIN_LATER,
        &["where nothing goes wrong, readers are fed without the clock"],
    ),
    rejected(
        Flaw::FormerExecutorIsNotTold,
        TWO_FOLLOW_UPS,
        &["where nothing goes wrong, an agent that lost its task is stopped without the clock"],
    ),
    rejected(
        Flaw::CancelIsDropped,
        TWO_CANCELS,
        &["where nothing goes wrong, an agent hears of a cancel without the clock"],
    ),
    rejected(Flaw::TakesFromAnybody, A_RESUME, &["a task is taken over from whoever is gone"]),
];
