//! Collects what is wrong with a request's fields, and answers with all of it at once.

use std::fmt::{self, Write};

use a2a::errordetails::{FieldViolation, TypedDetail};
use a2a::{A2AError, Role};
use chrono::{DateTime, Datelike, Utc};

/// The pages that `ListTasks` may be asked for (§3.1.4).
const PAGE_SIZES: std::ops::RangeInclusive<i64> = 1..=100;

/// How many violations are told: over gRPC they are in a header, and clients read few kilobytes of those.
const MOST_TOLD: usize = 16;
/// How much is told of what somebody else wrote, in bytes.
const MOST_SAID: usize = 256;

/// What something displays as, as far as it is told. The rest is not even written.
pub(super) fn short(said: impl fmt::Display) -> String {
    let mut short = Short(String::new());
    // That it stopped is no failure.
    let _ = write!(short, "{said}");
    short.0
}

struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST_SAID.saturating_sub(self.0.len()).min(text.len());
        let kept = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        self.0.push_str(text.get(..kept).unwrap_or_default());
        if kept == text.len() {
            return Ok(());
        }
        self.0.push('…');
        Err(fmt::Error)
    }
}

/// What is wrong with a request; empty for almost every request, and then free.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<FieldViolation>);

impl Violations {
    pub(super) fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.0.len() < MOST_TOLD {
            self.0.push(FieldViolation { field: field.into(), description: description.into() });
        }
    }

    pub(super) fn page_size(&mut self, size: i64) {
        if !PAGE_SIZES.contains(&size) {
            self.add("pageSize", format!("must be between 1 and 100, was {size}"));
        }
    }

    /// A page of push notification configurations: the proto has no way to say "unset" but 0.
    pub(super) fn config_page_size(&mut self, size: i64) {
        if size < 0 {
            self.add("pageSize", format!("must not be negative, was {size}"));
        }
    }

    /// A time that protobuf has a timestamp for.
    pub(super) fn time(&mut self, time: DateTime<Utc>) {
        if !(1..=9999).contains(&time.year()) {
            self.add("statusTimestampAfter", "must lie in the years 1 to 9999");
        }
    }

    pub(super) fn empty_part(&mut self, index: usize) {
        self.add(format!("message.parts[{index}]"), "must have one of text, raw, url and data");
    }

    pub(super) fn required(&mut self, field: impl Into<String>) {
        self.add(field, "is required");
    }

    /// A client speaks for its user.
    pub(super) fn role(&mut self, role: &Role) {
        match role {
            Role::User => {}
            Role::Unspecified => self.required("message.role"),
            Role::Agent => self.add("message.role", "must be ROLE_USER in what a client sends"),
        }
    }

    pub(super) fn too_deep(&mut self, field: impl Into<String>, most: usize) {
        self.add(field, format!("must not nest arrays and objects more than {most} deep"));
    }

    /// `Ok` when nothing was added.
    ///
    /// # Errors
    /// `InvalidParams`, its message naming the first field and its details naming every one, up to a number that fits into a header.
    pub(super) fn into_result(self) -> Result<(), A2AError> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let message = format!("invalid params: {} {}", first.field, first.description);
        Err(A2AError::invalid_params(message).with_details(vec![TypedDetail::bad_request(self.0)]))
    }
}
