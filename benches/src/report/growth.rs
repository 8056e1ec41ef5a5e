//! How load grows: a plot for each question, and a table of what matters most.

use std::fmt::Write;

use super::plot::lines::{Line, PALETTE};
use crate::Error;
use crate::curve::Curve;

/// The rows of the table: the question, its figure, and what it says.
const ROWS: [(&str, &str, &str); 19] = [
    ("idle", "write units", "an idle instance: write units a minute"),
    ("idle", "read units", "read units a minute"),
    ("idle", "polls", "polls a minute"),
    ("starts", "calls of a start", "a start, all at once: store calls"),
    ("starts", "calls of a leave", "a leave, half at once: store calls"),
    ("deaths", "calls", "a death with ten tasks: store calls of all others"),
    ("mass-death", "calls", "a death of half at once, each with a task: store calls of all survivors"),
    ("mass-death", "seconds to the last", "seconds until nobody dead is on record"),
    ("bystanders", "messages", "an event, 5 streams elsewhere: messages"),
    ("bystanders", "store calls", "its store calls"),
    ("watchers", "messages", "an event, streams on as many instances: messages"),
    ("watchers", "store calls", "its store calls"),
    ("readers", "messages", "an event, all streams on one other instance: messages"),
    ("joining", "store calls", "a stream that joins on another instance: store calls"),
    ("joining", "write units", "its write units"),
    ("followed", "store calls", "a silent stream elsewhere: store calls a minute"),
    ("tasks", "write units", "a short task: write units"),
    ("length", "store calls", "a chunk of a slow stream, one stream elsewhere: store calls"),
    ("length", "bytes sent", "its bytes sent"),
];

/// Makes the table.
pub(super) fn table(curves: &[Curve]) -> Result<String, Error> {
    let mut table = String::from("| counted | along | from | to | first | last | exponent |\n");
    table.push_str("|---|---|--:|--:|--:|--:|--:|\n");
    for (name, figure, words) in ROWS {
        let missing = || format!("nothing is recorded of {figure} in {name}");
        let curve = curves.iter().find(|curve| curve.name == name).ok_or_else(missing)?;
        let line = curve.line(figure);
        let ((from, first), (to, last)) = line.first().zip(line.last()).ok_or_else(missing)?;
        let exponent = curve.exponent(figure).unwrap_or_default();
        // Without the sign of a zero.
        let exponent = (exponent * 100.0).round() / 100.0 + 0.0;
        let (along, first, last) = (&curve.along, short(*first), short(*last));
        writeln!(table, "| {words} | {along} | {from} | {to} | {first} | {last} | {exponent:.2} |")?;
    }
    Ok(table)
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns the plots: names, titles and lines.
pub(super) fn plots(curves: &[Curve]) -> impl Iterator<Item = (String, String, Vec<Line>)> {
    curves.iter().map(|curve| {
        let figures = curve.figures().into_iter().map(|figure| (figure, curve.line(figure)));
        let lines = figures.filter(|(_, points)| points.len() > 1).zip(PALETTE.into_iter().cycle());
        let lines = lines.map(|((figure, points), colour)| Line { label: figure.to_owned(), colour, points });
        (format!("grow-{}.svg", curve.name), format!("{}, by {}", curve.title, curve.along), lines.collect())
    })
}
