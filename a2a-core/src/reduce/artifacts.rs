//! Artifacts: replaced whole, or extended chunk by chunk (specification, section 4.2.2).

use a2a::{Artifact, Task, TaskArtifactUpdateEvent};

use super::merge_metadata;

/// Returns the task's artifact with this id.
pub(super) fn find<'a>(task: &'a Task, id: &str) -> Option<&'a Artifact> {
    task.artifacts.iter().flatten().find(|artifact| artifact.artifact_id == id)
}

/// Applies an artifact event to a task.
pub(super) fn apply(task: &mut Task, update: &TaskArtifactUpdateEvent) {
    let artifacts = task.artifacts.get_or_insert_default();
    // Agents stream into their newest artifact: look from the end.
    let known = artifacts.iter_mut().rev().find(|a| a.artifact_id == update.artifact.artifact_id);
    match known {
        Some(artifact) if update.append == Some(true) => extend(artifact, &update.artifact),
        Some(artifact) => artifact.clone_from(&update.artifact),
        None => artifacts.push(update.artifact.clone()),
    }
}

fn extend(artifact: &mut Artifact, chunk: &Artifact) {
    artifact.parts.extend_from_slice(&chunk.parts);
    merge_metadata(&mut artifact.metadata, chunk.metadata.as_ref());
    if chunk.name.is_some() {
        artifact.name.clone_from(&chunk.name);
    }
    if chunk.description.is_some() {
        artifact.description.clone_from(&chunk.description);
    }
    for extension in chunk.extensions.iter().flatten() {
        let known = artifact.extensions.get_or_insert_default();
        if !known.contains(extension) {
            known.push(extension.clone());
        }
    }
}
