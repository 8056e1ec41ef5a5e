//! Decides when a request starts and what it takes along: at once for a lone message, full where many wait.
//!
//! While a request is under way the next messages gather. A further request starts beside it only for a full
//! batch: so few messages never wait for more to come, and many need few requests.

use std::collections::VecDeque;

/// The most entries of a batch, of SNS and SQS alike.
pub(crate) const FULL: usize = 10;

/// The most requests side by side on one batcher.
pub(crate) const MOST_REQUESTS: usize = 8;

/// What waits for, and what is on, the way to one destination.
#[derive(Debug)]
pub(crate) struct Batcher<T> {
    waiting: VecDeque<(usize, T)>,
    requests: usize,
    most_bytes: usize,
}

impl<T> Batcher<T> {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Batcher { waiting: VecDeque::new(), requests: 0, most_bytes }
    }

    /// Adds something of this size to what waits.
    pub(crate) fn push(&mut self, bytes: usize, item: T) {
        self.waiting.push_back((bytes, item));
    }

    /// Takes what the next request shall carry, if one shall start now. Call [`finished`](Batcher::finished) after.
    pub(crate) fn start(&mut self) -> Option<Vec<T>> {
        let (entries, is_full) = self.next_batch();
        let may_start = self.requests == 0 || (is_full && self.requests < MOST_REQUESTS);
        if entries == 0 || !may_start {
            return None;
        }
        self.requests += 1;
        Some(self.waiting.drain(..entries).map(|(_, item)| item).collect())
    }

    /// A request that [`start`](Batcher::start) began has ended.
    pub(crate) fn finished(&mut self) {
        self.requests = self.requests.saturating_sub(1);
    }

    /// Tells whether nothing waits and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.requests == 0
    }

    /// How many fit the next batch, and whether no further one would.
    fn next_batch(&self) -> (usize, bool) {
        let mut bytes = 0;
        for (taken, (size, _)) in self.waiting.iter().take(FULL).enumerate() {
            bytes += size;
            if taken > 0 && bytes > self.most_bytes {
                return (taken, true);
            }
        }
        (self.waiting.len().min(FULL), self.waiting.len() >= FULL)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batcher(items: impl IntoIterator<Item = usize>) -> Batcher<usize> {
        let mut batcher = Batcher::new(100);
        items.into_iter().for_each(|size| batcher.push(size, size));
        batcher
    }

    #[test]
    fn a_lone_message_starts_at_once() {
        assert_eq!(batcher([1]).start(), Some(vec![1]));
    }

    #[test]
    fn what_comes_meanwhile_gathers_until_the_request_ends() {
        let mut batcher = batcher([1]);
        assert!(batcher.start().is_some());
        batcher.push(2, 2);
        batcher.push(3, 3);
        assert_eq!(batcher.start(), None);
        batcher.finished();
        assert_eq!(batcher.start(), Some(vec![2, 3]));
    }

    #[test]
    fn a_full_batch_does_not_wait_but_requests_are_bounded() {
        let mut batcher = batcher([1; 1000]);
        let batches: Vec<_> = std::iter::from_fn(|| batcher.start()).collect();
        assert_eq!(batches.len(), MOST_REQUESTS);
        assert!(batches.iter().all(|batch| batch.len() == FULL));
    }

    #[test]
    fn a_batch_keeps_to_the_byte_limit_and_a_giant_goes_alone() {
        let mut batcher = batcher([60, 60, 500, 1]);
        assert_eq!(batcher.start(), Some(vec![60]));
        assert_eq!(batcher.start(), Some(vec![60]));
        assert_eq!(batcher.start(), Some(vec![500]));
        assert_eq!(batcher.start(), None);
        (0..3).for_each(|_| batcher.finished());
        assert_eq!(batcher.start(), Some(vec![1]));
        batcher.finished();
        assert!(batcher.is_idle());
    }

    proptest! {
        #[test]
        fn everything_leaves_in_order_within_the_limits(sizes in prop::collection::vec(1usize..150, 0..80)) {
            let mut batcher = batcher(sizes.iter().copied());
            let mut left = Vec::new();
            while !batcher.is_idle() {
                match batcher.start() {
                    Some(batch) => {
                        prop_assert!(batch.len() <= FULL);
                        prop_assert!(batch.len() == 1 || batch.iter().sum::<usize>() <= 100);
                        left.extend(batch);
                    }
                    None => batcher.finished(),
                }
            }
            prop_assert_eq!(left, sizes);
        }
    }
}
