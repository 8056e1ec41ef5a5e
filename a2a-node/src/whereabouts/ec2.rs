//! The EC2 instance that this process runs on, as its
//! [metadata](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html) says, version 2.

use super::metadata_client;

const METADATA: &str = "http://169.254.169.254";
/// Seconds; it is used at once.
const TOKEN_LIFE: &str = "60";

/// The id of the instance.
pub(super) async fn instance(endpoint: Option<&str>) -> Option<String> {
    let endpoint = endpoint.unwrap_or(METADATA).trim_end_matches('/');
    let client = metadata_client()?;
    let token = client
        .put(format!("{endpoint}/latest/api/token"))
        .header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE)
        .send();
    let token = token.await.ok()?.error_for_status().ok()?.text().await.ok()?;
    let id = client
        .get(format!("{endpoint}/latest/meta-data/instance-id"))
        .header("x-aws-ec2-metadata-token", token)
        .send();
    let id = id.await.ok()?.error_for_status().ok()?.text().await.ok()?;
    // What answers at that address may be something else.
    id.starts_with("i-").then_some(id)
}
