//! What the trial is told.

use clap::Args;

/// What the names of everything that trials make begin with.
const PREFIX: &str = "a2a-trial-";
const RANDOM_DIGITS: usize = 8;

/// Settings of `account`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What it may cost at most, in US dollars by the prices of us-east-1. A phase that could cost more than is left does not begin.
    #[arg(long, value_name = "USD", value_parser = dollars, required_unless_present = "tear_down")]
    pub(super) max_usd: Option<f64>,
    /// Begin. Without it the trial only says whose account it is and what it would make.
    #[arg(long)]
    pub(super) yes: bool,
    /// How many processes are killed.
    #[arg(long, default_value_t = 10)]
    pub(super) kills: usize,
    /// How many processes there are at any time.
    #[arg(long, default_value_t = 3)]
    pub(super) nodes: usize,
    /// Decides moments and victims; a fresh one where none is given.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Try only those sentences of the contracts whose names hold this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) sentences: String,
    /// Make nothing; remove what an earlier trial of this name left.
    #[arg(long, value_name = "NAME", value_parser = trial_name, conflicts_with_all = ["yes", "max_usd"])]
    pub(super) tear_down: Option<String>,
}

/// A name that no other trial has.
pub(super) fn fresh_name() -> String {
    format!("{PREFIX}{:08x}", fastrand::u32(..))
}

fn dollars(text: &str) -> Result<f64, String> {
    let read = text.parse::<f64>().ok().filter(|dollars| dollars.is_finite() && *dollars > 0.0);
    read.ok_or_else(|| "expected a number above 0".to_owned())
}

/// Takes the name of a trial and nothing else: whatever begins with it is removed.
fn trial_name(text: &str) -> Result<String, String> {
    let is_random = |digits: &str| {
        digits.len() == RANDOM_DIGITS
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    if text.strip_prefix(PREFIX).is_some_and(is_random) {
        return Ok(text.to_owned());
    }
    Err(format!("expected {PREFIX} and {RANDOM_DIGITS} digits, as a trial says it when it begins"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_trial_is_torn_down() {
        let name = fresh_name();
        assert_eq!(trial_name(&name), Ok(name.clone()));
        for other in [
            "",
            "a2a",
            PREFIX,
            "a2a-trial-0123456",
            "a2a-trial-0123456g",
            "b-a2a-trial-01234567",
            "a2a-trial-012345678",
        ] {
            assert!(trial_name(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_budget_is_a_number_above_nothing() {
        assert_eq!(dollars("0.5"), Ok(0.5));
        for other in ["0", "-1", "NaN", "inf", "much"] {
            assert!(dollars(other).is_err(), "{other}");
        }
    }
}
