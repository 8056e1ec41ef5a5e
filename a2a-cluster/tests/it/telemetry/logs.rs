//! Captures what is logged, spans included, at trace level.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;

/// Everything that this thread logs under a target of ours, for as long as this lives.
///
/// Other crates' targets are left out: an HTTP library that logs headers at trace level is for whoever turns
/// its logs on.
pub(crate) struct Logs {
    lines: Lines,
    _guard: DefaultGuard,
    /// With one subscriber alone, a log line that another test's thread reaches first stays off for all.
    _second: Dispatch,
}

impl Logs {
    pub(crate) fn capture() -> Self {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_writer(lines.clone())
            .with_filter(filter_fn(|metadata| metadata.target().starts_with("a2a")));
        let subscriber = tracing_subscriber::registry().with(layer);
        let second = Dispatch::new(NoSubscriber::new());
        Logs { lines, _guard: tracing::subscriber::set_default(subscriber), _second: second }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The ends of spans of this name: each with its fields, without the spans around it.
    pub(crate) fn spans(&self, name: &str) -> Vec<String> {
        let begin = format!("{name}{{");
        let text = self.text();
        let closed = text
            .lines()
            .filter_map(|line| line.split_once(": a2a_cluster").filter(|(_, rest)| rest.contains(": close")));
        let innermost = closed.filter_map(|(spans, _)| {
            let at = spans.rfind(&begin).filter(|at| spans[*at..].matches('{').count() == 1)?;
            Some(spans[at..].to_owned())
        });
        innermost.collect()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}
