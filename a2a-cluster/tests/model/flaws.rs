//! Broken variants of the core and its shell, each of which the model must reject by the name of a property.
//!
//! Each has the symptom of a fault that was there once, or could be: what the core is told, or what it wants, is
//! altered on the way.

use a2a_core::{ClaimChange, News, Version};

use crate::core::{Effect, Input, Reply, Written};
use crate::names::instance;
use crate::world::{Client, Doing, Stage, World};

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// Nobody follows for the readers that a run has left behind.
    NobodyFollows,
    /// A message that is repeated takes the place of the run that it began.
    RepeatTakesOver,
    /// Whoever lost a race to create a task is told nothing.
    LoserIsToldNothing,
    /// A release ends whatever claim its instance has.
    ReleaseNamesInstance,
    /// A follow-up stops the agent before its claim is known.
    FollowUpStopsFirst,
    /// An unknown outcome is told as a lost race.
    UnknownIsLost,
    /// An unknown outcome is told as a refusal.
    UnknownIsRefused,
    /// An agent's commit expects whatever version there is.
    ExpectsWhatIsThere,
    /// A commit is taken for applied before it is.
    AppliedTooEarly,
    /// The store does not compare.
    NoCompare,
    /// One thing that an agent said is lost on the way.
    OutputIsLost,
    /// What an agent said is heard twice.
    OutputIsRepeated,
    /// An agent that has lost its task is not stopped.
    AgentIsNotStopped,
    /// Nobody answers who watches.
    WatchersAreNeverFound,
    /// Who waits is answered twice.
    AnswersTwice,
    /// An actor is removed while it still has something to do.
    RemovedTooEarly,
    /// Deadlines come, and the actor is told nothing of it.
    ClockStands,
    /// A stream that opens does not say that it has joined.
    DoesNotJoin,
    /// A claim ends although the task is at work.
    EndsWhileAtWork,
    /// A claim is kept although the turn is over.
    KeepsClaim,
    /// Streams are not woken where the ring skips what somebody else has seen already.
    SkipWakesNobody,
    /// The second of those who wait for one answer gets none.
    SecondIsNotAnswered,
    /// An agent that waits for room is not woken.
    AgentIsNotWoken,
    /// An executor does not hear who watches.
    WatcherIsForgotten,
    /// Whoever had the task is not told that somebody else has it.
    FormerExecutorIsNotTold,
    /// An executor does not hear of a cancel.
    CancelIsDropped,
    /// A take-over does not look who has the task.
    TakesFromAnybody,
}

/// Whether a ring may go past commits that it lacks when its actor is told this.
pub(crate) fn may_skip(input: &Input) -> bool {
    matches!(input, Input::Joined { .. } | Input::Attended(_) | Input::News { news: News::Watch { .. }, .. })
}

/// What an actor is told in the place of an input.
pub(crate) fn inputs(world: &mut World, node: usize, input: Input) -> Vec<Input> {
    match (world.config.flaw, input) {
        (Some(Flaw::RepeatTakesOver), Input::Begin(first)) => {
            world.node_mut(node).actor = None;
            vec![Input::Begin(first)]
        }
        (Some(Flaw::UnknownIsLost), Input::Written { record, outcome: Written::Unknown }) => {
            vec![Input::Written { record, outcome: Written::Lost }]
        }
        (Some(Flaw::OutputIsLost), Input::Said(_, outputs)) if outputs.len() == 1 && lost(world, node) => {
            vec![]
        }
        (Some(Flaw::OutputIsRepeated), Input::Said(agent, outputs)) => {
            vec![Input::Said(agent, outputs.clone()), Input::Said(agent, outputs)]
        }
        (Some(Flaw::ClockStands), Input::Tick)
        | (Some(Flaw::WatcherIsForgotten), Input::News { news: News::Watch { .. }, .. })
        | (Some(Flaw::CancelIsDropped), Input::News { news: News::Cancel(..), .. }) => vec![],
        (Some(Flaw::DoesNotJoin), Input::Joined { .. }) => vec![],
        (Some(Flaw::TakesFromAnybody), Input::Loaded(Ok(Some((mut stored, pending)))))
            if world.node(node).takes_over =>
        {
            let gone = world.store.members.iter().position(|member| member.is_final());
            if let (Some(claim), Some(gone)) = (&mut stored.head.claim, gone) {
                claim.instance = instance(gone);
            }
            vec![Input::Loaded(Ok(Some((stored, pending))))]
        }
        (_, input) => vec![input],
    }
}

fn subscribes(world: &World, node: usize) -> bool {
    let reads = |client: &Client| client.stage == Stage::Reading && World::reads_on(client.wants);
    world.clients.iter().any(|client| client.node == node && reads(client))
}

fn lost(world: &World, node: usize) -> bool {
    world.node(node).agents.iter().any(|agent| agent.doing == Doing::Running && agent.said == 1)
}

/// What is done in the place of what an actor wants.
pub(crate) fn effects(world: &World, node: usize, skips: bool, mut effects: Vec<Effect>) -> Vec<Effect> {
    let Some(flaw) = world.config.flaw else { return effects };
    if flaw == Flaw::SkipWakesNobody && skips {
        effects.retain(|effect| !matches!(effect, Effect::WakeReaders));
    }
    if flaw == Flaw::SecondIsNotAnswered {
        let mut answered = false;
        effects
            .retain(|effect| !matches!(effect, Effect::Reply(..)) || !std::mem::replace(&mut answered, true));
    }
    effects.into_iter().flat_map(|effect| altered(flaw, world, node, effect)).collect()
}

fn altered(flaw: Flaw, world: &World, node: usize, effect: Effect) -> Vec<Effect> {
    match (flaw, effect) {
        (Flaw::NobodyFollows, Effect::Watch) if subscribes(world, node) => vec![],
        (Flaw::AgentIsNotStopped, Effect::StopAgent(_))
        | (Flaw::WatchersAreNeverFound, Effect::ReadWatchers(_))
        | (Flaw::LoserIsToldNothing, Effect::Reply(_, Reply::Lost(_))) => vec![],
        (Flaw::AgentIsNotWoken, Effect::WakeAgent)
        | (Flaw::FormerExecutorIsNotTold, Effect::Hint(_, News::Configs)) => vec![],
        (Flaw::FormerExecutorIsNotTold, Effect::Send { mut to, news, first }) => {
            to.retain(|recipient| world.store.watchers.contains(&recipient.instance));
            vec![Effect::Send { to, news, first }]
        }
        (Flaw::KeepsClaim, Effect::Commit(mut call)) if call.claim == ClaimChange::End => {
            call.claim = ClaimChange::Keep;
            vec![Effect::Commit(call)]
        }
        (Flaw::UnknownIsRefused, Effect::Reply(ticket, Reply::Unknown)) => {
            vec![Effect::Reply(ticket, Reply::Stale)]
        }
        (Flaw::AnswersTwice, Effect::Reply(ticket, reply)) => {
            vec![Effect::Reply(ticket, reply.clone()), Effect::Reply(ticket, reply)]
        }
        (Flaw::FollowUpStopsFirst, Effect::Commit(call))
            if matches!(call.claim, ClaimChange::Make { .. }) && call.after.version > Version::ABSENT =>
        {
            let runs = world.node(node).agents.iter().find(|agent| agent.doing == Doing::Running);
            let stop = runs.map(|agent| Effect::StopAgent(agent.id));
            stop.into_iter().chain([Effect::Commit(call)]).collect()
        }
        (Flaw::ExpectsWhatIsThere, Effect::Commit(mut call)) => {
            call.after.version = world.store.version();
            vec![Effect::Commit(call)]
        }
        (Flaw::EndsWhileAtWork, Effect::Commit(mut call)) if call.claim == ClaimChange::Keep => {
            call.claim = ClaimChange::End;
            vec![Effect::Commit(call)]
        }
        (_, effect) => vec![effect],
    }
}
