//! What a configuration must be like: checked once, when an instance starts, so that nothing odd shows later.

use std::time::Duration;

use super::config::{Config, ExecutorLost};
use super::limits::Limits;

/// Longer than anybody means; times are added to others, and must not overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Levels of nesting that JSON as it is stored can have: parsers take 128, and an entry adds some of its own.
const DEEPEST: usize = 100;

/// Headers that carry credentials; no agent ever sees them.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

impl Config {
    /// Tells what is wrong with this configuration, by the name of the setting.
    ///
    /// # Errors
    ///
    /// A sentence for whoever wrote it.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_durations()?;
        self.check_pairs()?;
        self.check_bounds()?;
        check_limits(&self.limits)?;
        self.agent_headers.iter().try_for_each(|name| check_header(name))
    }

    /// Tells whether agents would see by what a caller is known.
    pub(crate) fn check_agent_headers(&self, callers: &[String]) -> Result<(), String> {
        let shows = |name: &&String| self.agent_headers.iter().any(|shown| shown.eq_ignore_ascii_case(name));
        match callers.iter().find(shows) {
            Some(name) => Err(format!("agent_headers must not name {name}: it says who calls")),
            None => Ok(()),
        }
    }

    fn check_durations(&self) -> Result<(), String> {
        let may_be_zero = [
            ("creation_delay", self.creation_delay),
            ("cancel_patience", self.cancel_patience),
            ("cancel_grace", self.cancel_grace),
            ("unready_after", self.unready_after),
            ("keep_evicted", self.keep_evicted),
            ("commit_spacing", self.commit_spacing.unwrap_or_default()),
        ];
        let must_not = [
            ("resync_after", self.resync_after),
            ("silence_min", self.silence_min),
            ("silence_max", self.silence_max),
            ("cancel_repeat", self.cancel_repeat),
            ("retry_min", self.retry_min),
            ("retry_max", self.retry_max),
            ("request_patience", self.request_patience),
            ("beat_interval", self.beat_interval),
            ("lease", self.lease),
            ("cut_off_limit", self.cut_off_limit),
            ("agent_silence", self.agent_silence),
            ("turn_limit", self.turn_limit),
            ("shutdown_limit", self.shutdown_limit),
        ];
        if let Some((name, _)) = must_not.iter().find(|(_, value)| value.is_zero()) {
            return Err(format!("{name} must be longer than zero"));
        }
        match may_be_zero.iter().chain(&must_not).find(|(_, value)| *value > LONGEST) {
            Some((name, _)) => Err(format!("{name} must not be longer than ten years")),
            None => Ok(()),
        }
    }

    fn check_pairs(&self) -> Result<(), String> {
        let pairs = [
            ("silence_min", self.silence_min, "silence_max", self.silence_max),
            ("retry_min", self.retry_min, "retry_max", self.retry_max),
            ("three times beat_interval", self.beat_interval.saturating_mul(3), "lease", self.lease),
        ];
        match pairs.iter().find(|(_, less, _, more)| less > more) {
            Some((less, _, more, _)) => Err(format!("{less} must not be longer than {more}")),
            None => Ok(()),
        }
    }

    fn check_bounds(&self) -> Result<(), String> {
        let attempts = match self.executor_lost {
            ExecutorLost::Fail => 1,
            ExecutorLost::Resume { max_attempts } => max_attempts as usize,
        };
        at_least_one(&[
            ("executor_lost: max_attempts", attempts),
            ("ring_commits", self.ring_commits),
            ("ring_bytes", self.ring_bytes),
            ("ring_total_bytes", self.ring_total_bytes),
            ("max_agents", self.max_agents),
            ("max_waiting_commits", self.max_waiting_commits),
        ])
    }
}

fn at_least_one(bounds: &[(&str, usize)]) -> Result<(), String> {
    match bounds.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(format!("{name} must be at least 1")),
        None => Ok(()),
    }
}

fn check_limits(limits: &Limits) -> Result<(), String> {
    let Limits { message_bytes, parts, depth, id_bytes, push_configs: _ } = limits;
    at_least_one(&[
        ("limits.message_bytes", *message_bytes),
        ("limits.parts", *parts),
        ("limits.id_bytes", *id_bytes),
    ])?;
    if *depth > DEEPEST {
        return Err(format!("limits.depth must be at most {DEEPEST}"));
    }
    Ok(())
}

fn check_header(name: &str) -> Result<(), String> {
    if SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
        return Err(format!("agent_headers must not name {name}: it carries credentials"));
    }
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(format!("agent_headers: {name:?} is no name of a header"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_right() {
        Config::default().check().unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        let config = Config::default;
        let limits = Limits::default;
        let headers =
            |names: &[&str]| config().agent_headers(names.iter().map(|&name| name.into()).collect());
        let wrong = [
            ("turn_limit", config().turn_limit(Duration::MAX)),
            ("agent_silence", config().agent_silence(Duration::ZERO)),
            ("lease", config().lease(config().beat_interval * 2)),
            ("silence_max", config().silence_min(config().silence_max + Duration::from_secs(1))),
            ("retry_min", config().retry_min(Duration::ZERO)),
            ("max_attempts", config().executor_lost(ExecutorLost::Resume { max_attempts: 0 })),
            ("ring_commits", config().ring_commits(0)),
            ("max_agents", config().max_agents(0)),
            ("limits.parts", config().limits(limits().parts(0))),
            ("limits.depth", config().limits(limits().depth(120))),
            ("Authorization", headers(&["Authorization"])),
            ("cookie", headers(&["x-team", "cookie"])),
            ("agent_headers", headers(&["x team"])),
        ];
        for (name, config) in wrong {
            let said = config.check().unwrap_err();
            assert!(said.contains(name), "{name}: {said}");
        }
    }
}
