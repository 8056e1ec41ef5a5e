//! Who calls, and where.

use std::io;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;

use super::checkup::Checkup;
use crate::aws::clients::Aws;
use crate::report::with_causes;

/// Longer than the slowest source, a machine's metadata, takes to answer or to be missing.
const PATIENCE: Duration = Duration::from_secs(15);

/// Checks region and credentials. Nothing else can be checked without them; tells whether they are there.
pub(super) async fn check(checkup: &mut Checkup, aws: &Aws) -> io::Result<bool> {
    let endpoint = match aws.config.endpoint_url() {
        Some(url) => format!(", endpoint {url}"),
        None => String::new(),
    };
    let region = match aws.region() {
        Some(region) => {
            checkup.ok("region", format!("{region}{endpoint}"))?;
            true
        }
        None => {
            checkup.failed("region", "none is set", "set AWS_REGION, or a profile that names one")?;
            false
        }
    };
    let found = match aws.config.credentials_provider() {
        Some(provider) => match tokio::time::timeout(PATIENCE, provider.provide_credentials()).await {
            Ok(Ok(credentials)) => Ok(credentials.expiry().is_some()),
            Ok(Err(error)) => Err(with_causes(&error)),
            Err(_) => Err("no source of credentials answered in time".to_owned()),
        },
        None => Err("there is no source of credentials".to_owned()),
    };
    match found {
        Ok(temporary) => {
            let kind = if temporary { "temporary, renewed by the SDK" } else { "lasting" };
            checkup.ok("credentials", format!("found; {kind}"))?;
            Ok(region)
        }
        Err(why) => {
            let advice = "give the task, pod or machine a role; elsewhere set AWS_PROFILE, signed in with `aws sso login` or \
                          `aws login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            checkup.failed("credentials", why, advice)?;
            Ok(false)
        }
    }
}
