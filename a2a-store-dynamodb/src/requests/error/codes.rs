//! What each of DynamoDB's error codes means: the one table of them.
//!
//! Sources: the errors of the operations in the service's model; AWS's "Common Error Types", which every service may
//! return; the developer guide's "Error handling with DynamoDB". A key of KMS that is disabled or not granted is told as
//! `AccessDeniedException` with words about KMS; codes that begin with `KMS` are those of other services, and mean the same.

use a2a_core::Trouble;

use super::Verdict;

/// What the codes of one row mean.
const TABLE: [(Verdict, &[&str]); 5] = [
    (
        Verdict::Passing(Trouble::Throttled),
        &[
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "Throttling",
            "RequestLimitExceeded",
            "LimitExceededException",
        ],
    ),
    (
        Verdict::Passing(Trouble::Contended),
        &["TransactionConflictException", "ReplicatedWriteConflictException", "ResourceInUseException"],
    ),
    (
        Verdict::Denied,
        &[
            // Policies of the identity, the organization, the endpoint or the table; and KMS.
            "AccessDeniedException",
            "AccessDenied",
            "NotAuthorized",
            "OptInRequired",
            // Credentials that are renewed by whoever provides them, or replaced.
            "ExpiredTokenException",
            "ExpiredToken",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
            // Signatures, as a clock that is wrong makes them.
            "IncompleteSignatureException",
            "IncompleteSignature",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "RequestExpired",
            "RequestTimeTooSkewed",
            // The table, which is made again from a copy under its name.
            "ResourceNotFoundException",
            "TableNotFoundException",
            "IndexNotFoundException",
        ],
    ),
    (
        Verdict::Refused,
        &[
            "ValidationException",
            "ItemCollectionSizeLimitExceededException",
            "IdempotentParameterMismatchException",
            "SerializationException",
            "UnknownOperationException",
            "InvalidEndpointException",
            "PolicyNotFoundException",
        ],
    ),
    (Verdict::Unmet, &["ConditionalCheckFailedException"]),
];

/// Codes that mean what most others mean: the request may have been applied.
const DOUBTFUL: [&str; 6] = [
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionInProgressException",
    "TransactionCanceledException",
];

/// What an error is called that has no code of the table, in labels.
const OTHER: &str = "other";
/// Codes that begin so.
const KMS: &str = "KMS";

/// Codes whose message names only resources and permissions, which an operator needs.
const TELLING: [&str; 5] = [
    "AccessDeniedException",
    "AccessDenied",
    "ResourceNotFoundException",
    "OptInRequired",
    // The clock of the machine and the server's, and no more.
    "InvalidSignatureException",
];

/// Judges an answer by its code and message.
pub(super) fn judge(code: Option<&str>, message: Option<&str>) -> Verdict {
    let Some(code) = code else { return Verdict::Doubtful };
    match code {
        "ValidationException" if message.is_some_and(|text| text.contains("tem size")) => Verdict::Oversized,
        "RequestEntityTooLarge" | "RequestEntityTooLargeException" => Verdict::Oversized,
        _ if code.starts_with(KMS) => Verdict::Denied,
        _ => {
            let row = TABLE.iter().find(|(_, codes)| codes.contains(&code));
            row.map_or(Verdict::Doubtful, |(verdict, _)| *verdict)
        }
    }
}

/// The code as a label: one of those known here, so that there are few.
pub(super) fn label(code: &str) -> &'static str {
    let known = TABLE.iter().flat_map(|(_, codes)| codes.iter()).chain(&DOUBTFUL);
    let mut known = known.copied().filter(|known| *known == code);
    known.next().unwrap_or(if code.starts_with(KMS) { KMS } else { OTHER })
}

/// Tells whether the message of this code may be logged.
pub(super) fn is_telling(code: &str) -> bool {
    TELLING.contains(&code) || code.starts_with(KMS)
}
