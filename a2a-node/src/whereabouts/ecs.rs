//! The ECS task that this process runs in, as the
//! [metadata of its container](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html)
//! says.

use serde::Deserialize;

use super::metadata_client;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    #[serde(rename = "TaskARN")]
    task_arn: String,
}

/// The names of cluster and task, with a slash between.
pub(super) async fn task(metadata: &str) -> Option<String> {
    let url = format!("{}/task", metadata.trim_end_matches('/'));
    let answer = metadata_client()?.get(url).send().await.ok()?.error_for_status().ok()?;
    let Task { task_arn } = answer.json().await.ok()?;
    name_in(&task_arn)
}

/// The last part of `arn:aws:ecs:<region>:<account>:task/<cluster>/<id>`.
fn name_in(arn: &str) -> Option<String> {
    let (_, name) = arn.split_once(":task/")?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_by_cluster_and_id() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task/blue/0f9de17a6465404e8b1b2356dc13c2f8";
        assert_eq!(name_in(arn).as_deref(), Some("blue/0f9de17a6465404e8b1b2356dc13c2f8"));
        assert_eq!(name_in("arn:aws:ecs:eu-west-1:1:cluster/blue"), None);
        assert_eq!(name_in("arn:aws:ecs:eu-west-1:1:task/"), None);
    }
}
