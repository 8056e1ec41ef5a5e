//! ECS's protection from scale-in: while agents run here, ECS is asked not to stop this task, for a deployment or for fewer
//! tasks.
//!
//! ECS asks nobody before it stops a task, and an instance to which requests come is never without agents. So protection ends
//! after a time, and pauses: what ECS wants to stop is stopped then, its agents have their grace, and others go on with the rest.
//!
//! Source: [task scale-in protection endpoint](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html).

use std::convert::Infallible;
use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Where a task asks, as ECS tells each container.
const AGENT: &str = "ECS_AGENT_URI";
/// How often the agents are counted.
const LOOK: Duration = Duration::from_secs(1);
/// For how long protection is asked for, and after which part of that again: it ends by itself where a process dies.
const EXPIRES: Duration = Duration::from_secs(600);
/// For how long no agent has to run until protection is given back. Whoever asks at each change asks too often.
const IDLE: Duration = Duration::from_secs(30);
/// How long it pauses after the longest time: longer than ECS takes to find that a task may be stopped.
const PAUSE: Duration = Duration::from_secs(300);
/// How long nothing is asked for after a request that failed, and at most after several: an account's quota is for all tasks, and
/// a task that is no service's is refused each time.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Asks ECS, where there is one.
#[derive(Debug)]
pub(crate) struct ScaleInProtection {
    url: Option<String>,
    plan: Plan,
    /// The last request failed, and that was told.
    is_told: bool,
    /// A request was sent of which nobody has heard the answer.
    is_asking: bool,
}

impl ScaleInProtection {
    /// Protects for so long at most without a pause; never where that is no time, or ECS does not run this process.
    pub(crate) fn of_environment(longest: Duration) -> Self {
        let agent = std::env::var(AGENT).ok().filter(|uri| !uri.is_empty() && !longest.is_zero());
        let url = agent.map(|uri| format!("{}/task-protection/v1/state", uri.trim_end_matches('/')));
        Self { url, plan: Plan::new(longest), is_told: false, is_asking: false }
    }

    /// Asks whenever what `running` says gives reason to.
    pub(crate) async fn keep(&mut self, running: impl Fn() -> usize) -> Infallible {
        loop {
            if self.url.is_none() {
                std::future::pending::<()>().await;
            }
            if let Some(wish) = self.plan.wish(Instant::now(), running()) {
                self.ask(wish).await;
            }
            sleep(LOOK).await;
        }
    }

    /// Gives the protection back, if there is any: this process ends.
    pub(crate) async fn give_back(&mut self) {
        if self.plan.held.is_some() || self.is_asking {
            self.ask(Wish::Release).await;
        }
    }

    async fn ask(&mut self, wish: Wish) {
        let Some(url) = &self.url else { return };
        self.is_asking = true;
        let answer = put(url, wish).await;
        self.is_asking = false;
        match answer {
            Ok(()) => {
                self.plan.granted(wish, Instant::now());
                self.is_told = false;
            }
            Err(why) => {
                self.plan.failed(Instant::now());
                if !self.is_told {
                    tracing::warn!(why, "ECS does not change the protection of this task; asked again");
                    self.is_told = true;
                }
            }
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Protect,
    Release,
}

async fn put(url: &str, wish: Wish) -> Result<(), String> {
    let body = match wish {
        Wish::Protect => {
            json!({ "ProtectionEnabled": true, "ExpiresInMinutes": EXPIRES.as_secs().div_ceil(60) })
        }
        Wish::Release => json!({ "ProtectionEnabled": false }),
    };
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(ANSWERED_WITHIN);
    let told = |error: reqwest::Error| error.without_url().to_string();
    let answer = client.build().map_err(told)?.put(url).json(&body).send().await.map_err(told)?;
    let status = answer.status();
    let answer: Value = answer.json().await.unwrap_or_default();
    // A refusal may come with status 200.
    let why = ["/failure/Reason", "/error/Code"].into_iter().find_map(|at| answer.pointer(at)?.as_str());
    match why {
        None if status.is_success() => Ok(()),
        None => Err(status.to_string()),
        Some(why) => Err(why.to_owned()),
    }
}

/// When to ask for what.
#[derive(Debug)]
struct Plan {
    longest: Duration,
    held: Option<Held>,
    /// Nothing is asked for before that.
    pauses_until: Option<Instant>,
    /// How many requests in a row have failed.
    failures: u32,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    since: Instant,
    renewed: Instant,
    /// When an agent ran last.
    busy: Instant,
}

impl Plan {
    fn new(longest: Duration) -> Self {
        Plan { longest, held: None, pauses_until: None, failures: 0 }
    }

    fn wish(&mut self, now: Instant, running: usize) -> Option<Wish> {
        let pauses = self.pauses_until.is_some_and(|until| now < until);
        let Some(held) = &mut self.held else {
            return (running > 0 && !pauses).then_some(Wish::Protect);
        };
        if running > 0 {
            held.busy = now;
        }
        if pauses {
            return None;
        }
        if now - held.since >= self.longest || now - held.busy >= IDLE {
            return Some(Wish::Release);
        }
        (now - held.renewed >= EXPIRES / 2).then_some(Wish::Protect)
    }

    fn failed(&mut self, now: Instant) {
        let pause = AFTER_FAILURE * 2_u32.saturating_pow(self.failures.min(8));
        self.failures = self.failures.saturating_add(1);
        self.pauses_until = Some(now + pause.min(PAUSE));
    }

    fn granted(&mut self, wish: Wish, now: Instant) {
        self.failures = 0;
        match wish {
            Wish::Protect => {
                self.pauses_until = None;
                let since = self.held.map_or(now, |held| held.since);
                let busy = self.held.map_or(now, |held| held.busy);
                self.held = Some(Held { since, renewed: now, busy });
            }
            Wish::Release => {
                let was_long = self.held.is_some_and(|held| now - held.since >= self.longest);
                self.pauses_until = was_long.then_some(now + PAUSE);
                self.held = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for in so many seconds in which so many agents run, with the second of each.
    fn asked(
        plan: &mut Plan,
        from: Instant,
        seconds: std::ops::Range<u64>,
        running: usize,
    ) -> Vec<(u64, Wish)> {
        let mut asked = Vec::new();
        for second in seconds {
            let now = from + Duration::from_secs(second);
            if let Some(wish) = plan.wish(now, running) {
                plan.granted(wish, now);
                asked.push((second, wish));
            }
        }
        asked
    }

    #[test]
    fn protection_is_asked_for_while_agents_run_and_given_back_some_time_after() {
        let (mut plan, from) = (Plan::new(Duration::from_secs(7_200)), Instant::now());
        assert_eq!(asked(&mut plan, from, 0..10, 0), []);
        assert_eq!(asked(&mut plan, from, 10..700, 2), [10, 310, 610].map(|at| (at, Wish::Protect)));
        assert_eq!(asked(&mut plan, from, 700..710, 0), []);
        assert_eq!(asked(&mut plan, from, 710..720, 1), [], "another one, before it was given back");
        assert_eq!(asked(&mut plan, from, 720..800, 0), [(749, Wish::Release)]);
        assert_eq!(asked(&mut plan, from, 800..801, 1), [(800, Wish::Protect)]);
    }

    #[test]
    fn an_instance_that_is_never_idle_can_be_stopped_now_and_then() {
        let (mut plan, from) = (Plan::new(Duration::from_secs(1_000)), Instant::now());
        let asked = asked(&mut plan, from, 0..1_400, 5);
        let released: Vec<_> = asked.iter().filter(|(_, wish)| *wish == Wish::Release).collect();
        assert_eq!(released, [&(1_000, Wish::Release)]);
        assert_eq!(asked.last(), Some(&(1_300, Wish::Protect)));
    }

    #[test]
    fn what_was_not_granted_is_asked_for_again_and_ever_more_seldom() {
        let (mut plan, now) = (Plan::new(Duration::from_secs(7_200)), Instant::now());
        let mut asked = Vec::new();
        for second in 0..2_000 {
            let at = now + Duration::from_secs(second);
            if plan.wish(at, 1).is_some() {
                plan.failed(at);
                asked.push(second);
            }
        }
        assert_eq!(asked, [0, 10, 30, 70, 150, 310, 610, 910, 1_210, 1_510, 1_810]);
    }
}
