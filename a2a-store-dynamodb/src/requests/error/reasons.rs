//! The finer reasons of a failed attempt: which limit of which table or index throttled it, why a transaction was
//! cancelled. They become labels, so each has few values.

use std::error::Error;

use aws_sdk_dynamodb::types::error::{
    ProvisionedThroughputExceededException, RequestLimitExceeded, ThrottlingException,
    TransactionCanceledException,
};
use aws_sdk_dynamodb::types::{CancellationReason, ThrottlingReason};

/// What a reason is called that DynamoDB's documentation does not have.
const OTHER: &str = "other";

/// The codes of a cancelled transaction's reasons, in the order in which the first one is told.
const CANCELLATIONS: [&str; 8] = [
    "AccessDenied",
    "ValidationError",
    "ItemCollectionSizeLimitExceeded",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "TransactionConflict",
    "DuplicateItem",
    "ConditionalCheckFailed",
];

/// Which limits throttle: each for reads and for writes, of a table and of an index.
const LIMITS: [&str; 4] = [
    "ProvisionedThroughputExceeded",
    "AccountLimitExceeded",
    "KeyRangeThroughputExceeded",
    "MaxOnDemandThroughputExceeded",
];

/// A reason and the table or index that it is about; both empty where nothing is told.
pub(super) fn of(error: &(dyn Error + 'static)) -> (String, String) {
    if let Some(cancelled) = error.downcast_ref::<TransactionCanceledException>() {
        return (of_cancelled(cancelled.cancellation_reasons()).to_owned(), String::new());
    }
    let throttled = error
        .downcast_ref::<ThrottlingException>()
        .map(ThrottlingException::throttling_reasons)
        .or_else(|| {
            let error = error.downcast_ref::<ProvisionedThroughputExceededException>();
            error.map(ProvisionedThroughputExceededException::throttling_reasons)
        })
        .or_else(|| {
            error.downcast_ref::<RequestLimitExceeded>().map(RequestLimitExceeded::throttling_reasons)
        });
    match throttled.and_then(|reasons| reasons.first()) {
        Some(reason) => of_throttled(reason),
        None => (String::new(), String::new()),
    }
}

fn of_cancelled(reasons: &[CancellationReason]) -> &'static str {
    let has = |code: &&&str| reasons.iter().any(|reason| reason.code() == Some(**code));
    CANCELLATIONS.iter().find(has).copied().unwrap_or(OTHER)
}

fn of_throttled(reason: &ThrottlingReason) -> (String, String) {
    let told = reason.reason().unwrap_or_default();
    let is_documented = ["Table", "Index"].iter().any(|what| {
        let rest =
            told.strip_prefix(what).and_then(|rest| rest.strip_prefix("Read").or(rest.strip_prefix("Write")));
        rest.is_some_and(|limit| LIMITS.contains(&limit))
    });
    let told = if is_documented { told } else { OTHER };
    (told.to_owned(), reason.resource().map_or(String::new(), named))
}

/// A table's or an index's name from its ARN (`arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/index/NAME`).
fn named(arn: &str) -> String {
    arn.split_once(":table/").map_or(OTHER, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttling_reason_names_its_limit_and_the_table_or_index() {
        let told = |reason: &str, arn: &str| {
            let reason = ThrottlingReason::builder().reason(reason).resource(arn).build();
            of(&ThrottlingException::builder().throttling_reasons(reason).build())
        };
        let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/a2a";
        let told = |reason: &str, rest: &str| told(reason, &format!("{arn}{rest}"));
        let pair = |reason: &str, resource: &str| (reason.to_owned(), resource.to_owned());
        assert_eq!(
            told("TableWriteKeyRangeThroughputExceeded", ""),
            pair("TableWriteKeyRangeThroughputExceeded", "a2a")
        );
        assert_eq!(
            told("IndexReadAccountLimitExceeded", "/index/by-caller"),
            pair("IndexReadAccountLimitExceeded", "a2a/index/by-caller")
        );
        assert_eq!(told("TableEatProvisionedThroughputExceeded", ""), pair(OTHER, "a2a"));
        assert_eq!(of(&ThrottlingException::builder().build()), pair("", ""));
    }

    #[test]
    fn a_cancelled_transaction_tells_what_weighs_most_of_its_reasons() {
        let of = |codes: [&str; 2]| {
            let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
            of_cancelled(&reasons)
        };
        assert_eq!(of(["None", "TransactionConflict"]), "TransactionConflict");
        assert_eq!(of(["TransactionConflict", "ThrottlingError"]), "ThrottlingError");
        assert_eq!(of(["None", "SomethingNew"]), OTHER);
    }
}
