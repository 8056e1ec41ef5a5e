//! Backends so simple that they are right at sight: a second opinion on the contracts, and what the broken backends
//! break. The store is the example that `docs/custom-store.md` walks through.

mod bus;
mod fixture;
#[path = "../../../examples/custom_store/store/mod.rs"]
mod store;

pub(crate) use bus::{BOUND, Queue, ReferenceBus, ReferenceEndpoint};
pub(crate) use fixture::{Location, Meeting};
pub(crate) use store::MapStore as Reference;
