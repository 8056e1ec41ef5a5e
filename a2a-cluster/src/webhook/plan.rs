//! What one webhook is told next. It follows from the log, from what is on record and from what the webhook answered:
//! whoever goes on in another's place, from what is on record, tells the same under the same ids.

use std::collections::VecDeque;
use std::sync::Arc;

use a2a::StreamResponse;
use a2a_core::{CommitRecord, PushNext, PushProgress, StoredTask, Version};

use super::ending::ends_turn;
use super::form::Form;
use super::notification::{self, Cursor, Notification, Together};
use crate::ground::WebhookDetail;

/// Where so many commits wait, chunks are told in batches.
pub(super) const MANY: usize = 16;
/// Never more commits than this are told beyond what is on record.
const MOST_UNRECORDED: u64 = 32;
/// So much further than it is known to be a task may be told before that is on record.
const MARGIN: u64 = 256;
/// Of a task that is further ahead than this, a webhook is told what it is like now.
const MOST_BEHIND: u64 = 256;
/// So often one event is tried in a row before the task as it is takes its place.
const TRIES_OF_ONE: u32 = 8;

/// What is to be done for a webhook.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// It is told this.
    Tell(Box<Notification>),
    /// This is put on record before it is told.
    Record(PushProgress),
    /// The commits that follow this version are needed.
    Read(Version),
    /// The task is needed, to be told as the plan's form has it.
    Load,
    /// It has everything that there is up to here.
    Rest,
    /// It has everything but the end of the turn that ended with this version, which it refuses.
    GiveUp(Version),
}

/// What the refusal of a notification leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The same is told otherwise.
    Otherwise,
    /// It is left out.
    LeftOut,
}

/// How far one webhook was told, and how it is told what follows.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    detail: WebhookDetail,
    cursor: Cursor,
    /// Up to here whoever goes on need not tell anything again.
    reached: Version,
    on_record: PushProgress,
    /// Up to here others may have told event by event what was not on record, or may tell it yet: by the record that this plan
    /// began with.
    told_by_others: Version,
    /// Up to here, what is told event by event.
    told_singly: Version,
    form: Form,
    /// An event that it refused, in fewer words.
    shortened: Option<Notification>,
    /// Up to here each event is told by itself: it refused them together.
    refused_together: Cursor,
    /// It does not take so many bytes at once.
    too_large: usize,
    /// It takes the task in place of its events, as far as is known.
    takes_tasks: bool,
    /// The last version of the task that was loaded.
    loaded: Version,
    /// The end of a turn that it refused, and took nothing since.
    untold: Option<Version>,
}

impl Plan {
    pub(super) fn new(on_record: PushProgress, detail: WebhookDetail) -> Self {
        let told_by_others = match on_record.next {
            PushNext::Task(until) => until,
            PushNext::Events | PushNext::Batches(_) | PushNext::Singly(_) => Version::ABSENT,
        };
        let told_by_others = told_by_others.max(Version::new(on_record.acknowledged.get() + MOST_UNRECORDED));
        let mut plan = Plan {
            detail,
            cursor: Cursor::after(on_record.acknowledged),
            reached: on_record.acknowledged,
            on_record,
            told_by_others,
            told_singly: told_by_others,
            form: Form::Events,
            shortened: None,
            refused_together: Cursor::after(Version::ABSENT),
            too_large: usize::MAX,
            takes_tasks: true,
            loaded: Version::ABSENT,
            untold: None,
        };
        match on_record.next {
            PushNext::Events | PushNext::Batches(_) => {}
            PushNext::Singly(until) => plan.refused_together = Cursor::after(until),
            PushNext::Task(_) => plan.tell_the_task(),
        }
        plan
    }

    /// What is to be done next, where these commits that follow the cursor are held, and the log goes up to `head`.
    pub(super) fn next(&mut self, held: &VecDeque<Arc<CommitRecord>>, head: Version) -> Step {
        if let Some(shortened) = self.shortened.take() {
            return Step::Tell(Box::new(shortened));
        }
        if self.form == Form::Events && self.is_far_behind(head) {
            self.tell_the_task();
        }
        match self.form {
            Form::Task if !self.may_tell(self.loaded.max(head)) => Step::Record(self.task_until(head)),
            Form::Task | Form::Status | Form::State => Step::Load,
            Form::Events => self.next_event(held, head),
        }
    }

    fn next_event(&mut self, held: &VecDeque<Arc<CommitRecord>>, head: Version) -> Step {
        let Some(last) = held.back().map(|record| record.version) else {
            return self.rest_or_read(head);
        };
        let batch_ends = self.batch_ends();
        if last < batch_ends {
            // Where a batch is cut depends on all of it.
            return Step::Read(last);
        }
        if let Some(batches) = self.begins_batches(held) {
            return Step::Record(batches);
        }
        if self.reached.get() >= self.on_record.acknowledged.get() + MOST_UNRECORDED {
            return Step::Record(self.then(PushNext::Events));
        }
        if self.cursor < self.refused_together && self.on_record.next < PushNext::Singly(self.refused_until())
        {
            return Step::Record(self.then(PushNext::Events));
        }
        let together = if self.cursor < self.refused_together {
            Together::Nothing
        } else if self.cursor.version < batch_ends {
            Together::Until(batch_ends)
        } else {
            Together::ACommit
        };
        match notification::next(held, self.cursor, together, self.detail) {
            Ok(next) => Step::Tell(Box::new(next)),
            Err(cursor) => {
                self.go_to(cursor);
                self.rest_or_read(head)
            }
        }
    }

    fn rest_or_read(&self, head: Version) -> Step {
        let version = self.cursor.version;
        match self.untold {
            _ if head > version => Step::Read(version),
            Some(ended) => Step::GiveUp(ended),
            None => Step::Rest,
        }
    }

    /// What is to be on record, where these commits are held.
    pub(super) fn due(&self, held: &VecDeque<Arc<CommitRecord>>) -> PushProgress {
        self.begins_batches(held).unwrap_or_else(|| self.then(PushNext::Events))
    }

    /// What goes on record before what is held is told in batches, if that is worth while.
    fn begins_batches(&self, held: &VecDeque<Arc<CommitRecord>>) -> Option<PushProgress> {
        // More than a successor tells singly it must not be.
        let most = Version::new(self.reached.get() + MOST_UNRECORDED);
        let last = held.back()?.version.min(most);
        let follows =
            held.front()?.version == self.reached.next() && self.cursor == Cursor::after(self.reached);
        let begins = self.form == Form::Events
            && self.detail == WebhookDetail::Everything
            && self.cursor >= self.refused_together
            && self.cursor.version >= self.batch_ends().max(self.told_singly)
            && follows
            && held.len() >= MANY;
        let progress = PushProgress { acknowledged: self.reached, next: PushNext::Batches(last) };
        (begins && progress > self.on_record).then_some(progress)
    }

    /// Has what was reached, and is told this next; never less than what is on record.
    fn then(&self, next: PushNext) -> PushProgress {
        let next = if self.cursor < self.refused_together {
            next.max(PushNext::Singly(self.refused_until()))
        } else if self.batch_ends() > self.reached {
            next.max(self.on_record.next)
        } else {
            next
        };
        PushProgress { acknowledged: self.reached, next }.max(self.on_record)
    }

    fn batch_ends(&self) -> Version {
        match self.on_record.next {
            PushNext::Batches(until) => until,
            PushNext::Events | PushNext::Singly(_) | PushNext::Task(_) => Version::ABSENT,
        }
    }

    /// The commit up to whose end it refused events together.
    fn refused_until(&self) -> Version {
        let Cursor { version, events } = self.refused_together;
        if events > 0 { version.next() } else { version }
    }

    /// Tells whether a task that has this version may be told by what is on record.
    fn may_tell(&self, version: Version) -> bool {
        matches!(self.on_record.next, PushNext::Task(until) if until >= version)
    }

    fn task_until(&self, head: Version) -> PushProgress {
        let until = self.loaded.max(head).max(self.cursor.version).get() + MARGIN;
        PushProgress { acknowledged: self.reached, next: PushNext::Task(Version::new(until)) }
    }

    /// Takes note of what is on record now.
    pub(super) fn recorded(&mut self, progress: PushProgress) {
        self.on_record = self.on_record.max(progress);
        if let PushNext::Task(until) = progress.next {
            self.told_singly = self.told_singly.max(until);
        }
    }

    pub(super) fn on_record(&self) -> PushProgress {
        self.on_record
    }

    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Up to where whoever goes on need not tell anything again.
    pub(super) fn reached(&self) -> Version {
        self.reached
    }

    /// Goes on from a cursor: what was before it is told, or is not to be.
    pub(super) fn go_to(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        // What is cut within a commit is cut otherwise where it begins otherwise.
        if cursor.events == 0 {
            self.reached = self.reached.max(cursor.version);
        }
    }

    /// Tells the task as it is in place of its events.
    fn tell_the_task(&mut self) {
        self.form = match self.detail {
            WebhookDetail::States => Form::Status,
            WebhookDetail::Everything | WebhookDetail::ArtifactEnds => Form::Task,
        };
    }

    /// It does not take the task in place of its events: it is told those, as far as they are kept.
    fn tell_no_tasks(&mut self) {
        self.takes_tasks = false;
        self.form = Form::Events;
        // What of them was told before, nobody knows, nor in which pieces: each by itself is part of any.
        if let PushNext::Task(until) = self.on_record.next {
            self.refused_together = self.refused_together.max(Cursor::after(until));
        }
    }

    pub(super) fn is_far_behind(&self, head: Version) -> bool {
        self.takes_tasks && head.get() > self.cursor.version.get() + MOST_BEHIND
    }

    /// The log no longer has what follows: it is told what the task is like.
    pub(super) fn log_is_gone(&mut self) {
        if self.takes_tasks {
            self.tell_the_task();
        } else {
            self.form = Form::Status;
        }
    }

    /// What it is told of a task that was loaded. `None`: not that, the next step says what.
    pub(super) fn of(
        &mut self,
        stored: &StoredTask,
        bytes: impl FnOnce(&StreamResponse) -> usize,
    ) -> Option<Notification> {
        self.loaded = self.loaded.max(stored.version);
        if self.form == Form::Task && !self.may_tell(stored.version) {
            return None;
        }
        let told = self.form.of(stored);
        if self.form == Form::Task && self.too_large < usize::MAX && bytes(&told.event) >= self.too_large {
            self.tell_no_tasks();
            return None;
        }
        Some(told)
    }

    /// It took what it was told.
    pub(super) fn accepted(&mut self, told: &Notification) {
        self.go_to(told.then);
        if self.form == Form::Task {
            // From here it has all of this, and nothing that comes after it.
            self.told_singly = self.told_by_others.max(told.then.version);
        }
        self.form = Form::Events;
        self.untold = None;
    }

    /// The task is gone: there is the log at most.
    pub(super) fn task_is_gone(&mut self) {
        self.form = Form::Events;
    }

    /// What comes up to a version is not told any more.
    pub(super) fn skip_to(&mut self, version: Version) {
        self.form = Form::Events;
        self.go_to(Cursor::after(version));
    }

    /// It is away. Returns whether something else is to be told by now than this.
    pub(super) fn gives_way(&mut self, told: &Notification, tries: u32, head: Version) -> bool {
        match self.form {
            Form::Events if self.is_far_behind(head) => true,
            Form::Events if tries >= TRIES_OF_ONE && self.takes_tasks => {
                self.tell_the_task();
                true
            }
            Form::Events => false,
            // The task has got further.
            Form::Task | Form::Status | Form::State => head > told.then.version,
        }
    }

    /// It refuses what it was told, which had so many bytes.
    pub(super) fn refused(&mut self, told: &Notification, too_large: Option<usize>) -> Refusal {
        if let Some(bytes) = too_large {
            self.too_large = self.too_large.min(bytes);
        }
        match self.form {
            Form::Events if told.is_merged() => self.refused_together = told.then,
            Form::Events => match in_fewer_words(told) {
                // How the turn ended it is told in any case.
                Some(shortened) => self.shortened = Some(shortened),
                None => return self.leave_out(told),
            },
            Form::Task => self.tell_no_tasks(),
            Form::Status => self.form = Form::State,
            Form::State => return self.leave_out(told),
        }
        Refusal::Otherwise
    }

    fn leave_out(&mut self, told: &Notification) -> Refusal {
        self.form = Form::Events;
        self.go_to(told.then);
        if ends_turn(&told.event) {
            self.untold = Some(told.then.version);
        }
        Refusal::LeftOut
    }
}

/// The end of a turn without its message, if that is an event which has one.
fn in_fewer_words(told: &Notification) -> Option<Notification> {
    let mut told = Notification { in_place: Form::State.in_place(), ..told.clone() };
    let StreamResponse::StatusUpdate(update) = &mut told.event else { return None };
    let has_message = update.status.message.take().is_some() | update.metadata.take().is_some();
    (has_message && ends_turn(&told.event)).then_some(told)
}

#[cfg(test)]
mod tests;
