//! Several instances against real backends; and the arrows between our crates
