//! How load grows with instances, streams, tasks and events: the product's own instances, as many as are asked for, in
//! one process and in virtual time, over in-memory backends that count each call.

mod bus;
mod counted;
mod counters;
pub(crate) mod fleet;
mod idle;
mod membership;
mod scale;
mod streams;
mod tasks;
pub(crate) mod unhooked;

#[cfg(test)]
mod tests;

use clap::Args;
use tokio::runtime::Builder;

use crate::Error;
use crate::curve::{Curve, Point};
use crate::report::shown;
use scale::Scale;

/// What to count.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Only the questions whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
    /// Fewer instances, streams, tasks and events.
    #[arg(long)]
    quick: bool,
    /// Records what was counted in `benches/results`, and redraws what shows it.
    #[arg(long, conflicts_with_all = ["only", "quick"])]
    record: bool,
}

/// Counts, prints and judges. Blocks for as long as that takes.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let scale = if options.quick { Scale::small() } else { Scale::full() };
    let mut curves = Vec::new();
    for question in QUESTIONS.iter().filter(|question| question.name.contains(&options.only)) {
        let curve = question.answer(&scale)?;
        curve.print();
        curves.push(curve);
    }
    if options.record {
        std::fs::write(shown::growth_file(), serde_json::to_string_pretty(&curves)? + "\n")?;
        shown::redraw()?;
    }
    Ok(())
}

/// One thing to know.
struct Question {
    name: &'static str,
    title: &'static str,
    along: &'static str,
    claim: f64,
    places: fn(&Scale) -> &[usize],
    count: fn(&Scale, usize) -> Result<Point, Error>,
}

impl Question {
    fn answer(&self, scale: &Scale) -> Result<Curve, Error> {
        let points = (self.places)(scale).iter().map(|place| (self.count)(scale, *place));
        Ok(Curve {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            along: self.along.to_owned(),
            claim: self.claim,
            points: points.collect::<Result<_, Error>>()?,
        })
    }
}

const FLAT: f64 = 0.0;
const LINEAR: f64 = 1.0;
/// An instance that starts reads up to four pages of members, once: whoever follows it is to be known before it dies.
const NEARLY_FLAT: f64 = 0.1;

const QUESTIONS: [Question; 11] = [
    Question {
        name: "idle",
        title: "An idle instance in a minute",
        along: "instances",
        claim: FLAT,
        places: |scale| &scale.instances,
        count: |_, place| simulate(idle::minute(place)),
    },
    Question {
        name: "joining",
        title: "A stream that joins a task, each on an instance of its own",
        along: "streams",
        claim: FLAT,
        places: |scale| &scale.joining,
        count: |scale, place| simulate(streams::joining(scale.most_instances(), place)),
    },
    Question {
        name: "watchers",
        title: "An event whose task has streams on as many other instances",
        along: "streams",
        claim: LINEAR,
        places: |scale| &scale.watchers,
        count: |scale, place| simulate(streams::watched(scale.most_instances(), place, place)),
    },
    Question {
        name: "bystanders",
        title: "An event with five streams elsewhere",
        along: "instances",
        claim: FLAT,
        places: |scale| &scale.instances,
        count: |_, place| simulate(streams::watched(place, 5, place)),
    },
    Question {
        name: "readers",
        title: "An event with all its streams on one other instance",
        along: "streams",
        claim: FLAT,
        places: |scale| &scale.streams,
        count: |_, place| simulate(streams::on_one(place)),
    },
    Question {
        name: "followed",
        title: "A silent stream of a task elsewhere, in a minute",
        along: "streams",
        claim: FLAT,
        places: |scale| &scale.streams,
        count: |_, place| simulate(streams::followed(place)),
    },
    Question {
        name: "tasks",
        title: "A short task of many at once, on ten instances",
        along: "tasks",
        claim: FLAT,
        places: |scale| &scale.tasks,
        count: |_, place| simulate(tasks::at_once(place)),
    },
    Question {
        name: "length",
        title: "A chunk of a slow stream, with one stream elsewhere",
        along: "chunks",
        claim: FLAT,
        places: |scale| &scale.chunks,
        count: |_, place| simulate(tasks::long(place)),
    },
    Question {
        name: "deaths",
        title: "A death with ten tasks, for all others together",
        along: "instances",
        claim: FLAT,
        places: |scale| &scale.instances,
        count: |_, place| simulate(membership::death(place)),
    },
    Question {
        name: "mass-death",
        title: "A death of half at once, each with a task, for all survivors",
        along: "instances",
        claim: FLAT,
        places: |scale| &scale.instances,
        count: |_, place| simulate(membership::mass_death(place)),
    },
    Question {
        name: "starts",
        title: "A start, all at once, and a leave, half at once",
        along: "instances",
        claim: NEARLY_FLAT,
        places: |scale| &scale.instances,
        count: |_, place| simulate(membership::coming_and_going(place)),
    },
];

/// Runs in virtual time, on one thread.
fn simulate(counting: impl Future<Output = Result<Point, Error>>) -> Result<Point, Error> {
    Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(counting)
}
