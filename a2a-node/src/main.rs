//! The binary `a2a-node`.

use std::process::ExitCode;

fn main() -> ExitCode {
    a2a_node::run()
}
