//! How many receives run side by side: one more while a backlog shows, one fewer when it is gone.
//!
//! SQS does not tell the length of a queue for free. How full its answers are does.

/// What a receiver shall do after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Receive again.
    Continue,
    /// Receive again, and have another one help.
    CallHelp,
    /// End, unless it is the last one.
    Retire,
}

/// Judges an answer of this many messages. SQS seldom fills an answer even when many wait.
pub(crate) fn after(messages: usize) -> Next {
    match messages {
        0..3 => Next::Retire,
        3..6 => Next::Continue,
        _ => Next::CallHelp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_answers_call_help_and_empty_ones_send_it_away() {
        let table = [(0, Next::Retire), (2, Next::Retire), (3, Next::Continue), (5, Next::Continue)];
        for (messages, next) in table.into_iter().chain([(6, Next::CallHelp), (10, Next::CallHelp)]) {
            assert_eq!(after(messages), next, "{messages}");
        }
    }
}
