//! What was found, in the order in which it was looked at.

use std::fmt;
use std::io;

use serde::Serialize;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Failed,
    /// Not looked at.
    Skipped,
}

/// One check, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_to_do: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { check, verdict, detail, what_to_do } = self;
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
        };
        // A service's message may have several lines; each check has one.
        write!(f, "{verdict:7}  {check:12}  {}", detail.replace(['\n', '\r'], " "))?;
        match what_to_do {
            Some(advice) => write!(f, "; what to do: {advice}"),
            None => Ok(()),
        }
    }
}

/// Whoever is shown each finding at once.
pub(super) type Show = Box<dyn Fn(&Finding) -> io::Result<()> + Send + Sync>;

/// All findings so far.
pub(super) struct Checkup {
    show: Show,
    failures: usize,
}

impl Checkup {
    pub(super) fn new(show: Show) -> Self {
        Self { show, failures: 0 }
    }

    pub(super) fn ok(&mut self, check: &'static str, detail: impl Into<String>) -> io::Result<()> {
        self.found(Finding { check, verdict: Verdict::Ok, detail: detail.into(), what_to_do: None })
    }

    pub(super) fn failed(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> io::Result<()> {
        self.failures += 1;
        let what_to_do = Some(what_to_do.into());
        self.found(Finding { check, verdict: Verdict::Failed, detail: detail.into(), what_to_do })
    }

    pub(super) fn skipped(&mut self, check: &'static str, detail: impl Into<String>) -> io::Result<()> {
        self.found(Finding { check, verdict: Verdict::Skipped, detail: detail.into(), what_to_do: None })
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.failures == 0
    }

    fn found(&self, finding: Finding) -> io::Result<()> {
        (self.show)(&finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_and_says_what_to_do() {
        let finding = Finding {
            check: "table",
            verdict: Verdict::Failed,
            detail: "not\nthere".to_owned(),
            what_to_do: Some("make it".to_owned()),
        };
        assert_eq!(finding.to_string(), "failed   table         not there; what to do: make it");
        let json = serde_json::json!(
            { "check": "table", "verdict": "failed", "detail": "not\nthere", "whatToDo": "make it" }
        );
        assert_eq!(serde_json::to_value(finding).unwrap(), json);
    }

    #[test]
    fn only_what_fails_makes_unhealthy() {
        let mut checkup = Checkup::new(Box::new(|_| Ok(())));
        checkup.ok("a", "").unwrap();
        checkup.skipped("b", "").unwrap();
        assert!(checkup.is_healthy());
        checkup.failed("c", "", "").unwrap();
        assert!(!checkup.is_healthy());
    }
}
