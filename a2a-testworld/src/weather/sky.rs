//! What the weather is at the moment, what is left of all limits, and what was counted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::buckets::Buckets;
use super::call::{Call, Service};
use super::counts::Counts;
use super::dice::Draws;
use super::item::Item;
use super::line::Line;
use super::messaging;
use super::plan::Plan;
use super::rates::Rates;
use super::recent::{Pending, Recent};
use super::refusal::ServiceError;
use super::schema::Index;
use super::settings::{Network, ThrottlingName, Weather};
use super::wire::Throttled;

/// The state that all requests share.
#[derive(Debug)]
pub(super) struct Sky {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    since: Instant,
    buckets: Buckets,
    rates: Rates,
    recent: Recent,
    counts: Counts,
}

/// Units that a request was let pass with, before it is known what it costs.
#[derive(Debug, Default)]
pub(super) struct Reserved(Vec<Line>);

impl Sky {
    pub(super) fn new(weather: Weather) -> Self {
        let (buckets, rates, recent, counts) = Default::default();
        Sky { state: Mutex::new(State { weather, since: Instant::now(), buckets, rates, recent, counts }) }
    }

    /// Changes the weather from now on.
    pub(super) fn set(&self, weather: Weather) {
        let mut state = self.state();
        if weather.index_lag.is_none() {
            state.recent.clear();
        }
        if weather.limits != state.weather.limits {
            state.buckets.forget_growth();
        }
        (state.weather, state.since) = (weather, Instant::now());
    }

    pub(super) fn weather(&self) -> Weather {
        self.state().weather.clone()
    }

    pub(super) fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    pub(super) fn clear_counts(&self) {
        self.state().counts = Counts::default();
    }

    /// Counts something.
    pub(super) fn count(&self, note: impl FnOnce(&mut Counts)) {
        note(&mut self.state().counts);
    }

    /// What becomes of connections of an operation.
    pub(super) fn network(&self, call: &Call) -> Network {
        let network = self.state().weather.network.clone();
        match call.is_meant(&network.operations) {
            true => network,
            false => Network::default(),
        }
    }

    /// How long an answer takes.
    pub(super) fn latency(&self, service: Service, draws: &mut Draws) -> Duration {
        let state = self.state();
        let latency = match service {
            Service::DynamoDb => &state.weather.latency,
            Service::Sns => &state.weather.sns.latency,
            Service::Sqs => &state.weather.sqs.latency,
        };
        latency.as_ref().map_or(Duration::ZERO, |latency| latency.draw(&mut draws.more))
    }

    /// What the service refuses of an operation by itself.
    pub(super) fn refusal(&self, call: &Call, draws: &mut Draws) -> Option<ServiceError> {
        let state = self.state();
        let age = Instant::now() - state.since;
        let mut refused = None;
        for refusal in &state.weather.refusals {
            // Each draws in any case: what comes after it is drawn alike.
            let strikes = draws.more.f64() < refusal.chance;
            let lasts = refusal.lasts.is_none_or(|lasts| age < lasts);
            let is_meant = call.is_meant(&refusal.operations) && messaging::has(call.service, refusal.error);
            if strikes && lasts && is_meant {
                refused = refused.or(Some(refusal.error));
            }
        }
        refused
    }

    /// The action that a request needs and that is not allowed.
    pub(super) fn forbidden(&self, call: &Call, body: &Bytes) -> Option<String> {
        call.forbidden(self.state().weather.allowed.as_ref()?, body)
    }

    /// Whether the account may send one more request of this kind.
    pub(super) fn is_within_rates(&self, call: &Call, account: &str) -> bool {
        let mut state = self.state();
        let State { weather, rates, .. } = &mut *state;
        rates.pass(Instant::now(), &weather.rates, account, call)
    }

    /// The name under which throttling is told.
    pub(super) fn throttling(&self, draws: &Draws) -> ServiceError {
        let name = self.state().weather.limits.as_ref().map(|limits| limits.exception).unwrap_or_default();
        match (name, draws.coin) {
            (ThrottlingName::Throttling, _) | (ThrottlingName::Either, true) => ServiceError::Throttling,
            _ => ServiceError::ProvisionedThroughputExceeded,
        }
    }

    /// What keeps a single line from passing; counted, and nothing is reserved.
    pub(super) fn exceeded(&self, line: &Line, arn: impl Fn(&Line) -> String) -> Option<Throttled> {
        let mut state = self.state();
        let State { weather, buckets, counts, .. } = &mut *state;
        let limit = buckets.exceeded(Instant::now(), weather.limits.as_ref()?, line)?;
        let throttled = Throttled { reason: limit.reason(line), resource: arn(line) };
        counts.throttled(&line.table, line.index.as_deref(), &throttled.reason);
        Some(throttled)
    }

    /// What keeps each group of lines from passing; counted. Where `all_or_none`, no group passes unless all do. Those
    /// that pass have their units reserved.
    pub(super) fn admit(
        &self,
        groups: &[Vec<Line>],
        all_or_none: bool,
        arn: impl Fn(&Line) -> String,
    ) -> (Vec<Vec<Throttled>>, Reserved) {
        let mut state = self.state();
        let State { weather, buckets, counts, .. } = &mut *state;
        let Some(limits) = &weather.limits else {
            return (vec![Vec::new(); groups.len()], Reserved::default());
        };
        let now = Instant::now();
        let mut reserved = Vec::new();
        let mut found = Vec::with_capacity(groups.len());
        for lines in groups {
            let mut reasons = Vec::new();
            for line in lines {
                if let Some(limit) = buckets.exceeded(now, limits, line) {
                    let throttled = Throttled { reason: limit.reason(line), resource: arn(line) };
                    counts.throttled(&line.table, line.index.as_deref(), &throttled.reason);
                    if !reasons.contains(&throttled) {
                        reasons.push(throttled);
                    }
                }
            }
            if reasons.is_empty() {
                lines.iter().for_each(|line| buckets.take(now, limits, line));
                reserved.extend(lines.iter().cloned());
            }
            found.push(reasons);
        }
        if all_or_none && found.iter().any(|reasons| !reasons.is_empty()) {
            for line in reserved.drain(..) {
                buckets.take(now, limits, &Line { units: -line.units, ..line });
            }
        }
        (found, Reserved(reserved))
    }

    /// Charges what a request cost in the end, in place of what was reserved.
    pub(super) fn charge(&self, reserved: Reserved, lines: &[Line]) {
        let mut state = self.state();
        let State { weather, buckets, counts, .. } = &mut *state;
        if let Some(limits) = &weather.limits {
            let now = Instant::now();
            for line in reserved.0 {
                buckets.take(now, limits, &Line { units: -line.units, ..line });
            }
            lines.iter().for_each(|line| buckets.take(now, limits, line));
        }
        lines.iter().for_each(|line| counts.charge(line));
    }

    /// Hides what a write changes of indexes, where these lag.
    pub(super) fn hide(&self, plan: &Plan) -> Vec<Pending> {
        let mut state = self.state();
        if state.weather.index_lag.is_none() {
            return Vec::new();
        }
        let mut begin = |index: &Index| {
            let [before, _] = plan.entries(index);
            state.recent.begin(&plan.table, &index.name, &plan.identity, before)
        };
        plan.schema.indexes.iter().map(&mut begin).collect()
    }

    /// Tells when indexes show a write that was applied, or that it changed nothing of them.
    pub(super) fn reveal(&self, plan: &Plan, pending: Vec<Pending>, applied: bool, draws: &mut Draws) {
        let mut state = self.state();
        let State { weather, recent, .. } = &mut *state;
        let now = Instant::now();
        for (index, pending) in plan.schema.indexes.iter().zip(pending) {
            let [before, after] = plan.entries(index);
            match &weather.index_lag {
                Some(lag) if applied && before != after => {
                    recent.applied(pending, now, now + lag.draw(&mut draws.more));
                }
                _ => recent.void(&pending),
            }
        }
    }

    /// What an index still shows in place of what it has.
    pub(super) fn shown(&self, table: &str, index: &str) -> HashMap<String, Option<Item>> {
        self.state().recent.shown(table, index, Instant::now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
