//! Putting things in an order that differs between instances, so that they do not all begin with the same.

use super::Members;

/// Shuffles by the instance's own chance (Fisher and Yates).
pub(super) fn shuffle<T>(members: &Members, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        // Below 2^53, as every length is, the product is exact.
        let chosen = (members.ground.env.chance() * (last + 1) as f64) as usize;
        items.swap(chosen.min(last), last);
    }
}
