//! How long things take: mostly so long, now and then much longer.

use std::time::Duration;

/// A distribution of delays.
///
/// Each message of a bus draws its own, so that any spread also reorders.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Delay {
    least: Duration,
    most: Duration,
    straggling: f64,
    longest: Duration,
}

impl Delay {
    /// No delay at all.
    pub const NONE: Delay =
        Delay { least: Duration::ZERO, most: Duration::ZERO, straggling: 0.0, longest: Duration::ZERO };

    /// Any delay between the two, all equally likely.
    pub const fn between(least: Duration, most: Duration) -> Self {
        Delay { least, most, straggling: 0.0, longest: most }
    }

    /// Lets a share of the delays be anything up to `longest` instead.
    #[must_use]
    pub const fn with_stragglers(mut self, share: f64, longest: Duration) -> Self {
        self.straggling = share;
        self.longest = longest;
        self
    }

    /// Draws a delay.
    pub fn draw(&self, rng: &mut fastrand::Rng) -> Duration {
        // Two draws whatever comes of them: one change of the forecast does not shift all that follows.
        let (straggles, share) = (rng.f64() < self.straggling, rng.f64());
        let most = if straggles { self.longest } else { self.most };
        self.least + most.saturating_sub(self.least).mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_in_their_bounds_and_stragglers_in_theirs() {
        let (least, most, longest) =
            (Duration::from_millis(5), Duration::from_millis(9), Duration::from_secs(3));
        let delay = Delay::between(least, most).with_stragglers(0.1, longest);
        let mut rng = fastrand::Rng::with_seed(1);
        let drawn: Vec<_> = (0..10_000).map(|_| delay.draw(&mut rng)).collect();
        assert!(drawn.iter().all(|d| (least..=longest).contains(d)));
        let late = drawn.iter().filter(|d| **d > most).count();
        assert!((800..1_200).contains(&late), "{late} of 10,000 straggled");
        assert_eq!(Delay::NONE.draw(&mut rng), Duration::ZERO);
    }
}
