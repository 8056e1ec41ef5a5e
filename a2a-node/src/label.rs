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

/// The name of the machine, or of the container or pod, that this process takes for one.
pub(crate) fn host() -> String {
    let said = std::env::var("HOSTNAME").ok();
    let known = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = |name: String| of_text(name.trim()).ok();
    said.and_then(named).or_else(|| known().and_then(named)).unwrap_or_else(|| "localhost".to_owned())
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
    fn a_host_always_has_a_name() {
        assert!(of_text(&host()).is_ok());
    }
}
