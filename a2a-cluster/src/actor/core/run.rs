//! One agent at work on the task, as far as its actor knows it, and how long it may take.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, Task, error_code};
use a2a_core::{CallerContext, CancelRequest, Claim, Principal, Tip, Version, reduce};

use super::buffer::{AgentOutput, EventBuffer};
use super::cancel::Asked;
use super::effect::{Effect, Report, StartAgent};
use super::input::{AnswerAt, Leave, Reply, Ticket, TurnKind};
use super::plan::{StopReason, Turn};
use super::{Actor, AgentId, Moment, Settings, Time};
use crate::ground::telemetry::TurnOutcome;

/// For how long an agent that talks all the time may commit back to back before it leaves room for others.
const BACK_TO_BACK: Duration = Duration::from_secs(1);
/// The least room that it leaves.
const LEAST_ROOM: Duration = Duration::from_millis(2);
/// The most: whoever fences such an agent needs the time of one append, which a slow store takes as well.
const MOST_ROOM: Duration = Duration::from_millis(500);
/// How long a later agent waits for an earlier one that is being dropped, and may block.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// What an agent does.
#[derive(Debug, Clone)]
enum Doing {
    /// It is to start once an earlier one is gone.
    Waiting(Box<StartAgent>),
    /// It may say something at any time.
    Talking,
    /// It is dropped; what it said is committed, and the turn is left to others.
    HandingOver,
    /// It has nothing more to say.
    Ended,
}

/// One agent, its turn and what it said.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) agent: AgentId,
    doing: Doing,
    /// The end of the log as this agent's last commit, or its claim, left it. Its next commit expects no other.
    pub(super) tip: Tip,
    /// The task with everything applied that was planned.
    pub(super) task: Arc<Task>,
    pub(super) principal: Option<Principal>,
    pub(super) caller: Option<CallerContext>,
    /// The claim under which it runs; `None` until the task is created.
    pub(super) claim: Option<Claim>,
    pub(super) said: EventBuffer,
    /// Events of a commit that was too large as a whole: they are committed one by one.
    pub(super) redo: VecDeque<StreamResponse>,
    pub(super) turn: Turn,
    /// The task is created in this turn.
    pub(super) creates: bool,
    /// All that the agent said is planned.
    pub(super) said_all: bool,
    /// It fails, for what it said is larger than can be kept.
    pub(super) fails: bool,
    pub(super) waiters: Vec<(Ticket, AnswerAt)>,
    /// What other instances asked of it for the sake of cancels.
    pub(super) asked: Asked,
    creation_due: Option<Time>,
    wind_down_due: Option<Time>,
    silence_due: Time,
    turn_due: Time,
    check_due: Time,
    check_after: Duration,
    pace: Pace,
}

/// When the next commit of what an agent says may begin.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Progress waits until then for more.
    spaced_until: Time,
    /// Everything waits until then, to leave room for others.
    room_until: Time,
    room_due: Time,
    began: Time,
    ended: Time,
}

impl Run {
    pub(super) fn new(
        start: StartAgent,
        tip: Tip,
        task: Arc<Task>,
        claim: Option<Claim>,
        m: Moment<'_>,
        settings: &Settings,
    ) -> Self {
        let uncreated = (tip.version == Version::ABSENT).then(|| Box::new(Task::clone(&task)));
        let cancels = start.kind == TurnKind::CancelOnly;
        Run {
            creates: uncreated.is_some(),
            agent: start.agent,
            doing: Doing::Waiting(Box::new(start)),
            tip,
            creation_due: uncreated.is_some().then(|| m.at + settings.creation_delay),
            wind_down_due: cancels.then(|| m.at + settings.cancel_grace),
            turn: Turn {
                uncreated,
                always_task: false,
                last_was_message: false,
                stopping: cancels.then_some(StopReason::Cancel),
                depth: settings.depth,
                broke_protocol: None,
            },
            task,
            principal: None,
            caller: None,
            claim,
            said: EventBuffer::default(),
            redo: VecDeque::new(),
            said_all: false,
            fails: false,
            waiters: Vec::new(),
            asked: Asked::default(),
            silence_due: m.at + settings.agent_silence,
            turn_due: m.at + settings.turn_limit,
            check_due: m.at + settings.silence_max,
            check_after: settings.silence_max,
            pace: Pace {
                spaced_until: Time::ZERO,
                room_until: Time::ZERO,
                room_due: m.at + BACK_TO_BACK,
                began: m.at,
                ended: m.at,
            },
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.doing, Doing::Waiting(_))
    }

    /// Tells whether its task is to be created before it starts.
    pub(super) fn waits_for_task(&self) -> bool {
        self.turn.always_task && self.turn.uncreated.is_some()
    }

    /// Tells whether it is to start with what this request brought.
    pub(super) fn starts_with(&self, ticket: Ticket) -> bool {
        matches!(&self.doing, Doing::Waiting(start) if start.ticket == Some(ticket))
    }

    pub(super) fn is_talking(&self) -> bool {
        matches!(self.doing, Doing::Talking)
    }

    /// Tells whether the task waits for its caller, as far as it is committed.
    pub(super) fn is_parked(&self) -> bool {
        self.turn.uncreated.is_none() && reduce::is_interrupted(&self.task.status.state)
    }

    /// Tells whether something waits to be committed.
    pub(super) fn has_something(&self, m: Moment<'_>) -> bool {
        let creates = self.turn.uncreated.is_some()
            && (self.turn.always_task || self.creation_due.is_some_and(|due| due <= m.at));
        creates || !self.redo.is_empty() || (!self.said.is_empty() && !self.is_held(m))
    }

    /// Tells whether what was said waits for more, or leaves room for others.
    fn is_held(&self, m: Moment<'_>) -> bool {
        if self.turn.stopping.is_some() {
            return false;
        }
        m.at < self.pace.room_until || (self.said.may_wait() && m.at < self.pace.spaced_until)
    }

    /// Takes note of a commit that begins. Whoever is passed over by an agent that commits back to back gets room now
    /// and then: long enough to fence it.
    pub(super) fn commits(&mut self, m: Moment<'_>, settings: &Settings) {
        self.pace.spaced_until = m.at + settings.commit_spacing;
        let idle = m.at.saturating_sub(self.pace.ended);
        if idle >= self.pace.room() {
            self.pace.room_due = m.at + BACK_TO_BACK;
        }
        self.pace.began = m.at;
    }

    /// Takes note of its own commit that was applied.
    pub(super) fn applied(&mut self, tip: Tip, m: Moment<'_>, settings: &Settings) {
        self.tip = tip;
        self.creation_due = None;
        self.check_after = settings.silence_max;
        self.check_due = m.at + self.check_after;
        self.pace.ended = m.at;
        if m.at >= self.pace.room_due {
            self.pace.room_until = m.at + self.pace.room();
            self.pace.room_due = self.pace.room_until + BACK_TO_BACK;
        }
    }

    /// Time does not count in which the agent could not be heard.
    pub(super) fn clock_stood_still(&mut self, m: Moment<'_>, settings: &Settings) {
        self.silence_due = m.at + settings.agent_silence;
    }

    /// When something of this agent's is due. `blocked`: nothing can be committed until a call is answered, which is
    /// then a moment of its own.
    pub(super) fn deadline(&self, blocked: bool) -> Option<Time> {
        let held = (!self.said.is_empty() && self.turn.stopping.is_none()).then(|| {
            let spaced = if self.said.may_wait() { self.pace.spaced_until } else { Time::ZERO };
            self.pace.room_until.max(spaced)
        });
        let commits = [self.creation_due, held].into_iter().flatten().filter(|_| !blocked);
        let limits = self.wind_down_due.unwrap_or(self.silence_due.min(self.turn_due));
        // Clocks run for an agent that talks; one that ended, or is yet to start, has no limits.
        let clocks = [limits, self.check_due].into_iter().filter(|_| self.is_talking());
        commits.chain(clocks).min()
    }
}

impl Pace {
    /// How much room is left for others: some times what a commit takes.
    fn room(&self) -> Duration {
        (self.ended.saturating_sub(self.began) * 4).clamp(LEAST_ROOM, MOST_ROOM)
    }
}

impl Actor {
    pub(super) fn name_agent(&mut self) -> AgentId {
        self.next_agent = self.next_agent.wrapping_add(1);
        self.next_agent
    }

    pub(super) fn said(
        &mut self,
        agent: AgentId,
        mut outputs: Vec<AgentOutput>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let has_ended = matches!(outputs.last(), Some(AgentOutput::Ended));
        if has_ended {
            // It needs no stopping, if it was about to be.
            self.agent_gone(agent);
        }
        // What an agent says that is being stopped is heard by nobody.
        let Some(run) = self.run.as_mut().filter(|run| run.agent == agent && run.is_talking()) else {
            return;
        };
        run.silence_due = m.at + self.settings.agent_silence;
        let mut refuses = false;
        outputs.retain(|output| match output {
            // Heard at once: a commit that takes long must not use up the agent's grace.
            AgentOutput::CancelFailed(error) => {
                refuses |=
                    matches!(error.code, error_code::TASK_NOT_CANCELABLE | error_code::UNSUPPORTED_OPERATION)
                        && run.turn.stopping == Some(StopReason::Cancel);
                false
            }
            _ => true,
        });
        if has_ended {
            run.doing = Doing::Ended;
        }
        run.said.extend(outputs);
        if refuses {
            run.turn.stopping = None;
            run.asked.refuse(fx);
            run.wind_down_due = None;
            self.end_cancel(Reply::NotCancelable, fx);
        }
    }

    pub(super) fn agent_gone(&mut self, agent: AgentId) {
        self.ending.retain(|(ending, _)| *ending != agent);
    }

    /// Starts an agent that may start; stops one that has had its time.
    pub(super) fn advance_run(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let blocked = self.ending.iter().any(|(_, until)| m.at < *until);
        if let Some(run) = &mut self.run
            && let Doing::Waiting(_) = run.doing
            && !blocked
            && !run.waits_for_task()
            && let Doing::Waiting(start) = std::mem::replace(&mut run.doing, Doing::Talking)
        {
            fx.push(Effect::Start(start));
        }
        self.look_at_clocks(m, fx);
        self.hand_over_or_fail(m, fx);
    }

    fn look_at_clocks(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let cut_off = self.cut_off;
        let Some(run) = self.run.as_mut().filter(|run| run.is_talking()) else { return };
        if run.wind_down_due.is_some_and(|due| due <= m.at) {
            self.silence_agent(m, fx);
            return;
        }
        if cut_off || !run.said.has_room() {
            run.silence_due = m.at + self.settings.agent_silence;
        }
        let overdue = match () {
            () if run.turn.stopping.is_some() || run.is_parked() => None,
            () if run.silence_due <= m.at => Some(StopReason::Silence),
            () if run.turn_due <= m.at => Some(StopReason::TooLong),
            () => None,
        };
        if run.is_parked() {
            run.silence_due = m.at + self.settings.agent_silence;
            run.turn_due = m.at + self.settings.turn_limit;
        }
        let check = run.check_due <= m.at;
        if check {
            run.check_after = (run.check_after * 2).min(self.settings.lease * 2);
            run.check_due = m.at + run.check_after;
        }
        if let Some(reason) = overdue {
            fx.push(Effect::Report(Report::Overdue));
            self.ask_to_stop(reason, CancelRequest::default(), m, fx);
        }
        if check {
            self.check_run(fx);
        }
    }

    /// Lets the agent's `cancel` speak, for a while.
    pub(super) fn ask_to_stop(
        &mut self,
        reason: StopReason,
        request: CancelRequest,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let grace = self.settings.cancel_grace;
        let Some(run) = self.run.as_mut().filter(|run| run.is_talking() && run.turn.stopping.is_none())
        else {
            return;
        };
        run.turn.stopping = Some(reason);
        run.wind_down_due = Some(m.at + grace);
        fx.push(Effect::CancelAgent(run.agent, Box::new(request)));
    }

    /// Ends an agent that has had its time: what it said is committed, and then the end.
    fn silence_agent(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let Some(run) = &mut self.run else { return };
        run.doing = Doing::Ended;
        run.wind_down_due = None;
        run.said.push(AgentOutput::Ended);
        let agent = run.agent;
        self.stop_agent(agent, m, fx);
    }

    fn stop_agent(&mut self, agent: AgentId, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.ending.push((agent, m.at + DROP_PATIENCE));
        fx.push(Effect::StopAgent(agent));
    }

    /// Ends a turn that this instance has no more time for, once what was said is committed.
    fn hand_over_or_fail(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let leave = match self.leaving {
            Some(leave @ (Leave::Fail | Leave::HandOver)) => leave,
            Some(Leave::Evicted) | None => return,
        };
        let Some(run) = &mut self.run else { return };
        let is_creating = self.write.is_some() && run.turn.uncreated.is_some();
        if run.turn.uncreated.is_some() && !is_creating && run.claim.is_none() {
            self.leave_run(m, fx);
            return;
        }
        if run.is_talking() || run.is_waiting() {
            if run.is_parked() || leave == Leave::Fail {
                if run.turn.stopping.is_none() && !run.is_parked() {
                    run.turn.stopping = Some(StopReason::Shutdown);
                }
                self.silence_agent(m, fx);
            } else {
                run.doing = Doing::HandingOver;
                let agent = run.agent;
                self.stop_agent(agent, m, fx);
            }
        }
        let has_said = self.run.as_ref().is_some_and(|run| !run.said.is_empty() || !run.redo.is_empty());
        if let Some(run) = self.run.as_ref().filter(|run| matches!(run.doing, Doing::HandingOver))
            && !has_said
            && self.write.is_none()
        {
            if let Some(claim) = run.claim {
                fx.push(Effect::HandOver(claim));
            }
            self.leave_run(m, fx);
        }
    }

    /// Stops for good, as this instance does. Whoever waits is told to try again only where nothing was done: once a commit
    /// has made the task, or the turn, its message is taken.
    pub(super) fn leave_run(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let is_taken = self.write.is_some() || self.run.as_ref().is_some_and(|run| run.claim.is_some());
        let reply = if is_taken { Reply::Unknown } else { Reply::Stopped };
        self.end_run_with(TurnOutcome::HandedOver, reply, m, fx);
    }

    /// Drops the agent without a commit, and answers whoever waits.
    pub(super) fn end_run(&mut self, reply: Reply, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let outcome = match &reply {
            Reply::Message(_) => TurnOutcome::Answered,
            Reply::Refused(_) => TurnOutcome::Refused,
            _ => TurnOutcome::Lost,
        };
        self.end_run_with(outcome, reply, m, fx);
    }

    /// Drops the agent, and answers whoever waits.
    pub(super) fn end_run_with(
        &mut self,
        outcome: TurnOutcome,
        reply: Reply,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(run) = self.run.take() else { return };
        let outcome = match outcome {
            // It had ended its turn by asking, and stayed.
            TurnOutcome::Lost if run.is_parked() => TurnOutcome::of_state(&run.task.status.state),
            outcome => outcome,
        };
        let reply = match reply {
            // Their message was taken: they must not send it again elsewhere.
            Reply::Stopped if run.claim.is_some() => Reply::Unknown,
            reply => reply,
        };
        fx.push(Effect::Report(Report::Turn(outcome)));
        fx.push(Effect::WakeReaders);
        for (ticket, _) in &run.waiters {
            fx.push(Effect::Reply(*ticket, reply.clone()));
        }
        if run.is_talking() {
            self.stop_agent(run.agent, m, fx);
        }
    }

    /// Asks the store whether the task is still this run's.
    pub(super) fn check_run(&mut self, fx: &mut Vec<Effect>) {
        if self.run.as_ref().is_some_and(|run| run.claim.is_some()) {
            self.read_head(fx);
        }
    }

    /// Reads the head, unless that is under way.
    pub(super) fn read_head(&mut self, fx: &mut Vec<Effect>) {
        if !std::mem::replace(&mut self.reading_head, true) {
            self.head_for = self.run.as_ref().and_then(|run| run.claim);
            fx.push(Effect::ReadHead);
        }
    }

    /// Answers whoever may be answered now. The task is as it was just committed: by the claim of this turn, or by
    /// what its agent said.
    pub(super) fn answer(&mut self, claimed: bool, fx: &mut Vec<Effect>) {
        let Some(run) = &mut self.run else { return };
        let over = !claimed && reduce::ends_turn(&run.task.status.state);
        let (task, tip) = (&run.task, run.tip);
        run.waiters.retain(|(ticket, at)| {
            let reply = match at {
                AnswerAt::Opening => Reply::Open(claimed.then(|| (Arc::clone(task), tip))),
                AnswerAt::Creation => Reply::Task(Arc::clone(task)),
                AnswerAt::TurnEnd if over => Reply::Task(Arc::clone(task)),
                AnswerAt::TurnEnd => return true,
            };
            fx.push(Effect::Reply(*ticket, reply));
            false
        });
    }
}
