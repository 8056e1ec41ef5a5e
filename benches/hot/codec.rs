//! News of one commit, written for the bus and read again.

use std::sync::Arc;

use a2a_core::{BusMessage, CommitId, CommitRecord, InstanceId, News, SystemEnv, Version, wire};

use super::sample;

pub(crate) struct Codec {
    to: InstanceId,
    message: BusMessage,
    text: String,
}

impl Codec {
    pub(crate) fn new(events: usize) -> Self {
        let record = CommitRecord {
            version: Version::new(2),
            id: CommitId::generate(&SystemEnv),
            events: (0..events).map(|_| sample::chunk("task", "context", false)).collect(),
        };
        let to = InstanceId::generate(&SystemEnv);
        let news = News::Commits(vec![Arc::new(record)]);
        let message = BusMessage { from: to, task: sample::key("task"), news, trace: None };
        let text = wire::encode(&[to], &message);
        Codec { to, message, text }
    }

    pub(crate) fn encode(&self) -> String {
        wire::encode(&[self.to], &self.message)
    }

    pub(crate) fn decode(&self) -> Result<wire::Addressed, wire::WireError> {
        wire::decode(&self.text)
    }
}
