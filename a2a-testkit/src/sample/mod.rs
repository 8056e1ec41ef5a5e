//! Sample data: events of every kind, awkward ids, and tasks whose life a test tells step by step.

mod draft;
mod events;
mod ids;
mod model;
mod parts;

pub use draft::Draft;
pub use events::{at, chunk, claim, commit_id, instance, message, status, status_saying, task};
pub use ids::{LONGEST_ID, hostile_ids, hostile_keys};
pub use model::TaskModel;
pub use parts::{awkward_metadata, awkward_text, noise, parts_of_every_kind};
