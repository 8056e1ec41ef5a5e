//! The obvious design, computed: the whole task is written at each event, each event is published to all instances,
//! each of which receives and deletes one message at a time, and polls every second.

use a2a::{StreamResponse, Task, TaskState, TaskStatus};
use a2a_core::reduce::apply;
use a2a_node::meter::{Bill, Unit};

use super::month::SECONDS_A_MONTH;
use super::workload::Workload;

/// What it would be billed for a workload, whoever watches.
pub(super) fn bill(workload: &Workload, instances: usize) -> Bill {
    let (task_id, context_id) =
        ("0199aaaa-0000-7000-8000-000000000000", "0199bbbb-0000-7000-8000-000000000000");
    let mut task = Task {
        id: task_id.into(),
        context_id: context_id.into(),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    };
    let (mut writes, mut publishes, mut events) = (0.0, 0.0, 0.0);
    // Its size grows by the parts that are added: to write it out at each event would be as slow as it is dear.
    let mut size = length(&task);
    for event in workload.events(task_id, context_id) {
        match &event {
            StreamResponse::ArtifactUpdate(update) if update.append == Some(true) => {
                size += update.artifact.parts.iter().map(|part| length(part) + 1).sum::<usize>();
            }
            _ => {
                let before = length(&task);
                apply(&mut task, &event);
                size = (size + length(&task)).saturating_sub(before);
            }
        }
        writes += size.div_ceil(1024) as f64;
        publishes += length(&event).div_ceil(64 * 1024) as f64;
        events += 1.0;
    }
    let tasks = workload.tasks as f64;
    let mut bill = Bill::default();
    bill.units.insert(Unit::DynamoDbWrite, writes * tasks);
    bill.units.insert(Unit::SnsRequest, publishes * tasks);
    bill.units.insert(Unit::SqsRequest, 2.0 * events * instances as f64 * tasks);
    bill
}

/// A month of polls of one instance.
pub(super) fn dollars_an_idle_month() -> f64 {
    let mut bill = Bill::default();
    bill.units.insert(Unit::SqsRequest, SECONDS_A_MONTH);
    bill.dollars()
}

fn length(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}
