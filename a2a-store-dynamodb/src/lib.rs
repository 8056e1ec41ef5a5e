//! Task store on DynamoDB.
