//! A clock that a test moves forward.

use std::sync::atomic::{AtomicI64, Ordering};

use a2a_core::{Env, SystemEnv};
use chrono::{DateTime, TimeDelta, Utc};

/// The clock of this machine, and some seconds.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    pub(crate) fn forward(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Env for Clock {
    fn now(&self) -> DateTime<Utc> {
        SystemEnv.now() + TimeDelta::seconds(self.ahead.load(Ordering::SeqCst))
    }

    fn uuid(&self) -> uuid::Uuid {
        SystemEnv.uuid()
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn secret(&self) -> [u8; 32] {
        SystemEnv.secret()
    }
}
