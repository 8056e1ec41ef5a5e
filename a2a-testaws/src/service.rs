//! The services that tests use.

/// A service that the endpoint serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// SNS.
    Sns,
    /// SQS.
    Sqs,
}
