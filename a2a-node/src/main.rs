//! The binary `a2a-node`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// Why: docs/decisions/0018-the-binaries-bring-an-allocator.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    a2a_node::run()
}
