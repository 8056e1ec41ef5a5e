//! What a message's text asks of the built-in agent, and what is wrong with it when it asks badly.

use std::str::FromStr;
use std::time::Duration;

use super::chunk::MAX_NUMBER;

/// The longest pause between two chunks, in milliseconds.
const MAX_GAP_MS: u64 = 60_000;
/// The longest `wait`, in seconds.
const MAX_WAIT_SECONDS: f64 = 86_400.0;
/// The largest `big` artifact, in KiB.
const MAX_BIG_KB: usize = 16_384;

/// One row of the agent's manual.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The first word that selects the command.
    pub(crate) word: &'static str,
    /// How to write it.
    pub(crate) usage: &'static str,
    /// What it does, in one sentence.
    pub(crate) summary: &'static str,
    /// A text that works.
    pub(crate) example: &'static str,
}

/// All commands in the order in which the agent card shows them.
pub(crate) const CATALOG: [Entry; 7] = [
    Entry {
        word: "echo",
        usage: "echo TEXT",
        summary: "Completes with TEXT as its artifact. Any text that is no command is echoed too.",
        example: "echo hello",
    },
    Entry {
        word: "stream",
        usage: "stream N MS",
        summary: "Streams N artifact chunks of 120 bytes, MS milliseconds apart. A chunk's text is its number \
                  from 000001 on, the UNIX time in nanoseconds at which it was made, and padding, \
                  separated by |.",
        example: "stream 20 100",
    },
    Entry {
        word: "ask",
        usage: "ask",
        summary: "Asks for more input, then completes with the next message's text as its artifact.",
        example: "ask",
    },
    Entry {
        word: "wait",
        usage: "wait SECONDS",
        summary: "Works for so long, or until it is cancelled.",
        example: "wait 30",
    },
    Entry { word: "fail", usage: "fail", summary: "Fails.", example: "fail" },
    Entry {
        word: "message",
        usage: "message TEXT",
        summary: "Answers with a plain message and leaves no task.",
        example: "message hello",
    },
    Entry {
        word: "big",
        usage: "big KB",
        summary: "Completes with one artifact of so many KiB.",
        example: "big 500",
    },
];

/// What the agent is to do in one turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Complete with this text as artifact.
    Echo(String),
    /// Emit so many chunks with a pause between them.
    Stream { chunks: u32, gap: Duration },
    /// Park the task with a question.
    Ask,
    /// Work for so long.
    Wait(Duration),
    /// Fail the task.
    Fail,
    /// Answer with a message instead of a task.
    Message(String),
    /// Complete with an artifact of so many bytes.
    Big { bytes: usize },
}

/// A command whose arguments cannot be used; its text tells the sender how to write it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{problem}. Usage: {usage}, for example: {example}")]
pub(crate) struct Misuse {
    problem: String,
    usage: &'static str,
    example: &'static str,
}

impl Command {
    /// Reads a command from a message's text; what begins with no command's word is an echo of the whole text.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when the word is a command's and its arguments are missing, extra, not numbers or out of bounds.
    pub(crate) fn parse(text: &str) -> Result<Self, Misuse> {
        let line = text.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let Some(entry) = CATALOG.iter().find(|entry| entry.word.eq_ignore_ascii_case(word)) else {
            return Ok(Self::Echo(text.to_owned()));
        };
        let arguments = Arguments { entry, rest: rest.trim() };
        match entry.word {
            "stream" => {
                let [chunks, gap] = arguments.words(["N", "MS"])?;
                Ok(Self::Stream {
                    chunks: arguments.number("N", chunks, 1, MAX_NUMBER)?,
                    gap: Duration::from_millis(arguments.number("MS", gap, 0, MAX_GAP_MS)?),
                })
            }
            "wait" => {
                let [seconds] = arguments.words(["SECONDS"])?;
                let seconds = arguments.number("SECONDS", seconds, 0.0, MAX_WAIT_SECONDS)?;
                Ok(Self::Wait(Duration::from_secs_f64(seconds)))
            }
            "big" => {
                let [kilobytes] = arguments.words(["KB"])?;
                Ok(Self::Big { bytes: arguments.number("KB", kilobytes, 1, MAX_BIG_KB)? * 1024 })
            }
            "message" => arguments.text().map(Self::Message),
            "ask" if rest.is_empty() => Ok(Self::Ask),
            "fail" if rest.is_empty() => Ok(Self::Fail),
            "echo" => arguments.text().map(Self::Echo),
            _ => Ok(Self::Echo(text.to_owned())),
        }
    }
}

/// What follows a command's word.
struct Arguments<'a> {
    entry: &'static Entry,
    rest: &'a str,
}

impl<'a> Arguments<'a> {
    fn text(&self) -> Result<String, Misuse> {
        if self.rest.is_empty() { Err(self.misuse("TEXT is missing")) } else { Ok(self.rest.to_owned()) }
    }

    fn words<const N: usize>(&self, names: [&str; N]) -> Result<[&'a str; N], Misuse> {
        let words: Vec<&str> = self.rest.split_whitespace().collect();
        if let Some(missing) = names.get(words.len()) {
            return Err(self.misuse(format!("{missing} is missing")));
        }
        words.try_into().map_err(|_| self.misuse("There are too many arguments"))
    }

    fn number<T>(&self, name: &str, word: &str, min: T, max: T) -> Result<T, Misuse>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let expected = || self.misuse(format!("{name} must be a number from {min} to {max}"));
        let number: T = word.parse().map_err(|_| expected())?;
        if number >= min && number <= max { Ok(number) } else { Err(expected()) }
    }

    fn misuse(&self, problem: impl Into<String>) -> Misuse {
        Misuse { problem: problem.into(), usage: self.entry.usage, example: self.entry.example }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_selects_its_command() {
        let echo = |text: &str| Command::Echo(text.into());
        let millis = Duration::from_millis;
        let table = [
            ("echo hello  world", echo("hello  world")),
            ("ECHO hello", echo("hello")),
            ("echo stream 3 4", echo("stream 3 4")),
            ("what is this", echo("what is this")),
            ("  kept as it is ", echo("  kept as it is ")),
            ("", echo("")),
            ("streams 3 4", echo("streams 3 4")),
            ("stream 3 0", Command::Stream { chunks: 3, gap: Duration::ZERO }),
            (" stream\t100000   60000 ", Command::Stream { chunks: 100_000, gap: millis(60_000) }),
            ("ask", Command::Ask),
            ("Ask ", Command::Ask),
            ("ask me anything", echo("ask me anything")),
            ("wait 30", Command::Wait(millis(30_000))),
            ("wait 0.25", Command::Wait(millis(250))),
            ("fail", Command::Fail),
            ("fail fast", echo("fail fast")),
            ("message hi there", Command::Message("hi there".into())),
            ("big 2", Command::Big { bytes: 2048 }),
            ("big 16384", Command::Big { bytes: 16_777_216 }),
        ];
        for (text, expected) in table {
            assert_eq!(Command::parse(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn bad_arguments_are_answered_with_the_problem_and_the_usage() {
        let table = [
            ("stream", "N is missing"),
            ("stream 5", "MS is missing"),
            ("stream 5 6 7", "too many"),
            ("stream five 6", "N must be a number from 1 to 100000"),
            ("stream 0 6", "N must be"),
            ("stream 100001 6", "N must be"),
            ("stream -1 6", "N must be"),
            ("stream 5 -6", "MS must be a number from 0 to 60000"),
            ("stream 5 60001", "MS must be"),
            ("wait", "SECONDS is missing"),
            ("wait for me", "too many"),
            ("wait NaN", "SECONDS must be a number from 0 to 86400"),
            ("wait inf", "SECONDS must be"),
            ("wait -1", "SECONDS must be"),
            ("big", "KB is missing"),
            ("big 0", "KB must be a number from 1 to 16384"),
            ("big 99999999999999999999", "KB must be"),
            ("echo", "TEXT is missing"),
            ("message  ", "TEXT is missing"),
        ];
        for (text, problem) in table {
            let said = Command::parse(text).expect_err(text).to_string();
            assert!(said.contains(problem) && said.contains("Usage: "), "{text:?}: {said}");
        }
    }

    #[test]
    fn every_example_in_the_catalog_is_its_own_command() {
        for entry in &CATALOG {
            let command = Command::parse(entry.example);
            assert!(command.is_ok(), "{}", entry.example);
            assert!(entry.usage.starts_with(entry.word) && entry.example.starts_with(entry.word));
            assert_ne!(command, Ok(Command::Echo(entry.example.into())), "{} is a command", entry.word);
        }
    }
}
