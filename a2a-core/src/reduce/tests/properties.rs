//! What holds for anything that an agent may say.

use std::collections::HashMap;

use a2a::{Part, StreamResponse, Task, TaskState};
use chrono::SubsecRound;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::artifact_update;
use crate::fold;
use crate::reduce::{admit, apply, normal};
use crate::samples::{Clock, chunk, events, record, said, task, whole_task, workload, workloads};
use crate::{CommitRecord, Version};

/// Divides a log into commits of the given sizes, some of which may be empty.
fn batches(mut events: &[StreamResponse], sizes: &[usize]) -> Vec<CommitRecord> {
    let mut records = Vec::new();
    for size in sizes.iter().copied().chain([usize::MAX]) {
        let (batch, rest) = events.split_at(size.min(events.len()));
        records.push(record(records.len() as u64 + 1, batch.to_vec()));
        events = rest;
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_batches_and_any_snapshot_make_the_same_task(
        workload in workloads(),
        sizes in vec(0_usize..5, 0..8),
        cut in any::<Index>(),
    ) {
        let records = batches(&workload.events, &sizes);
        prop_assert_eq!(fold(None, &records)?, Some(workload.task.clone()));

        let (before, after) = records.split_at(cut.index(records.len() + 1));
        let snapshot = fold(None, before)?;
        prop_assert_eq!(fold(snapshot, after)?, Some(workload.task));
    }

    #[test]
    fn what_is_logged_reads_back_equal(workload in workloads()) {
        let record = record(u64::MAX, workload.events);
        let text = serde_json::to_string(&record)?;
        prop_assert_eq!(&serde_json::from_str::<CommitRecord>(&text)?, &record);
        let tree = serde_json::to_value(&record)?;
        prop_assert_eq!(&serde_json::from_value::<CommitRecord>(tree)?, &record);
        prop_assert_eq!(record.version, Version::new(u64::MAX));
        let snapshot = serde_json::to_vec(&workload.task)?;
        prop_assert_eq!(serde_json::from_slice::<Task>(&snapshot)?, workload.task);
    }

    #[test]
    fn times_are_whole_milliseconds_and_never_go_back(workload in workloads()) {
        let statuses = workload.events.iter().filter_map(|event| match event {
            StreamResponse::Task(task) => Some(&task.status),
            StreamResponse::StatusUpdate(update) => Some(&update.status),
            _ => None,
        });
        let times: Vec<_> = statuses.map(|status| status.timestamp.unwrap()).collect();
        prop_assert!(times.is_sorted());
        prop_assert!(times.iter().all(|at| *at == at.trunc_subsecs(3)));
        prop_assert_eq!(workload.task.status.timestamp, times.last().copied());
    }

    #[test]
    fn a_log_says_nothing_after_the_end(workload in workloads()) {
        let ends = |event: &StreamResponse| {
            crate::reduce::state_of(event).is_some_and(TaskState::is_terminal)
        };
        let end = workload.events.iter().position(ends);
        prop_assert_eq!(end.is_some(), workload.task.status.state.is_terminal());
        if let Some(end) = end {
            prop_assert_eq!(end + 1, workload.events.len());
        }
    }

    #[test]
    fn every_logged_event_names_its_task_and_says_its_state(workload in workloads()) {
        for event in &workload.events {
            let (task_id, context_id) = match event {
                StreamResponse::Task(task) => (Some(&task.id), Some(&task.context_id)),
                StreamResponse::StatusUpdate(update) => (Some(&update.task_id), Some(&update.context_id)),
                StreamResponse::ArtifactUpdate(update) => (Some(&update.task_id), Some(&update.context_id)),
                StreamResponse::Message(message) => (message.task_id.as_ref(), message.context_id.as_ref()),
            };
            prop_assert_eq!(task_id.map(String::as_str), Some("task"));
            prop_assert_eq!(context_id.map(String::as_str), Some("context"));
            prop_assert_ne!(crate::reduce::state_of(event), Some(&TaskState::Unspecified));
        }
    }

    #[test]
    fn no_part_of_an_artifact_is_lost(said in vec((chunk(), proptest::option::of(said())), 0..20)) {
        let clock = Clock::new();
        let mut task = task(TaskState::Working);
        let mut model: HashMap<String, Vec<Part>> = HashMap::new();
        for ((artifact, append), other) in said {
            let known = model.entry(artifact.artifact_id.clone()).or_default();
            if append != Some(true) {
                known.clear();
            }
            known.extend_from_slice(&artifact.parts);
            let other = other.map(|(_, event)| event).filter(|event| {
                matches!(event, StreamResponse::Message(_) | StreamResponse::StatusUpdate(_))
                    && !crate::reduce::state_of(event).is_some_and(TaskState::is_terminal)
            });
            for event in [Some(artifact_update(artifact, append)), other].into_iter().flatten() {
                for event in admit(&task, event, &clock).unwrap_or_default() {
                    apply(&mut task, &event);
                }
            }
        }
        let kept = task.artifacts.into_iter().flatten().map(|known| (known.artifact_id, known.parts));
        prop_assert_eq!(kept.collect::<HashMap<_, _>>(), model);
    }

    #[test]
    fn a_status_message_is_never_lost(said in events()) {
        let clock = Clock::new();
        let mut task = task(TaskState::Working);
        for (moved, event) in said {
            clock.advance(moved);
            for event in admit(&task, event, &clock).unwrap_or_default() {
                let before = task.status.message.clone();
                apply(&mut task, &event);
                let has = |message| {
                    task.history.iter().flatten().chain(&task.status.message).any(|known| known == message)
                };
                prop_assert!(before.iter().all(has));
            }
        }
    }

    #[test]
    fn a_whole_task_leads_to_what_the_agent_meant(said in events(), whole in whole_task()) {
        let clock = Clock::new();
        let before = workload(task(TaskState::Submitted), said, &clock).task;
        prop_assume!(!before.status.state.is_terminal());
        let mut after = before.clone();
        for event in admit(&before, StreamResponse::Task(whole.clone()), &clock).unwrap() {
            apply(&mut after, &event);
        }

        let meant = &whole.status;
        if meant.state != TaskState::Unspecified {
            prop_assert_eq!(&after.status.state, &meant.state);
            prop_assert_eq!(after.status.message.is_some(), meant.message.is_some());
        }
        if let Some(message) = meant.message.clone() {
            let said = after.status.message.as_ref().unwrap();
            prop_assert_eq!(&said.message_id, &message.message_id);
            prop_assert_eq!(&said.parts, &normal::message(message).parts);
        }
        for message in whole.history.iter().flatten() {
            let messages = || after.history.iter().flatten().chain(&after.status.message);
            prop_assert!(messages().any(|known| known.message_id == message.message_id));
        }
        for artifact in whole.artifacts.iter().flatten() {
            prop_assert!(after.artifacts.iter().flatten().any(|a| *a == normal::artifact(artifact.clone())));
        }
        for (key, value) in normal::metadata(whole.metadata.clone()).iter().flatten() {
            prop_assert_eq!(after.metadata.as_ref().and_then(|known| known.get(key)), Some(value));
        }

        let lost = before.history.iter().flatten().find(|message| {
            !after.history.iter().flatten().any(|known| known == *message)
        });
        prop_assert_eq!(lost, None);
        prop_assert_eq!(admit(&after, StreamResponse::Task(whole), &clock), Ok(vec![]));
    }
}
