//! What webhooks took, beside what was committed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use a2a::StreamResponse;
use a2a_core::PushConfigs;
use a2a_pb::protojson_conv;
use serde_json::Value;

use super::streams::{LoggedTask, Shown};
use crate::archive::Saved;
use crate::fleet::Fleet;
use crate::hooks::{Taken, kind, task_of};

/// Where nothing goes wrong, a webhook that answers at once has an event so soon.
const PROMPT: Duration = Duration::from_secs(1);

/// Each webhook was sent its own tasks only; and what came after it was configured, in order, at least once; to the end,
/// unless it never answers.
pub(crate) async fn check_webhooks(fleet: &Fleet, logged_tasks: &[LoggedTask]) {
    let taken = fleet.hooks.taken();
    let saved = fleet.archive.saved();
    for one in &taken {
        let task = task_of(&one.event).expect("a notification is about a task");
        let is_its = saved.iter().any(|saved| saved.url == one.url && saved.key.task_id == task);
        assert!(is_its, "{} was sent a task that it was not configured for: {}", one.url, one.event);
    }
    for logged in logged_tasks {
        let key = &logged.life.key;
        let is_troubled = logged.life.gone.is_some() || fleet.spoilt.borrow().contains_key(key);
        let listed = fleet.store.list_configs(key).await.expect("the memory store reads");
        let listed: BTreeSet<_> = listed.into_iter().map(|listed| listed.config.url).collect();
        for config in saved.iter().filter(|saved| saved.key == *key) {
            let its = |taken: &&Taken| {
                taken.url == config.url && task_of(&taken.event).as_deref() == Some(&*key.task_id)
            };
            let at_its_url = saved.iter().filter(|saved| saved.key == *key && saved.url == config.url);
            assert_eq!(at_its_url.count(), 1, "a message makes one config of {key}: {}", config.url);
            let taken: Vec<_> = taken.iter().filter(its).collect();
            let has = follow(fleet, logged, config, &taken);
            let wanted = lacking(logged, config);
            let has_it =
                |(place, shown): (usize, &Shown<'_>)| has.contains(&place) || !is_wanted(shown, config);
            let has_all = wanted.iter().enumerate().all(has_it);
            let is_due = kind(&config.url) != "dead" && listed.contains(&config.url) && !is_troubled;
            assert!(
                has_all || !is_due,
                "{} has {} notifications, and not all of {key}: {has:?}",
                config.url,
                taken.len()
            );
        }
    }
}

/// Follows what a webhook took through what was committed. Each instance sends in order, and goes on after what another
/// one has sent and written down; two may send at a time, until the one learns that the other has the task. Returns what
/// the webhook has by that.
fn follow(fleet: &Fleet, logged: &LoggedTask, config: &Saved, taken: &[&Taken]) -> BTreeSet<usize> {
    let shown = lacking(logged, config);
    let claims = logged.life.log.iter().filter_map(|entry| entry.before).map(|claim| claim.instance);
    let may_repeat = !fleet.plan.calm || config.is_repeated || claims.collect::<BTreeSet<_>>().len() > 1;
    let before = logged.shown().len() - shown.len();
    let (mut has, mut senders) = (BTreeSet::new(), BTreeMap::new());
    for one in taken {
        let next: &mut usize = senders.entry(one.by).or_default();
        let (first, last) = one.numbers;
        assert!(
            tells(logged, &one.event, first, last),
            "{} took what is not {first} to {last}: {}, but {:?}",
            one.url,
            one.event,
            logged.shown().get(last - 1).map(|shown| json_of(shown.event))
        );
        // What is told as a whole tells what came before the config, too.
        let takes = first.saturating_sub(1 + before)..last.saturating_sub(before);
        let is_next =
            (*next..takes.start).all(|place| has.contains(&place) || !is_wanted(&shown[place], config));
        let is_again = takes.start < *next && may_repeat;
        assert!(
            (is_next && takes.end > *next) || is_again,
            "{} took what is not next, at {next} of {}: {}",
            one.url,
            shown.len(),
            one.event
        );
        if let Some(latest) = takes.clone().next_back() {
            let late = one.at.saturating_duration_since(shown[latest].at);
            let is_prompt = may_repeat || kind(&one.url) != "well" || late <= PROMPT;
            assert!(is_prompt, "{} was called after {late:?} only: {}", one.url, one.event);
        }
        *next = takes.end;
        has.extend(takes);
    }
    has
}

/// Whether a notification tells these events, by their numbers: one as it is, chunks together, or the task as they left it.
fn tells(logged: &LoggedTask, event: &Value, first: usize, last: usize) -> bool {
    let shown = logged.shown();
    let Some(told) = (first >= 1).then(|| shown.get(first - 1..last)).flatten() else { return false };
    if first == 1
        && let Some(commits) = logged.commits_of(event)
        && shown.iter().filter(|shown| shown.commit < commits).count() == last
    {
        return true;
    }
    let parts = |event: &Value| event["artifactUpdate"]["artifact"]["parts"].as_array().cloned();
    match told {
        [] => false,
        [one] => json_of(one.event) == *event,
        many => {
            let json: Vec<_> = many.iter().map(|one| json_of(one.event)).collect();
            let all: Option<Vec<Value>> =
                json.iter().map(parts).collect::<Option<Vec<_>>>().map(|all| all.concat());
            let same = |field: &str| json[0]["artifactUpdate"][field] == event["artifactUpdate"][field];
            all.is_some() && parts(event) == all && same("taskId") && same("append")
        }
    }
}

/// Whether a webhook is to have it in any case. What came before a repeated message configured it anew, it may have.
fn is_wanted(shown: &Shown<'_>, config: &Saved) -> bool {
    shown.commit as u64 >= config.later.get()
}

/// What a webhook may have.
fn lacking<'a>(logged: &'a LoggedTask, config: &Saved) -> Vec<Shown<'a>> {
    logged.shown().into_iter().filter(|shown| shown.commit as u64 >= config.after.get()).collect()
}

/// An event as webhooks get it.
pub(super) fn json_of(event: &StreamResponse) -> Value {
    protojson_conv::to_value(event).expect("an event has a form in JSON")
}
