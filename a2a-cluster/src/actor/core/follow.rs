//! Following a task that runs elsewhere, for as long as somebody here reads it.
//!
//! News comes by the bus, in any order; the ring sorts it by version. A gap that lasts is repaired from the store. After
//! silence the store is asked anyway, since a lost last event leaves no gap. This instance is registered as a watcher
//! before it reads, so that no commit can fall between.

use std::time::Duration;

use a2a_core::{Claim, CommitId, InstanceId, News, TaskHead, Version, reduce};

use super::effect::{Effect, Report};
use super::input::{Known, Later, ReadFailed, Reply, Seen};
use super::{Actor, Moment, Ring, Time};

/// How a task that runs elsewhere is followed.
#[derive(Debug, Clone, Default)]
pub(super) struct Follow {
    /// This instance is recorded as a watcher.
    registered: bool,
    /// A call that registers it is under way.
    registering: bool,
    /// Later commits are being read, for this reason.
    reading: Option<ReadFor>,
    /// This instance was registered while they were: what is read may be from before that, and is read once more.
    reads_again: bool,
    /// The reads of this time brought something.
    found: bool,
    /// After how much silence the store is asked next. Zero: it was never asked.
    silence: Duration,
    check_at: Time,
    /// The head is read only to see whether the task is still there. In a long silence every other time is enough.
    looks: bool,
    gap_since: Option<Time>,
    /// The executor, as far as is known.
    executor: Option<InstanceId>,
    /// The name of its claim; not known where only its messages tell of it.
    claim: Option<CommitId>,
    /// The store said that nobody runs the task, although it is at work.
    orphaned: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadFor {
    /// What came between registering and reading.
    Registration,
    Gap,
    Silence,
}

impl Follow {
    pub(super) fn is_registered(&self) -> bool {
        self.registered
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.registered && !self.registering && self.reading.is_none()
    }

    pub(super) fn executor(&self) -> Option<InstanceId> {
        self.executor
    }

    /// The name of the executor's claim, as far as is known.
    pub(super) fn claim(&self) -> Option<CommitId> {
        self.claim
    }

    fn note_claim(&mut self, claim: Option<Claim>) {
        self.executor = claim.map(|claim| claim.instance);
        self.claim = claim.map(|claim| claim.by);
    }

    /// Takes note that the bus brought something: silence begins anew.
    pub(super) fn heard(&mut self, m: Moment<'_>) {
        self.silence = Duration::ZERO;
        self.check_at = m.at;
    }
}

impl Actor {
    /// A stream's own read of the store showed the task.
    pub(super) fn joined(&mut self, seen: &Seen, registered: bool, fx: &mut Vec<Effect>) {
        (self.absent, self.unreadable) = (false, false);
        self.skip_to(seen.tip.version, seen.state.is_terminal(), fx);
        if registered && !self.follow.registered {
            self.follow.registered = true;
            self.learn(seen);
            // At once, so that a cancel sent next does not end the run before it hears of this watcher.
            self.announce(fx);
        } else {
            self.learn(seen);
        }
    }

    /// Takes note of who has the task.
    pub(super) fn learn(&mut self, seen: &Seen) {
        self.follow.note_claim(seen.claim);
    }

    /// Another instance sends what the ring lacked: it has the task, and is to know how this one is reached.
    pub(super) fn fed_by(&mut self, from: InstanceId, fx: &mut Vec<Effect>) {
        if self.follow.executor != Some(from) && !self.ring.ended() {
            (self.follow.executor, self.follow.claim) = (Some(from), None);
            self.announce(fx);
        }
    }

    /// Tells the executor what this instance has, so that it sends the rest.
    pub(super) fn announce(&mut self, fx: &mut Vec<Effect>) {
        if self.follow.registered
            && let Some(executor) = self.follow.executor.filter(|executor| *executor != self.me)
        {
            // How this instance is reached is known to whoever sends: it is filled in there.
            let news = News::Watch { after: self.ring.head(), reach: a2a_core::Reach::Nowhere };
            fx.push(Effect::Hint(executor, news));
        }
    }

    /// Sees to it that readers are fed: registered, without gaps, and asking after silence.
    pub(super) fn advance_follow(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        if self.leaving == Some(super::Leave::Evicted) {
            self.follow = Follow::default();
            return;
        }
        if !self.is_read() {
            self.stop_following(fx);
            return;
        }
        if self.is_served() {
            self.follow.silence = Duration::ZERO;
            return;
        }
        if !self.follow.registered {
            if !self.follow.registering && self.follow.check_at <= m.at {
                self.follow.registering = true;
                fx.push(Effect::Watch);
            }
            return;
        }
        if self.follow.silence.is_zero() {
            self.follow.silence = self.settings.silence_min;
            self.follow.check_at = m.at + self.follow.silence;
        }
        self.follow.gap_since = self.ring.has_gap().then(|| self.follow.gap_since.unwrap_or(m.at));
        if self.follow.reading.is_some() {
            return;
        }
        let gap_lasts = self.follow.gap_since.is_some_and(|since| since + self.settings.resync_after <= m.at);
        if gap_lasts {
            self.read_for(ReadFor::Gap, fx);
        } else if self.follow.check_at <= m.at {
            self.read_for(ReadFor::Silence, fx);
        }
    }

    fn stop_following(&mut self, fx: &mut Vec<Effect>) {
        self.follow.silence = Duration::ZERO;
        self.follow.check_at = Time::ZERO;
        self.follow.gap_since = None;
        if !std::mem::take(&mut self.follow.registered) {
            return;
        }
        // A task that ended needs no goodbye.
        if !self.ring.ended() && !self.absent {
            fx.push(Effect::Unwatch);
            if let Some(executor) = self.follow.executor.filter(|executor| *executor != self.me) {
                fx.push(Effect::Hint(executor, News::Unwatch));
            }
        }
    }

    pub(super) fn follow_deadline(&self) -> Option<Time> {
        if !self.is_read() || self.is_served() || self.leaving == Some(super::Leave::Evicted) {
            return None;
        }
        let Follow { registered, registering, reading, check_at, gap_since, .. } = &self.follow;
        let waits = *registering || (*registered && reading.is_some());
        let gap = gap_since.filter(|_| *registered).map(|since| since + self.settings.resync_after);
        (!waits).then(|| gap.map_or(*check_at, |gap| gap.min(*check_at)))
    }

    fn read_for(&mut self, reason: ReadFor, fx: &mut Vec<Effect>) {
        self.follow.reading = Some(reason);
        fx.push(Effect::Read(self.ring.head()));
    }

    pub(super) fn watched(
        &mut self,
        watched: Result<Option<Seen>, ReadFailed>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        self.follow.registering = false;
        match watched {
            Ok(Some(seen)) => {
                self.follow.registered = true;
                self.learn(&seen);
                // What happened before it was registered. What is being read may have been asked for before that.
                match self.follow.reading {
                    None => self.read_for(ReadFor::Registration, fx),
                    Some(_) => self.follow.reads_again = true,
                }
                self.announce(fx);
            }
            Ok(None) => {
                self.follow.check_at = m.at + self.settings.retry_max;
                self.gone(fx);
            }
            Err(ReadFailed::ForNow) => {
                self.follow.check_at = m.at + self.settings.retry_max;
                // A store that takes no writes for the moment may well be read, and readers wait.
                if self.known() > Version::ABSENT && self.follow.reading.is_none() {
                    self.read_for(ReadFor::Registration, fx);
                }
            }
            Err(ReadFailed::ForGood) => self.cannot_be_read(fx),
        }
    }

    /// The task does not exist, or exists no more: streams end, and say so.
    pub(super) fn gone(&mut self, fx: &mut Vec<Effect>) {
        if self.run.is_some() {
            // One that is being created here was not there yet. Whether one that was created here is gone, its head says.
            self.check_run(fx);
            return;
        }
        self.absent = true;
        self.follow.registered = false;
        if self.known() > Version::ABSENT && self.write.is_none() {
            // What comes under its id is another task, and none of its streams is this one's.
            self.life = self.life.wrapping_add(1);
            self.ring = Ring::new(self.settings.ring_commits, self.settings.ring_bytes);
            self.publish.remove_all();
        }
        self.end_cancel(Reply::Over, fx);
        fx.push(Effect::WakeReaders);
    }

    /// Somebody has read the store, and says what was known before that.
    pub(super) fn found(&mut self, known: Known, version: Version, fx: &mut Vec<Effect>) {
        if known.life == self.life && version < known.version && self.write.is_none() {
            self.gone(fx);
        }
    }

    /// What the store has of the task cannot be read here: streams end, and say so, for elsewhere it may be.
    pub(super) fn cannot_be_read(&mut self, fx: &mut Vec<Effect>) {
        self.unreadable = true;
        fx.push(Effect::WakeReaders);
    }

    pub(super) fn read(&mut self, read: Result<Later, ReadFailed>, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let Some(reason) = self.follow.reading.take() else { return };
        match read {
            Ok(Later::Commits(commits)) if commits.is_empty() => self.read_all(reason, m, fx),
            Ok(Later::Commits(commits)) => {
                self.follow.found = true;
                commits.into_iter().for_each(|commit| self.ring.publish(commit, m.at));
                fx.push(Effect::WakeReaders);
                // A store may return only a first part.
                if !self.ring.ended() {
                    self.read_for(reason, fx);
                }
            }
            Ok(Later::Snapshot(seen)) => {
                self.follow.found |= seen.tip.version > self.ring.head();
                self.skip_to(seen.tip.version, seen.state.is_terminal(), fx);
                self.learn(&seen);
                self.read_all(reason, m, fx);
            }
            Err(ReadFailed::ForGood) => self.cannot_be_read(fx),
            Err(ReadFailed::ForNow) => {
                self.follow.gap_since = self.follow.gap_since.map(|_| m.at);
                self.follow.silence = self.settings.silence_max;
                self.follow.check_at = m.at + self.settings.retry_max;
            }
        }
    }

    /// The store has nothing more. What it had the executor failed to send: it is told again. Where it had nothing, the
    /// executor may be gone.
    fn read_all(&mut self, reason: ReadFor, m: Moment<'_>, fx: &mut Vec<Effect>) {
        if std::mem::take(&mut self.follow.reads_again) {
            self.read_for(ReadFor::Registration, fx);
            return;
        }
        let found = std::mem::take(&mut self.follow.found);
        if !found && self.ring.has_gap() {
            // What the bus spoke of is not there: the store is right.
            self.ring.forget_gap();
        }
        match reason {
            ReadFor::Registration => {}
            ReadFor::Gap => fx.push(Effect::Report(Report::GapRepaired)),
            ReadFor::Silence => fx.push(Effect::Report(Report::SilenceChecked(found))),
        }
        if self.ring.ended() {
            return;
        }
        if found {
            self.heard_from_store(m);
        } else if reason == ReadFor::Silence {
            self.follow.silence = (self.follow.silence * 2).min(self.settings.silence_max);
            self.follow.check_at = m.at + self.follow.silence;
            if let Some(executor) = self.follow.executor.filter(|executor| *executor != self.me) {
                fx.push(Effect::FindMember(executor));
            }
        }
        let is_elsewhere = self.follow.executor.is_some_and(|executor| executor != self.me);
        // A log that says nothing for long may be gone, while the executor on record lives.
        let is_long = self.follow.silence >= self.settings.silence_max;
        self.follow.looks = is_long && is_elsewhere && !found && !self.follow.looks;
        if (found || !is_elsewhere || self.follow.looks) && reason == ReadFor::Silence {
            self.read_head(fx);
        }
    }

    fn heard_from_store(&mut self, m: Moment<'_>) {
        self.follow.silence = self.settings.silence_min;
        self.follow.check_at = m.at + self.follow.silence;
    }

    /// The head was read: for the run's sake, or after silence.
    pub(super) fn head(
        &mut self,
        head: Result<Option<TaskHead>, ReadFailed>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        self.reading_head = false;
        let asked_for = self.head_for.take();
        let Ok(head) = head else { return };
        // While a write of ours is on its way, its outcome says more. Where a run has begun or ended since the head was
        // asked for, this is how it was before that.
        if self.write.is_some() || self.run.as_ref().and_then(|run| run.claim) != asked_for {
            return;
        }
        let Some(head) = head else {
            if self.run.as_ref().is_some_and(|run| run.claim.is_some()) {
                fx.push(Effect::Report(Report::Lost));
                self.end_run(Reply::Lost(None), m, fx);
            }
            if self.run.is_none() {
                self.gone(fx);
            }
            return;
        };
        let executor = head.claim.map(|claim| claim.instance);
        let ends_turn = reduce::ends_turn(&head.state);
        if let Some(claim) = self.run.as_ref().and_then(|run| run.claim)
            && (head.state.is_terminal() || head.claim != Some(claim))
        {
            fx.push(Effect::Report(Report::Lost));
            self.end_run(Reply::Lost(None), m, fx);
        }
        let moved = self.follow.executor != executor;
        self.follow.note_claim(head.claim);
        if self.run.is_none() && self.is_read() {
            if moved || !(ends_turn || self.follow.looks) {
                self.announce(fx);
            }
            // At work, and nobody of whom one could hope that he works.
            let nobody = !ends_turn && executor.is_none_or(|executor| executor == self.me);
            self.follow.orphaned = if nobody { self.follow.orphaned + 1 } else { 0 };
            if self.follow.orphaned >= 2 {
                self.follow.orphaned = 0;
                self.take_over_asked(None, executor, false, fx);
            }
        }
    }
}
