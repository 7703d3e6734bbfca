# What a contributor runs. `just` lists it.

default:
    @just --list

# The command that README gives for the tests.
test:
    cargo test --workspace

# Everything that has to hold before a change lands.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo deny check bans licenses sources

# The program without any client, as README's first command builds it.
checkout:
    cargo build --release --no-default-features --features checkout
