//! The plots, one for each question, as SVG that any browser draws.

mod bars;
pub(super) mod lines;

use std::path::Path;

use super::Report;
use crate::Error;
use crate::compare::{Outcome, Turn, Workload};
use crate::server::Contender;
use bars::Group;
use lines::Line;

/// Writes all plots for which there are figures.
pub(crate) fn all(report: &Report, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder)?;
    let write = |name: &str, svg: String| std::fs::write(folder.join(name), svg);
    let streams = [Workload::Burst, Workload::Yield];
    let tasks = [Workload::Short, Workload::Echo];
    for (name, title, workloads, figure) in [
        ("tasks-rate.svg", "Tasks per second (more is better)", tasks, rate as fn(&Turn) -> f64),
        ("tasks-cpu.svg", "CPU ms per 1,000 tasks (less is better)", tasks, cpu),
        ("streams-rate.svg", "Chunks per second, streams of 500 (more is better)", streams, rate),
        ("streams-cpu.svg", "CPU ms per 1,000 chunks, streams of 500 (less is better)", streams, cpu),
    ] {
        let groups: Vec<Group> = workloads
            .into_iter()
            .flat_map(|workload| report.of(workload))
            .map(|found| group(found, figure))
            .collect();
        if !groups.is_empty() {
            write(name, bars::draw(title, &groups))?;
        }
    }
    for outcome in report.of(Workload::Fanout) {
        let title = "Agent to client, ms, 99th percentile, 200 streams on one task (less is better)";
        write("fan-out.svg", bars::draw(title, &[group(outcome, |turn| turn.p99)]))?;
    }
    for outcome in report.of(Workload::Idle) {
        let title = "KB of memory per idle stream (less is better)";
        write("idle.svg", bars::draw(title, &[group(outcome, |turn| turn.memory)]))?;
    }
    let long = report.of(Workload::Long);
    if let Some(first) = long.first() {
        let lines: Vec<Line> = first.turns.keys().map(|who| line(&long, *who)).collect();
        write("long-streams.svg", lines::draw("Time of one stream, ms, by its chunks", &lines))?;
    }
    Ok(())
}

fn rate(turn: &Turn) -> f64 {
    turn.rate
}

fn cpu(turn: &Turn) -> f64 {
    turn.cpu
}

fn group(outcome: &Outcome, figure: fn(&Turn) -> f64) -> Group {
    // A figure of streams that were cut would compare less work with more.
    let bars = outcome.turns.keys().map(|who| {
        let value = (outcome.cut(*who) == 0).then(|| outcome.median(*who, figure));
        (*who, value)
    });
    Group { title: outcome.workload.title().to_owned(), bars: bars.collect() }
}

fn line(outcomes: &[&Outcome], who: Contender) -> Line {
    let uncut = outcomes.iter().filter(|outcome| outcome.cut(who) == 0);
    let points =
        uncut.filter_map(|outcome| Some((f64::from(outcome.length?), outcome.median(who, |turn| turn.p50))));
    Line { label: who.title().to_owned(), colour: colour(who), points: points.collect() }
}

/// A colour for each contender, distinct in greyscale too.
fn colour(who: Contender) -> &'static str {
    match who {
        Contender::Floor => "#bbbbbb",
        Contender::Sdk => "#d98880",
        Contender::Peer => "#e5b567",
        Contender::Ours => "#1f618d",
        Contender::Three => "#5dade2",
        Contender::Hooked => "#85929e",
    }
}

/// Writes a figure with about three digits.
fn short(value: f64) -> String {
    match value {
        value if value >= 100_000.0 => format!("{:.0}k", value / 1000.0),
        value if value >= 1_000.0 => format!("{:.1}k", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Puts a drawing into a frame with a title.
fn frame(width: f64, height: f64, title: &str, drawing: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\">{title}</text>\n{drawing}</svg>\n"
    )
}
