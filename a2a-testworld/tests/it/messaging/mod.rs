//! SNS and SQS, before whichever endpoint there is for tests.

mod allowed;
mod batches;
mod binary;
mod errors;
mod filters;
mod names;
mod network;
mod passing;
mod place;
mod quotas;
mod receiving;
