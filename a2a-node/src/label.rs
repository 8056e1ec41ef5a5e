//! What people call a process: shown in metrics, membership records and `a2a-node status`, never to a client.

/// Longer names are refused: they stand in every metric.
const LONGEST: usize = 128;

/// Takes a name that somebody chose.
///
/// # Errors
///
/// What is expected, in words.
pub(crate) fn of_text(text: &str) -> Result<String, String> {
    let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
    if (1..=LONGEST).contains(&text.chars().count()) && text.chars().all(is_visible) {
        return Ok(text.to_owned());
    }
    Err(format!("expected 1 to {LONGEST} characters without spaces"))
}

/// The name of one of so many instances that a process of this name runs: several are numbered, from 1.
pub(crate) fn of_instance(name: &str, number: usize, instances: u16) -> String {
    if instances == 1 { name.to_owned() } else { format!("{name}-{number}") }
}

/// The name of the machine, or of the container or pod, that this process takes for one.
pub(crate) fn host() -> String {
    of_text(&node_name()).unwrap_or_else(|_| "localhost".to_owned())
}

#[cfg(unix)]
fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn node_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_of_a_bounded_length() {
        for name in ["a", "blue-one", "k8s/prod/agent-7f9", &"x".repeat(LONGEST)] {
            assert_eq!(of_text(name).as_deref(), Ok(name));
        }
        for name in ["", "a b", "a\nb", &"x".repeat(LONGEST + 1)] {
            assert!(of_text(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_host_always_has_the_same_name() {
        assert!(of_text(&host()).is_ok());
        assert_eq!(host(), host());
    }

    #[test]
    fn one_instance_has_the_name_itself_and_several_are_numbered() {
        assert_eq!(of_instance("blue", 1, 1), "blue");
        assert_eq!([1, 2].map(|number| of_instance("blue", number, 2)), ["blue-1", "blue-2"]);
    }
}
