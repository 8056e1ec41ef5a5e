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

# Search the model further than the tests do: `just model 2000000`; or one part of it: `just model 2000000 "a crash"`.
model states="1000000" part="":
    A2A_MODEL_STATES={{ states }} A2A_MODEL="{{ part }}" cargo test --release -p a2a-cluster --test model invariants

# Licences, sources and advisories of all dependencies; needs cargo-deny.
deny:
    cargo deny check
