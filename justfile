# Short names for the commands that CONTRIBUTING.md explains. `just` is a convenience; nothing needs it.

# Show what there is.
default:
    @just --list

# Check everything; change nothing.
verify:
    .ci/run

# Repair what a machine can repair: formatting, and what clippy knows how to fix.
fix:
    cargo clippy --workspace --all-targets --all-features --fix --allow-dirty --allow-staged
    cargo fmt --all

# Three instances, one task streamed through all of them, and a count.
demo *flags:
    cargo run -- demo {{ flags }}

# The tests of the whole workspace, or of what is named: `just test -p a2a-core`.
test *what="--workspace":
    cargo test --all-features {{ what }}

# Simulate from many seeds: `just sim 10000`.
sim seeds="1000":
    A2A_SEEDS={{ seeds }} cargo test -p a2a-cluster --test simulation

# Replay one seed that failed: `just replay 4711 a_test`.
replay seed name="":
    A2A_SEED={{ seed }} cargo test -p a2a-cluster --test simulation {{ name }} -- --nocapture

# Licences, sources and advisories of all dependencies; needs cargo-deny.
deny:
    cargo deny check
