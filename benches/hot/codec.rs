//! News of one commit, written for the bus and read again, with the seal of a deployment that has keys.

use std::sync::Arc;

use a2a_core::wire::{self, Seal};
use a2a_core::{BusMessage, CommitId, CommitRecord, Generation, InstanceId, Keys, News, SystemEnv, Version};

use super::sample;

pub(crate) struct Codec {
    to: InstanceId,
    message: BusMessage,
    seal: Seal,
    text: String,
}

impl Codec {
    pub(crate) fn new(events: usize) -> Self {
        let record = CommitRecord {
            version: Version::new(2),
            id: CommitId::generate(&SystemEnv),
            generation: Generation::new(events as u64),
            events: (0..events).map(|_| sample::chunk("task", "context", false)).collect(),
        };
        let to = InstanceId::generate(&SystemEnv);
        let news = News::Commits(vec![Arc::new(record)]);
        let message = BusMessage { from: to, task: sample::key("task"), news, trace: None };
        let seal = Seal::new(Keys::first([7; 32]));
        let text = wire::encode(&[to], &message, &seal);
        Codec { to, message, seal, text }
    }

    pub(crate) fn encode(&self) -> String {
        wire::encode(&[self.to], &self.message, &self.seal)
    }

    pub(crate) fn decode(&self) -> Result<wire::Addressed, wire::WireError> {
        wire::decode(&self.text, &self.seal)
    }
}
