//! How a time is drawn: mostly from a usual range, now and then from a tail, rarely from beyond it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::millis;

/// A distribution of times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Where the usual range begins.
    #[serde(rename = "from_ms", with = "millis")]
    pub from: Duration,
    /// Where the usual range ends, and the tail begins.
    #[serde(rename = "to_ms", with = "millis")]
    pub to: Duration,
    /// The share of the tail, from 0 to 1.
    #[serde(default)]
    pub tail: f64,
    /// Where the tail ends, and what is rare begins.
    #[serde(default, rename = "tail_to_ms", with = "millis")]
    pub tail_to: Duration,
    /// The share of what is rare, from 0 to 1.
    #[serde(default)]
    pub rare: f64,
    /// Where what is rare ends.
    #[serde(default, rename = "rare_to_ms", with = "millis")]
    pub rare_to: Duration,
}

impl Spread {
    /// Always the same.
    pub fn exactly(time: Duration) -> Self {
        Self::between(time, time)
    }

    /// Anything between two times.
    pub fn between(from: Duration, to: Duration) -> Self {
        Spread { from, to, tail: 0.0, tail_to: to, rare: 0.0, rare_to: to }
    }

    /// With a share that takes up to this time.
    pub fn with_tail(mut self, share: f64, to: Duration) -> Self {
        (self.tail, self.tail_to, self.rare_to) = (share, to, self.rare_to.max(to));
        self
    }

    /// With a share that takes longer than the tail, up to this time.
    pub fn with_rare(mut self, share: f64, to: Duration) -> Self {
        (self.rare, self.rare_to) = (share, to);
        self
    }

    /// The latency of DynamoDB: 3 to 10 ms, one request of a hundred up to 100 ms, one of ten thousand up to 3 s.
    pub fn latency() -> Self {
        let ms = Duration::from_millis;
        Self::between(ms(3), ms(10)).with_tail(0.01, ms(100)).with_rare(0.0001, ms(3_000))
    }

    /// The lag of an index: 1 to 100 ms, one commit of a hundred up to a second, one of a thousand up to 5 s.
    pub fn lag() -> Self {
        let ms = Duration::from_millis;
        Self::between(ms(1), ms(100)).with_tail(0.01, ms(1_000)).with_rare(0.001, ms(5_000))
    }

    /// The latency of SNS and SQS: 10 to 20 ms, one request of a hundred up to 200 ms.
    pub fn messaging_latency() -> Self {
        let ms = Duration::from_millis;
        Self::between(ms(10), ms(20)).with_tail(0.01, ms(200))
    }

    /// The way of a message from SNS into a queue: 15 to 60 ms, one of a hundred up to a second.
    pub fn delivery() -> Self {
        let ms = Duration::from_millis;
        Self::between(ms(15), ms(60)).with_tail(0.01, ms(1_000))
    }

    pub(super) fn draw(&self, dice: &mut fastrand::Rng) -> Duration {
        let (which, place) = (dice.f64(), dice.f64());
        let (from, to) = if which < self.rare {
            (self.tail_to.max(self.to), self.rare_to)
        } else if which < self.rare + self.tail {
            (self.to, self.tail_to)
        } else {
            (self.from, self.to)
        };
        from + to.saturating_sub(from).mul_f64(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_drawn_from_the_range_the_tail_and_beyond() {
        let ms = Duration::from_millis;
        let spread = Spread::between(ms(3), ms(10)).with_tail(0.1, ms(100)).with_rare(0.01, ms(1_000));
        let mut dice = fastrand::Rng::with_seed(7);
        let drawn: Vec<Duration> = (0..10_000).map(|_| spread.draw(&mut dice)).collect();
        let share = |from, to| drawn.iter().filter(|time| **time >= from && **time <= to).count();
        assert_eq!(share(ms(3), ms(1_000)), 10_000);
        assert!((8_500..=9_200).contains(&share(ms(3), ms(10))));
        assert!((800..=1_200).contains(&share(ms(10), ms(100))));
        assert!((50..=160).contains(&share(ms(100), ms(1_000))));
    }
}
