//! How the queues of instances are made.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// Settings of the queues. Instances must agree on the roles, or some are cut off from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct QueueFlags {
    /// The ARNs of the roles that instances have, separated by commas, in which `*` may stand for a part: queues then let
    /// nobody else of the account send to them or read from them.
    #[arg(long, env = "A2A_INSTANCE_ROLES", value_name = "ARN,ARN", value_delimiter = ',', value_parser = role_arn)]
    pub(crate) instance_roles: Vec<String>,
    /// The KMS key by which queues are encrypted: its id, ARN or alias; without one by a key of SQS's own. Its policy must let in
    /// sns.amazonaws.com and the instances.
    #[arg(long, env = "A2A_QUEUE_KEY", value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) queue_key: Option<String>,
    /// Tags of the queues, separated by commas, beside those by which they are found.
    #[arg(long, env = "A2A_QUEUE_TAGS", value_name = "KEY=VALUE,KEY=VALUE", value_delimiter = ',', value_parser = tag)]
    pub(crate) queue_tags: Vec<(String, String)>,
}

#[cfg(feature = "aws")]
impl QueueFlags {
    /// The same for a bus.
    pub(crate) fn config(&self) -> a2a_bus_snssqs::SnsSqsConfig {
        use a2a_bus_snssqs::{Encryption, SnsSqsConfig};

        let mut config = SnsSqsConfig::default().instance_roles(&self.instance_roles);
        if let Some(key) = &self.queue_key {
            config = config.encryption(Encryption::Kms(key.clone()));
        }
        self.queue_tags.iter().fold(config, |config, (key, value)| config.tag(key, value))
    }
}

/// The ARN of a role, or of several.
pub(crate) fn role_arn(text: &str) -> Result<String, String> {
    let is_of_a_role = text.split(':').nth(2) == Some("iam") && text.contains(":role/");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_/:*?".contains(c);
    if text.starts_with("arn:") && is_of_a_role && text.chars().all(is_plain) && text.len() <= 2_048 {
        return Ok(text.to_owned());
    }
    Err("expected the ARN of a role, such as arn:aws:iam::123456789012:role/a2a-runtime".to_owned())
}

/// A tag as SQS takes it.
fn tag(text: &str) -> Result<(String, String), String> {
    let is_taken = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    let fits = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    if !fits || !key.chars().chain(value.chars()).all(is_taken) {
        return Err("expected at most 128 and 256 letters, digits, spaces and _.:/=+-@".to_owned());
    }
    if key.starts_with("aws:") || key.starts_with("a2a:") {
        return Err("a key begins neither with aws: nor with a2a:".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: QueueFlags,
    }

    #[test]
    fn roles_and_tags_are_lists() {
        let role = "arn:aws:iam::123456789012:role/a2a-runtime";
        let both = format!("{role},arn:aws-cn:iam::123456789012:role/path/*");
        let line = ["test", "--instance-roles", &both, "--queue-tags", "team=agents,cost center=7"];
        let flags = Line::parse_from(line).flags;
        assert_eq!(flags.instance_roles.len(), 2);
        assert_eq!(flags.instance_roles[0], role);
        assert_eq!(flags.queue_tags[1], ("cost center".to_owned(), "7".to_owned()));
    }

    #[test]
    fn what_is_no_role_or_no_tag_is_refused() {
        for role in ["", "*", "a2a-runtime", "arn:aws:sts::1:assumed-role/x/y", "arn:aws:iam::1:role/\"x"] {
            assert!(role_arn(role).is_err(), "{role}");
        }
        let long = format!("a={}", "x".repeat(257));
        for text in ["", "a", "=b", "aws:a=b", "a2a:deployment=b", "a=\"", &long] {
            assert!(tag(text).is_err(), "{text}");
        }
    }
}
