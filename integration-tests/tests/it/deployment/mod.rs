//! What `deploy/` declares is what the code needs: the same table, the same permissions, settings that exist; and what it
//! must keep out is kept out.

mod alarms;
mod applied;
mod commands;
mod documented;
mod exposure;
pub(crate) mod files;
mod image;
mod kubernetes;
mod lint;
mod pattern;
mod permissions;
mod references;
mod restore;
mod role;
mod settings;
mod table;
mod topic;
mod trust;
