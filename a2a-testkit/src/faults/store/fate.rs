//! The fate of one call, drawn before it begins.

use std::time::Duration;

use a2a_core::InstanceId;
use a2a_core::error::Cause;

use crate::faults::Weather;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Given,
    Refused,
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fate {
    pub(super) applied: bool,
    pub(super) answer: Answer,
    /// How much later than its answer a write reaches the store, where it does.
    pub(super) late: Option<Duration>,
    pub(super) outward: Duration,
    pub(super) homeward: Duration,
}

impl Fate {
    pub(super) fn of_read(weather: &Weather, user: Option<InstanceId>, rng: &mut fastrand::Rng) -> Self {
        let forecast = weather.forecast();
        let (outward, homeward) = (forecast.store_delay.draw(rng), forecast.store_delay.draw(rng));
        let fails = rng.f64() < forecast.read_failed || !weather.has_store(user);
        let answer = if fails { Answer::Refused } else { Answer::Given };
        Fate { applied: !fails, answer, late: None, outward, homeward }
    }

    pub(super) fn of_write(weather: &Weather, user: Option<InstanceId>, rng: &mut fastrand::Rng) -> Self {
        let forecast = weather.forecast();
        let (outward, homeward) = (forecast.store_delay.draw(rng), forecast.store_delay.draw(rng));
        let (lateness, chance) = (forecast.lateness.draw(rng), rng.f64());
        let fate = |applied, answer, late| Fate { applied, answer, late, outward, homeward };
        if !weather.has_store(user) {
            // A client can rarely tell a request that never left from one that was never answered.
            return fate(false, if chance < 0.5 { Answer::Refused } else { Answer::Lost }, None);
        }
        let refused = forecast.write_refused;
        let unanswered = refused + forecast.answer_lost;
        let lost = unanswered + forecast.write_lost;
        match chance {
            c if c < refused => fate(false, Answer::Refused, None),
            c if c < unanswered => fate(true, Answer::Lost, None),
            c if c < lost => fate(false, Answer::Lost, None),
            c if c < lost + forecast.write_late => fate(false, Answer::Lost, Some(lateness)),
            _ => fate(true, Answer::Given, None),
        }
    }

    pub(super) fn reason(&self) -> Cause {
        let (applied, answer) = (self.applied, self.answer);
        format!("injected fault: applied {applied}, answer {answer:?}").into()
    }
}
