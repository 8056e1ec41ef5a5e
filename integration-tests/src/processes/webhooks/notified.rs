//! What a webhook makes of one task by the rule of `docs/webhooks.md`: it keeps the last number that it took, and drops
//! what ends at or before it.

use std::collections::BTreeMap;

use a2a::{StreamResponse, Task};
use a2a_core::reduce;

use crate::hook::Notification;

/// One task, as far as a webhook was told of it.
#[derive(Debug, Default)]
pub(super) struct Notified {
    /// What follows from all that was taken.
    pub(super) task: Option<Task>,
    /// The number of the last event in it.
    pub(super) last: u64,
    /// How many calls there were.
    pub(super) calls: usize,
    /// How many of them told more than one event.
    pub(super) merged: usize,
    /// How many came under an id that had come before.
    pub(super) repeats: usize,
    /// How many told events of which another call had told some, and not the same ones. The task as a whole, which
    /// takes the place of all that was known, is none of these.
    pub(super) overlaps: usize,
    /// All that must not be, in words.
    pub(super) wrong: Vec<String>,
    bodies: BTreeMap<String, String>,
    told: Vec<(u64, u64)>,
}

/// Reads an id: the task, and the numbers of the first and the last event.
pub(super) fn read(id: &str) -> Option<(&str, u64, u64)> {
    let (task, numbers) = id.rsplit_once('/')?;
    let (first, last) = numbers.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (1 <= first && first <= last).then_some((task, first, last))
}

impl Notified {
    /// Takes the next call.
    pub(super) fn take(&mut self, call: &Notification) {
        let Notification { id, body, event } = call;
        self.calls += 1;
        let Some((_, first, last)) = read(id) else {
            return self.wrong.push(format!("{id} is no id of what a webhook that takes all is told"));
        };
        self.merged += usize::from(first < last);
        match self.bodies.get(id) {
            Some(before) if before == body => self.repeats += 1,
            Some(_) => return self.wrong.push(format!("{id} is told again in other words")),
            None => {
                self.bodies.insert(id.clone(), body.clone());
                self.compare(event, first, last);
            }
        }
        if last <= self.last {
            return;
        }
        if first == 1
            && let StreamResponse::Task(whole) = event
        {
            self.task = Some(whole.clone());
        } else {
            self.apply(event, first, last);
        }
        self.last = last;
    }

    fn compare(&mut self, event: &StreamResponse, first: u64, last: u64) {
        if !matches!(event, StreamResponse::Task(_)) {
            self.overlaps += usize::from(self.told.iter().any(|(from, to)| first <= *to && *from <= last));
            self.told.push((first, last));
        }
    }

    fn apply(&mut self, event: &StreamResponse, first: u64, last: u64) {
        let (next, id) = (self.last + 1, format!("{first}-{last}"));
        if first > next {
            self.wrong.push(format!("{id} came, and {next} to {} never did", first - 1));
        }
        if first < next {
            self.wrong.push(format!("{id} is taken, and so {first} to {} for the second time", self.last));
        }
        match &mut self.task {
            Some(task) => reduce::apply(task, event),
            None => self.wrong.push(format!("{id} came before the task")),
        }
    }
}

/// What streams show of a task. They do not repeat its history.
pub(super) fn shown(task: &Task) -> Task {
    Task { history: None, ..task.clone() }
}

/// A task in a few words.
pub(super) fn outline(task: &Task) -> String {
    let parts: usize = task.artifacts.iter().flatten().map(|artifact| artifact.parts.len()).sum();
    format!("{:?} since {:?} with {parts} parts", task.status.state, task.status.timestamp)
}

#[cfg(test)]
mod tests {
    use a2a::TaskState;
    use a2a_testkit::agent::{Said, Speaker};
    use a2a_testworld::world::texts;

    use super::*;

    const TASK: &str = "t";

    fn told(numbers: &str, event: StreamResponse) -> Notification {
        let body = serde_json::to_string(&event).unwrap();
        Notification { id: format!("{TASK}/{numbers}"), body, event }
    }

    fn speaker() -> Speaker {
        Speaker::new(TASK, "c")
    }

    fn whole(numbers: &str, texts: &[&str]) -> Notification {
        let parts = texts.iter().map(|text| a2a::Part::text(*text)).collect();
        told(numbers, speaker().event(Said::Task(parts)).unwrap())
    }

    fn chunks(numbers: &str, texts: &[&str]) -> Notification {
        let chunk = Said::Chunk { part: a2a::Part::text(""), first: false, last: false };
        let mut event = speaker().event(chunk).unwrap();
        if let StreamResponse::ArtifactUpdate(update) = &mut event {
            update.artifact.parts = texts.iter().map(|text| a2a::Part::text(*text)).collect();
        }
        told(numbers, event)
    }

    fn end(number: u64) -> Notification {
        told(&format!("{number}-{number}"), speaker().status(TaskState::Completed))
    }

    fn notified(calls: &[Notification]) -> Notified {
        let mut notified = Notified::default();
        calls.iter().for_each(|call| notified.take(call));
        notified
    }

    #[test]
    fn what_is_told_again_or_in_smaller_pieces_is_dropped() {
        let one = chunks("2-3", &["a", "b"]);
        let calls = [whole("1-1", &[]), one.clone(), one, chunks("3-3", &["b"]), end(4)];
        let notified = notified(&calls);
        let task = notified.task.as_ref().unwrap();
        assert_eq!((texts(task), &task.status.state), (vec!["a", "b"], &TaskState::Completed));
        assert_eq!((notified.last, notified.calls, notified.merged), (4, 5, 2));
        assert_eq!((notified.repeats, notified.overlaps), (1, 1));
        assert!(notified.wrong.is_empty(), "{:?}", notified.wrong);
    }

    #[test]
    fn the_task_as_a_whole_takes_the_place_of_what_was_known() {
        let notified = notified(&[whole("1-1", &[]), chunks("2-2", &["a"]), whole("1-4", &["a", "b", "c"])]);
        assert_eq!(texts(notified.task.as_ref().unwrap()), ["a", "b", "c"]);
        assert_eq!((notified.last, notified.overlaps), (4, 0));
        assert!(notified.wrong.is_empty(), "{:?}", notified.wrong);
    }

    #[test]
    fn holes_doubles_other_words_and_what_has_no_number_are_wrong() {
        let begins = || whole("1-1", &[]);
        for (calls, why) in [
            (vec![begins(), end(3)], "3-3 came, and 2 to 2 never did"),
            (vec![end(2)], "2-2 came, and 1 to 1 never did; 2-2 came before the task"),
            (
                vec![begins(), chunks("2-2", &["a"]), chunks("2-3", &["a", "b"])],
                "2-3 is taken, and so 2 to 2 for the second time",
            ),
            (
                vec![begins(), chunks("2-2", &["a"]), chunks("2-2", &["b"])],
                "t/2-2 is told again in other words",
            ),
            (
                vec![begins(), told("2-2-state", speaker().status(TaskState::Completed))],
                "t/2-2-state is no id",
            ),
            (vec![begins(), chunks("3-2", &["a"])], "t/3-2 is no id"),
        ] {
            let wrong = notified(&calls).wrong.join("; ");
            assert!(wrong.starts_with(why), "{wrong}");
        }
    }
}
