//! From a message's text to a script.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use a2a::TaskState;

use super::script::{Script, Step};
use super::text::Text;

/// A text that begins as a script does, and goes on as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such step: {}", self.0)
    }
}

impl std::error::Error for Misuse {}

impl Script {
    /// Reads what a message tells an agent: a script, a command, or a text to say back.
    ///
    /// # Errors
    ///
    /// Where it is a script, and something in it no step.
    pub fn read(text: &str) -> Result<Self, Misuse> {
        if let Some(script) = text.strip_prefix("do ") {
            return script.parse();
        }
        if let Some(script) = command(text) {
            return script;
        }
        match step(first_of(text)) {
            Ok(_) => text.parse(),
            Err(_) => Ok(Script::new().then(Step::Say(text.to_owned())).done()),
        }
    }

    /// Reads a text that is a script or a command. `None` where it is another.
    pub(super) fn written(text: &str) -> Option<Self> {
        let is_one = text.starts_with("do ") || command(text).is_some() || step(first_of(text)).is_ok();
        is_one.then(|| Script::read(text).ok()).flatten()
    }
}

impl FromStr for Script {
    type Err = Misuse;

    fn from_str(text: &str) -> Result<Self, Misuse> {
        let (turn, cancel) = match text.split_once(" / ") {
            Some((turn, cancel)) => (turn, Some(cancel)),
            None => (text, None),
        };
        let cancel = cancel.map_or_else(|| Ok(Script::new().cancel), steps)?;
        Ok(Script { turn: steps(turn)?, cancel })
    }
}

fn first_of(text: &str) -> &str {
    let turn = text.split(" / ").next().unwrap_or(text);
    turn.split(';').next().unwrap_or(turn)
}

fn steps(text: &str) -> Result<Vec<Step>, Misuse> {
    text.split(';').map(|text| step(text.trim())).collect()
}

/// The script for which a text of one step stands, if it is a command.
fn command(text: &str) -> Option<Result<Script, Misuse>> {
    if text.contains(';') || text.contains(" / ") {
        return None;
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let script = match word {
        "echo" => {
            // Whatever it is that is said back.
            return Some(Ok(Script::new().then(Step::Say(rest.to_owned())).done()));
        }
        "stream" => format!("work; talk {rest}; done"),
        "burst" => format!("work; burst {rest}; done"),
        "quiet" => format!("sleep {rest}; say done; done"),
        "hang" => "work; hang".to_owned(),
        "stubborn" => "work; hang / hang".to_owned(),
        "refuse" if rest.is_empty() => "work; hang / refuse".to_owned(),
        "refuse" => format!("work; sleep {rest}; done / refuse"),
        _ => return None,
    };
    Some(script.parse())
}

fn step(text: &str) -> Result<Step, Misuse> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let words = Words { step: text, rest };
    Ok(match verb {
        "work" => Step::Show(TaskState::Working),
        "ask" => Step::Show(TaskState::InputRequired),
        "auth" => Step::Show(TaskState::AuthRequired),
        "done" => Step::Show(TaskState::Completed),
        "fail" => Step::Show(TaskState::Failed),
        "reject" => Step::Show(TaskState::Rejected),
        "canceled" => Step::Show(TaskState::Canceled),
        "say" => Step::Say(rest.to_owned()),
        "burst" => Step::Burst { chunks: words.number(0)?, text: words.text(1)? },
        "talk" => {
            let chunks = Some(words.number(0)?).filter(|chunks| *chunks > 0);
            Step::Talk { chunks, pause: words.time(1)?, text: words.text(2)? }
        }
        "tick" => Step::Tick { chunks: words.number(0)?, every: words.time(1)?, text: words.text(2)? },
        "count" => {
            let pause = if words.word(2).is_ok() { words.time(2)? } else { Duration::ZERO };
            Step::Count { from: words.number(0)?, to: words.number(1)?, pause }
        }
        "data" => Step::Data(words.number(0)?),
        "who" => Step::Who,
        "show" => Step::ShowTask { times: words.number(0)?, pause: words.time(1)? },
        "message" => Step::Message(rest.to_owned()),
        "deep" => Step::Deep(words.number(0)?),
        "stray" => Step::Stray,
        "sleep" => Step::Sleep(words.time(0)?),
        "hang" => Step::Hang,
        "latch" => Step::Latch(rest.to_owned()),
        "block" => Step::Block(words.time(0)?),
        "block-once" => Step::BlockOnce(words.time(0)?),
        "block-again" => Step::BlockAgain(words.time(0)?),
        "block-at" => Step::BlockAt(rest.to_owned()),
        "panic" => Step::Panic(rest.to_owned()),
        "panic-nastily" => Step::PanicNastily,
        "bomb" => Step::Bomb,
        "panic-in-call" => Step::PanicInCall,
        "error" => Step::Error(rest.to_owned()),
        "unsupported" => Step::Unsupported(rest.to_owned()),
        "refuse" => Step::Refuse,
        _ => return Err(Misuse(text.to_owned())),
    })
}

/// What follows the verb of a step.
struct Words<'a> {
    step: &'a str,
    rest: &'a str,
}

impl Words<'_> {
    fn word(&self, at: usize) -> Result<&str, Misuse> {
        self.rest.split_ascii_whitespace().nth(at).ok_or_else(|| self.misuse())
    }

    fn number(&self, at: usize) -> Result<usize, Misuse> {
        self.word(at)?.parse().map_err(|_| self.misuse())
    }

    fn time(&self, at: usize) -> Result<Duration, Misuse> {
        let word = self.word(at)?;
        let time = match word.strip_suffix("us") {
            Some(micros) => micros.parse().map(Duration::from_micros),
            None => word.parse().map(Duration::from_millis),
        };
        time.map_err(|_| self.misuse())
    }

    /// What chunks say; numbers where nothing is said of it.
    fn text(&self, at: usize) -> Result<Text, Misuse> {
        let Ok(word) = self.word(at) else { return Ok(Text::Number(0)) };
        let (kind, size) = word.split_once(':').unwrap_or(("", word));
        let size = size.parse().map_err(|_| self.misuse())?;
        match kind {
            "" => Ok(Text::Number(size)),
            "prose" => Ok(Text::Prose(size)),
            "noise" => Ok(Text::Noise(size)),
            "stamp" => Ok(Text::Stamp(size)),
            _ => Err(self.misuse()),
        }
    }

    fn misuse(&self) -> Misuse {
        Misuse(self.step.to_owned())
    }
}
