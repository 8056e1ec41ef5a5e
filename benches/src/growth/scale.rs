//! How far the axes reach.

/// The places on each axis.
#[derive(Debug)]
pub(super) struct Scale {
    pub(super) instances: Vec<usize>,
    pub(super) joining: Vec<usize>,
    pub(super) watchers: Vec<usize>,
    pub(super) streams: Vec<usize>,
    pub(super) tasks: Vec<usize>,
    pub(super) chunks: Vec<usize>,
}

impl Scale {
    pub(super) fn full() -> Self {
        Scale {
            instances: vec![10, 30, 100, 300, 1_000],
            joining: vec![1, 10, 100, 999],
            watchers: vec![0, 1, 10, 100, 999],
            streams: vec![1, 10, 100, 1_000],
            tasks: vec![100, 300, 1_000, 3_000, 10_000],
            chunks: vec![500, 1_500, 5_000, 15_000, 50_000],
        }
    }

    pub(super) fn small() -> Self {
        Scale {
            instances: vec![10, 40],
            joining: vec![1, 10, 39],
            watchers: vec![0, 1, 10, 39],
            streams: vec![1, 10, 40],
            tasks: vec![100, 400],
            chunks: vec![500, 2_000],
        }
    }

    pub(super) fn most_instances(&self) -> usize {
        self.instances.iter().copied().max().unwrap_or_default()
    }
}
