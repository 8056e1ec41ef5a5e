//! Environment variables that are set to nothing: they say nothing, as where a template has no value for one.

use std::ffi::{OsStr, OsString};

use clap::Command;
use clap::builder::Resettable;

/// Has a command and all below it take no notice of variables that are empty.
pub(super) fn where_empty(command: Command, variable: &dyn Fn(&OsStr) -> Option<OsString>) -> Command {
    let is_empty = |name: &OsStr| variable(name).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|flag| match flag.get_env() {
        Some(name) if is_empty(name) => flag.env(Resettable::Reset),
        _ => flag,
    });
    command.mut_subcommands(|command| where_empty(command, variable))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn variables(command: &Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|flag| flag.get_env());
        let own = own.map(|name| name.to_string_lossy().into_owned());
        own.chain(command.get_subcommands().flat_map(variables)).collect()
    }

    #[test]
    fn an_empty_variable_is_read_by_no_command_and_any_other_by_all() {
        let all = variables(&Cli::command());
        for value in [None, Some("x")] {
            let command = where_empty(Cli::command(), &|_| value.map(OsString::from));
            assert_eq!(variables(&command), all, "{value:?}");
        }
        let command = where_empty(Cli::command(), &|_| Some(OsString::new()));
        assert_eq!(variables(&command), [""; 0]);
        let command = where_empty(Cli::command(), &|name| (name == "A2A_TABLE").then(OsString::new));
        let others: Vec<_> = all.into_iter().filter(|name| name != "A2A_TABLE").collect();
        assert_eq!(variables(&command), others);
    }
}
