//! The attempts of a store, as it tells of them: counted, and watched for denials.

use std::sync::Arc;

use a2a_core::{AttemptObserver, FailedAttempt, Trouble};
use metrics::{Counter, Label, counter};

use super::Denials;
use super::catalog as names;

/// Counts the attempts of one instance's store.
#[derive(Debug)]
pub(crate) struct Attempts {
    member: Vec<Label>,
    troubles: [Counter; Trouble::ALL.len()],
    refused: Counter,
    denials: Arc<Denials>,
}

impl Attempts {
    /// Takes the handles from the recorder that is installed now, so that an alarm finds them before anything fails.
    pub(crate) fn new(label: Option<&str>, denials: Arc<Denials>) -> Self {
        let member: Vec<Label> =
            label.map(|label| Label::new("member", label.to_owned())).into_iter().collect();
        let of = |trouble: &'static str| {
            let mut labels = member.clone();
            labels.push(Label::from_static_parts("trouble", trouble));
            counter!(names::STORE_TROUBLES, labels)
        };
        let (troubles, refused) = (Trouble::ALL.map(|trouble| of(trouble.word())), of("refused"));
        Attempts { member, troubles, refused, denials }
    }
}

impl AttemptObserver for Attempts {
    fn failed(&self, attempt: &FailedAttempt<'_>) {
        let known = Trouble::ALL.iter().zip(&self.troubles);
        let mut of_trouble = known.filter(|(known, _)| Some(**known) == attempt.trouble);
        of_trouble.next().map_or(&self.refused, |(_, counter)| counter).increment(1);
        let mut labels = self.member.clone();
        labels.extend([
            Label::from_static_parts("operation", attempt.operation),
            Label::from_static_parts("code", attempt.code),
            Label::new("reason", attempt.reason.to_owned()),
            Label::new("resource", attempt.resource.to_owned()),
        ]);
        counter!(names::STORE_FAILURES, labels).increment(1);
        if attempt.trouble == Some(Trouble::Denied) {
            self.denials.denied(attempt.operation, attempt.is_vital, &attempt.why);
        }
    }

    fn answered(&self, operation: &'static str) {
        self.denials.answered(operation);
    }
}
