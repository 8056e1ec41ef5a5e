//! Whose account it is, and where.

use crate::backends::Environment;

/// Says account, identity and region without a key; what is missing is an error in words.
pub(super) async fn tell(environment: &Environment) -> Result<String, String> {
    let region = environment
        .config()
        .region()
        .ok_or("no region is set: set AWS_REGION, or a profile that names one")?;
    if !environment.is_aws() {
        return Ok(format!("an endpoint that the environment names, which is not AWS, as {region}"));
    }
    let asked = aws_sdk_sts::Client::new(environment.config()).get_caller_identity().send();
    let told = Box::pin(asked).await;
    let told = told.map_err(|error| format!("nobody says whose account it is: {}", words(&error)))?;
    let (account, identity) = (told.account().unwrap_or("unknown"), told.arn().unwrap_or("unknown"));
    Ok(format!("account {account}, region {region}, as {identity}"))
}

/// An error with its causes.
pub(super) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
