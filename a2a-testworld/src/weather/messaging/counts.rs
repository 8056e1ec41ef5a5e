//! What the weather did to SNS and SQS beside refusing.

use serde::Serialize;

/// How often each thing happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MessagingCounts {
    /// Filter policies that were to take effect later.
    pub filters_delayed: u64,
    /// Filter policies that took effect after their delay.
    pub filters_in_effect: u64,
    /// Filter policies beyond the quota of their topic.
    pub filters_beyond_quota: u64,
    /// Pages of lists that were not the last one.
    pub pages_cut: u64,
    /// Requests to a queue that was not usable yet.
    pub not_usable_yet: u64,
    /// Queues that were to be created under a blocked name.
    pub names_blocked: u64,
    /// Queues that were deleted later than asked.
    pub deletions_delayed: u64,
    /// Messages that were on their way for a while.
    pub messages_delayed: u64,
    /// Messages that came, or will come, a second time.
    pub messages_repeated: u64,
    /// Receives that got fewer messages than they asked for.
    pub short_answers: u64,
    /// Entries of batches that failed in an answer with status 200.
    pub entries_failed: u64,
}
