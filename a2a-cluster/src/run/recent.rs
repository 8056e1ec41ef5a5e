//! How far the runs got that ended lately.

use std::collections::VecDeque;

use a2a_core::{TaskKey, Version};
use foldhash::HashMap;

/// The runs that are remembered. A watcher's message is rarely later than a thousand runs.
const REMEMBERED: usize = 1024;

/// The last versions of runs that ended lately, oldest first forgotten.
#[derive(Debug, Default)]
pub(super) struct Recent {
    versions: HashMap<TaskKey, Version>,
    order: VecDeque<TaskKey>,
}

impl Recent {
    pub(super) fn ended(&mut self, key: &TaskKey, version: Version) {
        if self.versions.insert(key.clone(), version).is_none() {
            self.order.push_back(key.clone());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.versions.remove(&oldest);
        }
    }

    pub(super) fn version_of(&self, key: &TaskKey) -> Option<Version> {
        self.versions.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;

    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let key = |n: usize| TaskKey::new(Tenant::default(), n.to_string());
        let mut recent = Recent::default();
        for n in 0..=REMEMBERED {
            recent.ended(&key(n), Version::new(n as u64));
        }
        recent.ended(&key(REMEMBERED), Version::new(9_999));
        assert_eq!(recent.version_of(&key(0)), None);
        assert_eq!(recent.version_of(&key(1)), Some(Version::new(1)));
        assert_eq!(recent.version_of(&key(REMEMBERED)), Some(Version::new(9_999)));
        assert_eq!((recent.versions.len(), recent.order.len()), (REMEMBERED, REMEMBERED));
    }
}
