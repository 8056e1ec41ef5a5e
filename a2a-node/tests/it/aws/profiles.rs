//! Profiles of people who sign in: what reads them is built in.

use std::fs;
use std::path::Path;

use crate::node::{self, soon, text};

const PROFILES: &str = "
[profile sso]
region = eu-west-1
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Operator

[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.awsapps.com/start

[profile login]
region = eu-west-1
login_session = arn:aws:iam::123456789012:user/operator
";

/// What `doctor` says of the credentials of a profile whose owner has not signed in here.
async fn credentials(profile: &str, home: &Path) -> String {
    let mut command = node::command(&["doctor", "--table", "tasks"]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", home).env("AWS_CONFIG_FILE", home.join("config")).env("AWS_PROFILE", profile);
    let output = soon(command.env("AWS_EC2_METADATA_DISABLED", "true").output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    said.lines().find(|line| line.starts_with("failed   credentials")).expect(&said).to_owned()
}

#[tokio::test]
async fn a_profile_of_who_signs_in_fails_for_the_session_that_is_missing_alone() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("config"), PROFILES).unwrap();
    for (profile, reason) in [("sso", "failed to load the cached SSO token"), ("login", "/.aws/login/cache/")]
    {
        let said = credentials(profile, &home).await;
        assert!(said.contains(reason) && said.contains("aws sso login"), "{profile}: {said}");
    }
}
