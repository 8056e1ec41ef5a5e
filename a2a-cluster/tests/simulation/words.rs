//! What clients say.

use a2a::{Message, SendMessageConfiguration, SendMessageRequest, Task, TaskPushNotificationConfig};
use a2a_testworld::world;
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::hooks::KINDS;

/// What an agent does that never ends.
pub(crate) const FOR_EVER: &str = "talk 0";

/// A message that begins a task.
pub(crate) fn opening(rng: &mut fastrand::Rng, fleet: &Fleet) -> SendMessageRequest {
    let text = match rng.u8(0..19) {
        0 => "echo hello".to_owned(),
        1 => "ask".to_owned(),
        2 => format!("quiet {}", rng.u64(0..20_000)),
        3 => "message hi".to_owned(),
        4 => "work".to_owned(),
        5 => format!("burst {}", rng.u64(1..300)),
        6 => "unsupported no".to_owned(),
        7 => format!("do work; sleep {}; burst {}; done", rng.u64(0..40_000), rng.u64(1..200)),
        8 => format!("do ask; sleep {}; say more; done", rng.u64(0..3_000)),
        9 => format!("do work; talk {} {}; done / refuse", rng.u64(1..60), rng.u64(0..300)),
        10 => format!("do show {} 300; done", rng.u64(1..6)),
        11 => "do work; say half; panic".to_owned(),
        12 => "do bomb; work; say all; done".to_owned(),
        13 if !fleet.plan.calm => "do work; hang".to_owned(),
        // Until it is cancelled, or has talked for too long.
        15 if !fleet.plan.calm => format!("do work; {FOR_EVER} {}", rng.u64(500..3_000)),
        14 => format!("do ask; sleep {}; ask; sleep 20000; say more", rng.u64(0..20_000)),
        _ => format!("stream {} {}", rng.u64(1..60), rng.u64(0..2_000)),
    };
    request(&text, rng, fleet)
}

/// A message that continues a task.
pub(crate) fn follow_up(rng: &mut fastrand::Rng, fleet: &Fleet, task: &Task) -> SendMessageRequest {
    to_task(rng, fleet, &task.id)
}

/// A message to the task of this id.
pub(crate) fn to_task(rng: &mut fastrand::Rng, fleet: &Fleet, task: &str) -> SendMessageRequest {
    let words = ["enough", "ask again", "quiet 3000", "stream 20 400", "do ask; sleep 2000; say more; done"];
    let mut request = request(words[rng.usize(0..words.len())], rng, fleet);
    request.message.task_id = Some(task.to_owned());
    request
}

/// Whether a message is known again by its id.
pub(crate) fn counts(message: &Message) -> bool {
    Uuid::parse_str(&message.message_id).is_ok()
}

fn request(text: &str, rng: &mut fastrand::Rng, fleet: &Fleet) -> SendMessageRequest {
    let id = rng.u64(..);
    // By an id that is no UUID nobody knows a message again.
    let message_id = if rng.u8(0..5) == 0 { id.to_string() } else { Uuid::from_u128(id.into()).to_string() };
    let message = Message { message_id, ..world::message(text) };
    let webhook = webhook(rng, fleet);
    let at_once = (rng.u8(0..5) == 0).then_some(true);
    let configuration = (webhook.is_some() || at_once.is_some()).then_some(SendMessageConfiguration {
        task_push_notification_config: webhook,
        return_immediately: at_once,
        ..world::configuration()
    });
    SendMessageRequest { message, configuration, metadata: None, tenant: None }
}

/// Now and then somebody wants to be told of what becomes of a task.
fn webhook(rng: &mut fastrand::Rng, fleet: &Fleet) -> Option<TaskPushNotificationConfig> {
    // Where nothing goes wrong, each answers or does not.
    let kinds = if fleet.plan.calm { &KINDS[..3] } else { &KINDS[..] };
    let kind = kinds[rng.usize(0..kinds.len())];
    let url = format!("https://hooks.example.org/{kind}/{}", rng.u64(..));
    (fleet.terms.webhooks && rng.bool()).then(|| world::webhook(url))
}
