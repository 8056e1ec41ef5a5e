//! Three instances behind a proxy that sends every request to the next one cannot be told from one, by any binding.

mod bad_documents;
mod bad_input;
mod callers;
mod cancelling;
mod cards;
mod following_up;
mod listing;
mod paging;
mod push_configs;
mod sending;
mod stage;
mod subscribing;
mod tenants;
