//! The rules of `historyLength` (specification, section 3.2.4).

use a2a::Task;

/// Cuts a task's history to what the client asked for: all of it when unset, none at 0, else the last `n`.
///
/// Returns `Err` with the offending number when it is negative.
pub fn trim(task: &mut Task, length: Option<i32>) -> Result<(), i32> {
    let Some(length) = length else { return Ok(()) };
    let keep = usize::try_from(length).map_err(|_| length)?;
    keep_last(task, keep);
    Ok(())
}

/// Keeps the last `keep` messages of a task's history.
pub fn keep_last(task: &mut Task, keep: usize) {
    if keep == 0 {
        task.history = None;
    } else if let Some(history) = &mut task.history {
        let surplus = history.len().saturating_sub(keep);
        history.drain(..surplus);
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

    #[test]
    fn unset_keeps_all_zero_omits_and_n_keeps_the_latest() {
        let mut all = task(3);
        trim(&mut all, None).unwrap();
        assert_eq!(ids(&all), ["1", "2", "3"]);

        let mut none = task(3);
        trim(&mut none, Some(0)).unwrap();
        assert_eq!(none.history, None);

        let mut two = task(3);
        trim(&mut two, Some(2)).unwrap();
        assert_eq!(ids(&two), ["2", "3"]);

        let mut more = task(3);
        trim(&mut more, Some(i32::MAX)).unwrap();
        assert_eq!(ids(&more), ["1", "2", "3"]);
    }

    #[test]
    fn negative_lengths_are_refused() {
        assert_eq!(trim(&mut task(1), Some(-1)), Err(-1));
        assert_eq!(trim(&mut task(1), Some(i32::MIN)), Err(i32::MIN));
    }
}
