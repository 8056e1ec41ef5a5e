//! The node on AWS, as an operator uses it: make, check, serve, look, clean up.

mod deaths;
mod denied;
mod denying_proxy;
mod doctor;
mod forged;
mod forget;
mod log;
mod profiles;
mod provision;
mod reap;
mod serving;
mod site;
mod status;
mod webhooks;
