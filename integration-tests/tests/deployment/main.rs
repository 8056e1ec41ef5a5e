//! What `deploy/` declares is what the code needs: the same table, the same permissions, settings that exist.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what helps a test may fail like one"
)]

mod commands;
mod documented;
mod files;
mod lint;
mod permissions;
mod settings;
mod table;
