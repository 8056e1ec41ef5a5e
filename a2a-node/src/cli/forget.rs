//! What is to be forgotten: the flags.

use clap::Args;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};

/// Settings of `forget`.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ForgetFlags {
    /// The name of the DynamoDB table.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) table: String,
    /// What.
    #[command(flatten)]
    pub(crate) whose: Whose,
    /// Only the caller's tasks in this context.
    #[arg(long, env = "A2A_CONTEXT", value_name = "ID", conflicts_with = "task")]
    pub(crate) context: Option<String>,
    /// The tenant, where there are any.
    #[arg(long, env = "A2A_TENANT", value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) tenant: String,
    /// Remove what was found, instead of showing it.
    #[arg(long, env = "A2A_APPLY", value_parser = BoolishValueParser::new())]
    pub(crate) apply: bool,
    /// Print one JSON object for each task instead of a line for people.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

/// One task, or whose tasks.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// This task, of whichever caller.
    #[arg(long, env = "A2A_TASK", value_name = "ID")]
    pub(crate) task: Option<String>,
    /// The tasks of this caller, as `--principal-header` names it.
    #[arg(long, env = "A2A_CALLER", value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// The tasks of callers without a name, as all are without `--principal-header`.
    #[arg(long, env = "A2A_NOBODY", value_parser = BoolishValueParser::new())]
    pub(crate) nobody: bool,
}

#[cfg(feature = "aws")]
impl ForgetFlags {
    /// What the flags mean.
    pub(crate) fn what(&self) -> a2a_cluster::Forget {
        use a2a_core::{Principal, TaskKey, Tenant};
        let tenant = Tenant::new(self.tenant.as_str());
        match &self.whose.task {
            Some(task) => a2a_cluster::Forget::Task(TaskKey::new(tenant, task.as_str())),
            None => a2a_cluster::Forget::Tasks {
                tenant,
                principal: self.whose.caller.as_deref().map(Principal::new),
                context_id: self.context.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: ForgetFlags,
    }

    fn parsed(flags: &[&str]) -> Result<ForgetFlags, String> {
        let line = ["test", "--table", "t"].iter().chain(flags);
        Line::try_parse_from(line).map(|line| line.flags).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_said_whose_tasks_are_forgotten() {
        for right in [
            &["--task", "x"][..],
            &["--caller", "ann"],
            &["--nobody"],
            &["--context", "c", "--caller", "ann"],
            &["--context", "c", "--nobody", "--tenant", "acme"],
        ] {
            assert!(parsed(right).is_ok(), "{right:?}: {:?}", parsed(right));
        }
        for wrong in [
            &[][..],
            &["--context", "c"],
            &["--caller", "ann", "--nobody"],
            &["--task", "x", "--nobody"],
            &["--task", "x", "--context", "c"],
        ] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    #[cfg(feature = "aws")]
    fn flags_mean_what_they_say() {
        use a2a_cluster::Forget;
        use a2a_core::{Principal, TaskKey, Tenant};
        let what = |flags: &[&str]| parsed(flags).unwrap().what();
        let task = TaskKey::new(Tenant::new("acme"), "x");
        assert_eq!(what(&["--task", "x", "--tenant", "acme"]), Forget::Task(task));
        let of = |principal, context_id| Forget::Tasks { tenant: Tenant::default(), principal, context_id };
        assert_eq!(what(&["--nobody"]), of(None, None));
        let ann = Some(Principal::new("ann"));
        assert_eq!(what(&["--caller", "ann", "--context", "c"]), of(ann, Some("c".to_owned())));
    }
}
