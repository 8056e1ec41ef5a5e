//! What one kind of weather did to a cluster's clients, and whether that may be.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use a2a_testworld::weather::Counts;

use super::callers::Fate;
use super::kinds::Kind;
use super::watch::Seen;

/// How soon all is well again.
const RECOVERED: Duration = Duration::from_secs(10);
/// How long what is admitted in overload may take, its agent's own time left out; 99 of 100.
const ADMITTED: Duration = Duration::from_secs(5);
/// How long a refusal may take: what clients of a request wait for the store, and some.
const REFUSED: Duration = Duration::from_secs(8);
/// The least share of the capacity that is used for tasks that get done.
const THROUGHPUT: f64 = 0.9;

/// The figures of one kind of weather.
#[derive(Debug, Default)]
pub struct Figures {
    /// What it is called.
    pub kind: &'static str,
    /// How long it lasted.
    pub took: Duration,
    /// Tasks that clients asked for.
    pub offered: usize,
    /// Those that began.
    pub admitted: usize,
    /// Those that were refused with a time to retry after.
    pub refused: usize,
    /// Those whose clients were told their end.
    pub done: usize,
    /// Tasks that failed, which no agent said.
    pub failed: usize,
    /// Tasks that a client was told of, and that are not there, do not end, or lack something.
    pub lost: usize,
    /// Members that were declared dead.
    pub evicted: usize,
    /// Streams that broke, hang or lack something, in words and how often.
    pub broken: BTreeMap<String, usize>,
    /// Errors without a time to retry after, in words and how often.
    pub wrong: BTreeMap<String, usize>,
    /// Done before the weather's end, times what a task costs, as a share of what the table took in that time.
    pub goodput: f64,
    /// Units that were consumed, as a share of what the table took in that time.
    pub consumed: f64,
    /// From asking to the task's first event: half, and 99 of 100.
    pub first: [Duration; 2],
    /// From asking to the task's end, without the agent's own time: half, and 99 of 100.
    pub whole: [Duration; 2],
    /// The same until the end was seen on another instance.
    pub elsewhere: [Duration; 2],
    /// How long refusals took: half, and 99 of 100.
    pub refusals: [Duration; 2],
    /// The most clients that waited at once.
    pub waiting: usize,
    /// The most memory of the process, in MiB, with the table and the clients.
    pub memory: usize,
    /// The longest time in which the record of one member did not move.
    pub stood_still: Duration,
    /// The most instances that were not ready at once.
    pub unready: usize,
    /// From the weather's end until all instances took messages, and all tasks that had begun were done.
    pub recovered: Duration,
    /// What the weather did: requests that arrived, and those that were not answered well.
    pub weather: String,
    why_unready: Option<String>,
    may_be_unready: bool,
    is_overload: bool,
}

impl Figures {
    pub(super) fn of(kind: &Kind, took: Duration, recovered: Duration, fates: &[Fate], seen: Seen) -> Self {
        let mut figures = Figures {
            kind: kind.name,
            took,
            recovered,
            offered: fates.len(),
            waiting: seen.waiting,
            memory: seen.memory,
            stood_still: seen.stood_still,
            unready: seen.unready,
            why_unready: seen.why_unready,
            may_be_unready: kind.may_be_unready,
            is_overload: kind.is_overload,
            ..Figures::default()
        };
        let [mut firsts, mut wholes, mut elsewheres, mut refusals] = [const { Vec::new() }; 4];
        for fate in fates {
            match fate {
                Fate::Done { first, whole, elsewhere, streams, .. } => {
                    elsewheres.extend(*elsewhere);
                    figures.done += 1;
                    firsts.push(*first);
                    wholes.push(*whole);
                    streams.iter().for_each(|why| *figures.broken.entry(why.clone()).or_default() += 1);
                }
                Fate::Broken { why, .. } => *figures.broken.entry(why.clone()).or_default() += 1,
                Fate::Refused { after } => refusals.push(*after),
                Fate::Wrong(why) => *figures.wrong.entry(why.clone()).or_default() += 1,
            }
        }
        figures.refused = refusals.len();
        figures.admitted = figures.offered - figures.refused - figures.wrong.values().sum::<usize>();
        figures.first = percentiles(firsts);
        figures.whole = percentiles(wholes);
        figures.elsewhere = percentiles(elsewheres);
        figures.refusals = percentiles(refusals);
        figures
    }

    pub(super) fn told(&mut self, counts: &Counts) {
        let sum = |of: fn(&a2a_testworld::weather::Outcomes) -> u64| {
            counts.operations.values().map(of).sum::<u64>()
        };
        self.weather = format!(
            "{} requests: {} throttled, {} cancelled, {} refused, {} reset, {} unanswered, {} answers lost; {:?}",
            sum(|of| of.requests),
            sum(|of| of.throttled),
            sum(|of| of.cancelled),
            sum(|of| of.refused),
            sum(|of| of.reset),
            sum(|of| of.unanswered),
            sum(|of| of.lost),
            counts.reasons,
        );
    }

    /// What should not be, in words.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong_within(1)
    }

    /// The same where waits may be so many times as long, on a machine that does other things as well, and where an instance may
    /// say that it is not ready.
    pub fn wrong_within(&self, times: u32) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut must = |holds: bool, why: String| {
            if !holds {
                wrong.push(format!("{}: {why}", self.kind));
            }
        };
        must(self.failed == 0, format!("{} tasks failed, which no agent said", self.failed));
        must(self.lost == 0, format!("{} tasks are lost", self.lost));
        must(self.evicted == 0, format!("{} living members were evicted", self.evicted));
        must(self.broken.is_empty(), format!("streams are not whole: {:?}", self.broken));
        must(self.wrong.is_empty(), format!("errors without a time to retry after: {:?}", self.wrong));
        must(self.refusals[1] <= REFUSED * times, format!("refusals took {:?}", self.refusals[1]));
        must(self.recovered <= RECOVERED * times, format!("all was well only {:?} later", self.recovered));
        let why = self.why_unready.as_deref().unwrap_or_default();
        must(
            times > 1 || self.may_be_unready || self.unready == 0,
            format!("{} instances were {why}", self.unready),
        );
        if self.is_overload {
            let (goodput, whole) = (self.goodput, self.whole[1]);
            must(goodput >= THROUGHPUT, format!("{:.0} % of the capacity is used", goodput * 100.0));
            must(whole < ADMITTED, format!("what was admitted took {whole:?}"));
        }
        wrong
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |[half, most]: [Duration; 2]| format!("{} and {} ms", half.as_millis(), most.as_millis());
        writeln!(f, "{} for {:.0} s", self.kind, self.took.as_secs_f64())?;
        writeln!(
            f,
            "    {} offered, {} refused with a time to retry after, {} admitted, {} done",
            self.offered, self.refused, self.admitted, self.done
        )?;
        writeln!(
            f,
            "    {} failed, {} lost, {} evicted, {} streams not whole, {} other errors, {} not ready at once",
            self.failed,
            self.lost,
            self.evicted,
            self.broken.values().sum::<usize>(),
            self.wrong.values().sum::<usize>(),
            self.unready
        )?;
        writeln!(f, "    the longest pause of a member's beats: {:.1} s", self.stood_still.as_secs_f64())?;
        writeln!(
            f,
            "    half and 99 of 100: first event {}, end {}, end elsewhere {}, refusal {}",
            ms(self.first),
            ms(self.whole),
            ms(self.elsewhere),
            ms(self.refusals)
        )?;
        writeln!(
            f,
            "    throughput {:.0} % of the capacity ({:.0} % of its units consumed), at most {} wait, {} MiB, recovered in {:.1} s",
            self.goodput * 100.0,
            self.consumed * 100.0,
            self.waiting,
            self.memory,
            self.recovered.as_secs_f64()
        )?;
        writeln!(f, "    {}", self.weather)
    }
}

/// The middle, and what 99 of 100 did not exceed.
fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let last = times.len().saturating_sub(1);
        times.get((last * hundredths).div_ceil(100)).copied().unwrap_or_default()
    };
    [at(50), at(99)]
}
