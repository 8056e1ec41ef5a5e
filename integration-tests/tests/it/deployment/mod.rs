//! What `deploy/` declares is what the code needs: the same table, the same permissions, settings that exist.

mod commands;
mod documented;
mod files;
mod lint;
mod permissions;
mod restore;
mod role;
mod settings;
mod table;
