//! The rules of `historyLength` (specification, section 3.2.4).

use a2a::Task;

/// Cuts a task's history to what the client asked for: all of it when unset, none at 0, else the last `n`.
///
/// At 0 the field is absent, not empty.
pub fn trim(task: &mut Task, length: Option<usize>) {
    match (length, &mut task.history) {
        (Some(0), history) => *history = None,
        (Some(keep), Some(history)) => {
            let surplus = history.len().saturating_sub(keep);
            history.drain(..surplus);
        }
        (None, _) | (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use a2a::{Message, Part, Role, TaskStatus};

    use super::*;

    fn task(messages: usize) -> Task {
        let message = |n: usize| Message {
            message_id: n.to_string(),
            ..Message::new(Role::User, vec![Part::text("hello")])
        };
        Task {
            id: "t".into(),
            context_id: "c".into(),
            status: TaskStatus { state: a2a::TaskState::Working, message: None, timestamp: None },
            artifacts: None,
            history: Some((1..=messages).map(message).collect()),
            metadata: None,
        }
    }

    fn ids(task: &Task) -> Vec<&str> {
        task.history.iter().flatten().map(|m| m.message_id.as_str()).collect()
    }

    fn trimmed(messages: usize, length: Option<usize>) -> Task {
        let mut task = task(messages);
        trim(&mut task, length);
        task
    }

    #[test]
    fn unset_keeps_the_whole_history() {
        assert_eq!(ids(&trimmed(3, None)), ["1", "2", "3"]);
    }

    #[test]
    fn zero_omits_the_field() {
        assert_eq!(trimmed(3, Some(0)).history, None);
        assert_eq!(trimmed(0, Some(0)).history, None);
    }

    #[test]
    fn n_keeps_the_latest() {
        assert_eq!(ids(&trimmed(3, Some(1))), ["3"]);
        assert_eq!(ids(&trimmed(3, Some(2))), ["2", "3"]);
        for enough in [3, 4, usize::MAX] {
            assert_eq!(ids(&trimmed(3, Some(enough))), ["1", "2", "3"]);
        }
    }

    #[test]
    fn an_absent_history_stays_absent() {
        for length in [None, Some(0), Some(2)] {
            let mut task = Task { history: None, ..task(0) };
            trim(&mut task, length);
            assert_eq!(task.history, None);
        }
    }
}
