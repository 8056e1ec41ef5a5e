//! Hears an agent out, up to the size of one commit: beyond it the agent waits.

use std::collections::VecDeque;

use a2a::StreamResponse;
use a2a_core::{commit, reduce};
use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};

use super::voice::{Said, Voice};
use crate::weight;

/// What an agent has said that is not digested yet.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) voice: Voice,
    pub(super) heard: VecDeque<Said>,
    bytes: usize,
    /// All that was heard is progress of a turn that goes on.
    only_progress: bool,
}

impl Ear {
    pub(super) fn new(voice: Voice) -> Self {
        Ear { voice, heard: VecDeque::new(), bytes: 0, only_progress: true }
    }

    /// Waits for the next thing that the agent says, if there is room for it. Never completes otherwise.
    /// Cancel safe.
    pub(super) async fn listen(&mut self) {
        if self.has_room()
            && let Some(said) = self.voice.next().await
        {
            self.keep(said);
        } else {
            std::future::pending().await
        }
    }

    /// Takes whatever else the agent says without waiting.
    pub(super) fn gather_ready(&mut self) {
        while self.has_room()
            && let Some(Some(said)) = self.voice.next().now_or_never()
        {
            self.keep(said);
        }
    }

    /// Takes note that what was heard has been digested, as far as it fitted.
    pub(super) fn digested(&mut self) {
        self.bytes = self.heard.iter().map(bytes_of).sum();
        self.only_progress = self.heard.iter().all(is_progress);
    }

    /// Nobody waits for what was heard more than for what comes next, and there is room for that.
    pub(super) fn may_wait(&self) -> bool {
        self.only_progress && self.has_room()
    }

    fn has_room(&self) -> bool {
        !self.voice.is_terminated()
            && self.heard.len() < commit::MAX_EVENTS
            && self.bytes < commit::TARGET_BYTES
    }

    fn keep(&mut self, said: Said) {
        self.bytes += bytes_of(&said);
        self.only_progress &= is_progress(&said);
        self.heard.push_back(said);
    }
}

fn bytes_of(said: &Said) -> usize {
    match said {
        Said::Event(event) => weight::of_event(event),
        _ => 0,
    }
}

fn is_progress(said: &Said) -> bool {
    match said {
        Said::Event(StreamResponse::ArtifactUpdate(_)) => true,
        Said::Event(StreamResponse::StatusUpdate(update)) => !reduce::ends_turn(&update.status.state),
        _ => false,
    }
}
