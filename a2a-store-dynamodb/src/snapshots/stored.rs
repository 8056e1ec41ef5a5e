//! Snapshots: a task written whole, its artifacts apart, so that a list without artifacts does not read them.

use a2a::{Artifact, Task};
use a2a_core::{BackendError, CommitId, Result, Tip};

use crate::items::attributes::{Attributes, Item, SK, number};
use crate::items::keys;
use crate::items::part::{self, Common};
use crate::items::payload::{self, Payload};
use crate::items::snapshot::{Place, Snapshot};
use crate::parts;
use crate::requests::calls::Calls;

/// Up to this size, packed, the snapshot of a task that has ended lies in its head.
const IN_HEAD: usize = 6 * 1024;

/// Below this size the artifacts lie with the rest: a second item would cost more than reading them.
const APART: usize = 8 * 1024;

/// From this size on a snapshot takes its partition a good part of a second.
const LARGE: usize = 256 * 1024;

/// What follows the location in the sort keys of the artifacts' parts.
const ARTIFACTS: char = 'A';
/// What follows the location in the sort keys of the other parts.
const OWN: char = 'T';

/// A task packed for a snapshot.
#[derive(Debug)]
pub(crate) struct Packed {
    own: Vec<u8>,
    artifacts: Option<Vec<u8>>,
    /// The size as JSON.
    pub(crate) bytes: u64,
}

/// Packs a task.
pub(crate) async fn pack(task: &Task) -> Result<Packed> {
    let artifacts = match &task.artifacts {
        Some(artifacts) if !artifacts.is_empty() => Some(payload::to_json(artifacts)?),
        _ => None,
    };
    match artifacts {
        Some(artifacts) if artifacts.len() >= APART => {
            let own = payload::to_json(&Bare::of(task))?;
            let bytes = (own.len() + artifacts.len()) as u64;
            Ok(Packed { own: blob(own).await, artifacts: Some(blob(artifacts).await), bytes })
        }
        _ => {
            let own = payload::to_json(task)?;
            let bytes = own.len() as u64;
            Ok(Packed { own: blob(own).await, artifacts: None, bytes })
        }
    }
}

/// A task without its artifacts, by reference.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Bare<'a> {
    id: &'a str,
    context_id: &'a str,
    status: &'a a2a::TaskStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a Vec<a2a::Message>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a std::collections::HashMap<String, serde_json::Value>>,
}

impl<'a> Bare<'a> {
    fn of(task: &'a Task) -> Self {
        Bare {
            id: &task.id,
            context_id: &task.context_id,
            status: &task.status,
            history: task.history.as_ref(),
            metadata: task.metadata.as_ref(),
        }
    }
}

async fn blob(json: Vec<u8>) -> Vec<u8> {
    let Payload { deflated, bytes } = payload::pack(json).await;
    let mut blob = Vec::with_capacity(bytes.len() + 1);
    blob.push(u8::from(deflated));
    blob.extend(bytes);
    blob
}

fn payload_of(mut blob: Vec<u8>) -> Result<Payload> {
    if blob.is_empty() {
        return Err(BackendError::corrupt("an empty snapshot"));
    }
    let deflated = blob.remove(0) != 0;
    Ok(Payload { deflated, bytes: blob })
}

impl Packed {
    /// Tells whether its partition is busy for long when it is written.
    pub(crate) fn is_large(&self) -> bool {
        self.own.len() + self.artifacts.as_ref().map_or(0, Vec::len) > LARGE
    }

    /// Makes the snapshot that lies in the head, where it is small enough for that.
    pub(crate) fn in_head(&self, Tip { version: covers, generation }: Tip) -> Option<Snapshot> {
        let is_small = self.artifacts.is_none() && self.own.len() <= IN_HEAD;
        let place = is_small.then(|| Place::Head(self.own.clone()))?;
        Some(Snapshot { covers, generation, place, units: 0, bytes: self.bytes })
    }
}

/// Writes a packed task to items of its own; it counts once a head points to them.
pub(crate) async fn write(
    calls: &Calls,
    pk: &str,
    incarnation: u64,
    (tip, id): (Tip, CommitId),
    packed: &Packed,
    expires: Option<i64>,
) -> Result<Snapshot> {
    let location = Snapshot::location(tip.version, id);
    let prefix = format!("{location}{OWN}");
    let common = Common { pk, prefix: &prefix, incarnation, expires };
    let mut units = parts::write(calls, common, &packed.own).await?;
    let mut parts = (part::count(packed.own.len()), 0);
    if let Some(artifacts) = &packed.artifacts {
        let prefix = format!("{location}{ARTIFACTS}");
        units += parts::write(calls, Common { prefix: &prefix, ..common }, artifacts).await?;
        calls.pace().complete(&prefix);
        parts.1 = part::count(artifacts.len());
    }
    // Nobody writes it again: the next one has a place of its own.
    calls.pace().complete(&prefix);
    let Tip { version: covers, generation } = tip;
    let place = Place::Items { location, parts, expires };
    Ok(Snapshot { covers, generation, place, units, bytes: packed.bytes })
}

/// Reads a snapshot, with artifacts or without. `None` where a newer one has taken its place long ago.
pub(crate) async fn read(
    calls: &Calls,
    pk: &str,
    snapshot: &Snapshot,
    with_artifacts: bool,
) -> Result<Option<Task>> {
    let (location, parts) = match &snapshot.place {
        Place::Head(packed) => {
            return payload::unpack("a snapshot", payload_of(packed.clone())?, snapshot.bytes)
                .await
                .map(Some);
        }
        Place::Items { location, parts, .. } => (location, *parts),
    };
    let prefix = match with_artifacts {
        true => location.clone(),
        false => format!("{location}{OWN}"),
    };
    let items = calls.all(calls.range(pk, &prefix)).await?;
    let (own, artifacts) = sort(&items, location)?;
    let Some(own) = part::join(own, parts.0)? else { return Ok(None) };
    let mut task: Task = payload::unpack("a snapshot", payload_of(own)?, snapshot.bytes).await?;
    if with_artifacts && parts.1 > 0 {
        let Some(artifacts) = part::join(artifacts, parts.1)? else { return Ok(None) };
        let artifacts: Vec<Artifact> =
            payload::unpack("the artifacts of a snapshot", payload_of(artifacts)?, snapshot.bytes).await?;
        task.artifacts = Some(artifacts);
    }
    Ok(Some(task))
}

fn sort<'a>(items: &'a [Item], location: &str) -> Result<(Vec<&'a Item>, Vec<&'a Item>)> {
    let (mut own, mut artifacts) = (Vec::new(), Vec::new());
    for item in items {
        match item.text(SK)?.strip_prefix(location) {
            Some(rest) if rest.starts_with(OWN) => own.push(item),
            Some(rest) if rest.starts_with(ARTIFACTS) => artifacts.push(item),
            _ => return Err(BackendError::corrupt("the sort key of a snapshot's part")),
        }
    }
    Ok((own, artifacts))
}

/// Removes a snapshot to which nothing has ever pointed.
pub(crate) async fn remove(calls: &Calls, pk: &str, snapshot: &Snapshot) -> Result<()> {
    for sk in part_keys(snapshot) {
        calls.send_delete(calls.delete(pk, &sk)).await?;
    }
    Ok(())
}

/// Lets a snapshot expire whose place another has taken. That costs what removing it would cost, and leaves it to
/// those who have read a head that points to it.
pub(crate) async fn retire(calls: &Calls, pk: &str, snapshot: &Snapshot, expires: i64) -> Result<()> {
    for sk in part_keys(snapshot) {
        let update = calls
            .update(pk, &sk)
            .update_expression("SET x = :x")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":x", number(expires));
        calls.send_update(update).await?;
    }
    Ok(())
}

fn part_keys(snapshot: &Snapshot) -> Vec<String> {
    let Place::Items { location, parts: (own, artifacts), .. } = &snapshot.place else { return Vec::new() };
    let kinds = [(OWN, *own), (ARTIFACTS, *artifacts)];
    let keys = kinds.into_iter().flat_map(|(kind, parts)| {
        let prefix = format!("{location}{kind}");
        (0..parts).map(move |index| keys::part(&prefix, index))
    });
    keys.collect()
}
