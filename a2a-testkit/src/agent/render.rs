//! From a script to the text of a message.

use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

use a2a::TaskState;

use super::script::{Script, Step};
use super::text::Text;

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text = |steps: &[Step]| steps.iter().map(Step::to_string).collect::<Vec<_>>().join("; ");
        write!(f, "do {}", text(&self.turn))?;
        if self.cancel != Script::default().cancel {
            write!(f, " / {}", text(&self.cancel))?;
        }
        Ok(())
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Step::Show(TaskState::Working) => f.write_str("work"),
            Step::Show(TaskState::InputRequired) => f.write_str("ask"),
            Step::Show(TaskState::AuthRequired) => f.write_str("auth"),
            Step::Show(TaskState::Completed) => f.write_str("done"),
            Step::Show(TaskState::Failed) => f.write_str("fail"),
            Step::Show(TaskState::Rejected) => f.write_str("reject"),
            Step::Show(TaskState::Canceled) => f.write_str("canceled"),
            Step::Show(other) => panic!("no step shows {other:?}"),
            Step::Say(text) => write!(f, "say {text}"),
            Step::Burst { chunks, text } => write!(f, "burst {chunks} {text}"),
            Step::Talk { chunks, pause, text } => {
                write!(f, "talk {} {} {text}", chunks.unwrap_or(0), time(*pause))
            }
            Step::Tick { chunks, every, text } => write!(f, "tick {chunks} {} {text}", time(*every)),
            Step::Count { from, to, pause } => write!(f, "count {from} {to} {}", time(*pause)),
            Step::Data(depth) => write!(f, "data {depth}"),
            Step::Who => f.write_str("who"),
            Step::ShowTask { times, pause } => write!(f, "show {times} {}", time(*pause)),
            Step::Message(text) => write!(f, "message {text}"),
            Step::Deep(depth) => write!(f, "deep {depth}"),
            Step::Stray => f.write_str("stray"),
            Step::Sleep(pause) => write!(f, "sleep {}", time(*pause)),
            Step::Hang => f.write_str("hang"),
            Step::Latch(name) => write!(f, "latch {name}"),
            Step::Block(pause) => write!(f, "block {}", time(*pause)),
            Step::BlockOnce(pause) => write!(f, "block-once {}", time(*pause)),
            Step::BlockAgain(pause) => write!(f, "block-again {}", time(*pause)),
            Step::BlockAt(name) => write!(f, "block-at {name}"),
            Step::Panic(text) if text.is_empty() => f.write_str("panic"),
            Step::Panic(text) => write!(f, "panic {text}"),
            Step::PanicNastily => f.write_str("panic-nastily"),
            Step::Bomb => f.write_str("bomb"),
            Step::PanicInCall => f.write_str("panic-in-call"),
            Step::Error(text) => write!(f, "error {text}"),
            Step::Unsupported(text) => write!(f, "unsupported {text}"),
            Step::Refuse => f.write_str("refuse"),
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Text::Number(width) => write!(f, "{width}"),
            Text::Prose(bytes) => write!(f, "prose:{bytes}"),
            Text::Noise(bytes) => write!(f, "noise:{bytes}"),
            Text::Stamp(bytes) => write!(f, "stamp:{bytes}"),
        }
    }
}

fn time(time: Duration) -> String {
    if time.subsec_nanos().is_multiple_of(1_000_000) {
        time.as_millis().to_string()
    } else {
        format!("{}us", time.as_micros())
    }
}
