//! The command that runs one seed of the running test again.

use std::path::Path;

/// Returns the command. The test's name is that of the thread, as Rust's test harness sets it.
pub(super) fn command(seed: u64) -> String {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let program = std::env::current_exe().unwrap_or_default();
    let thread = std::thread::current();
    line(seed, &package, &program, thread.name().unwrap_or_default())
}

fn line(seed: u64, package: &str, program: &Path, test: &str) -> String {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    // Cargo names a test program after its crate and a hash.
    let target = stem.rsplit_once('-').map_or(&*stem, |(name, _)| name);
    let which = if target == package.replace('-', "_") { "--lib".into() } else { format!("--test {target}") };
    format!("A2A_SEED={seed} cargo test -p {package} {which} -- --exact {test} --nocapture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_package_target_test_and_seed() {
        let of = |program: &str| line(7, "a2a-cluster", Path::new(program), "it::holds");
        let end = "-- --exact it::holds --nocapture";
        let library = of("/target/debug/deps/a2a_cluster-0123456789abcdef");
        assert_eq!(library, format!("A2A_SEED=7 cargo test -p a2a-cluster --lib {end}"));
        let integration = of("/target/debug/deps/simulation-0123456789abcdef");
        assert_eq!(integration, format!("A2A_SEED=7 cargo test -p a2a-cluster --test simulation {end}"));
    }
}
