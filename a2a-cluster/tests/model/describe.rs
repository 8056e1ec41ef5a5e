//! What happened, in words, for the trace of a violation.

use a2a::StreamResponse;
use a2a_core::reduce;

use crate::actions::Action;
use crate::names::Tag;
use crate::ops::{Answer, Call};
use crate::world::{LateWrite, World};

impl World {
    /// Tells what an action is about.
    pub(crate) fn describe(&self, action: Action) -> String {
        match action {
            Action::Perform(node, op)
            | Action::Answer(node, op)
            | Action::FailRead(node, op, _)
            | Action::Unknown(node, op)
            | Action::AppliedUnknown(node, op)
            | Action::Delay(node, op)
            | Action::DelayAnswer(node, op)
            | Action::Refuse(node, op)
            | Action::TooLarge(node, op) => {
                let op = &self.node(node).ops[op];
                let call = match &op.call {
                    Call::Commit(call) => {
                        let events: Vec<_> = call.events.iter().map(brief).collect();
                        format!(
                            "Commit(v{}, {:?}, {})",
                            call.after.version.next(),
                            call.claim,
                            events.join(" ")
                        )
                    }
                    call => format!("{call:?}"),
                };
                let answer = match &op.answer {
                    Some(Answer::Stored(Some(stored), _)) => {
                        format!(" -> v{} {:?}", stored.version, stored.head.claim)
                    }
                    Some(answer) => format!(" -> {answer:?}"),
                    None => String::new(),
                };
                format!("{action:?}: {call}{answer}")
            }
            Action::Deliver(letter) | Action::Repeat(letter) | Action::DelayLetter(letter) => {
                let letter = &self.bus[letter];
                let mut news = format!("{:?}", letter.news);
                news.truncate(60);
                format!("{action:?}: {} -> {}: {news}", letter.from, letter.to)
            }
            Action::Begin(client) | Action::Depart(client) => {
                format!("{action:?}: {:?} at {}", self.clients[client].wants, self.clients[client].node)
            }
            Action::Late(late) => match self.late[late].as_ref() {
                LateWrite::Commit(call) => {
                    format!("Late commit v{} {:?}", call.after.version.next(), call.claim)
                }
                LateWrite::Release(claim) => format!("Late release {claim:?}"),
            },
            action => format!("{action:?}"),
        }
    }
}

fn brief(event: &StreamResponse) -> String {
    let tag = Tag::of(event).map_or(String::new(), |tag| tag.to_string());
    match reduce::state_of(event) {
        Some(state) => format!("{state:?} {tag}"),
        None if tag.is_empty() => "message".to_owned(),
        None => tag,
    }
}
