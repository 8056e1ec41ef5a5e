//! Trials of real processes; and, as `trials serve …`, the process that is tried: `a2a-node` itself.

use std::io::Read as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    leave_with_parent();
    a2a_node::run()
}

/// Ends this process when its standard input closes, as it does when whoever started it is gone, however that was.
fn leave_with_parent() {
    std::thread::spawn(|| {
        let mut nothing = [0; 1];
        while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
        std::process::exit(1);
    });
}
