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

# CPU time against `zizmor --offline` on the same workflow files: DIR's, or generated ones.
bench-expose DIR="" *ARGS="":
    cargo build --release --quiet
    test -x target/zizmor/bin/zizmor || (python3 -m venv target/zizmor && target/zizmor/bin/pip install --quiet zizmor==1.32.0)
    python3 -B benches/expose/race.py --zizmor target/zizmor/bin/zizmor {{ if DIR == "" { "" } else { "--dir " + quote(DIR) } }} {{ ARGS }}

# How cost grows from 100 to 10,000 files, and with 300 clones.
bench-scale *ARGS="":
    cargo build --release --quiet
    python3 -B benches/expose/scale.py {{ ARGS }}

# The engine of a rotation against a world in memory, RUNS seeded times.
simulate RUNS="1000000":
    KEYSWEEP_RUNS={{ RUNS }} cargo test --release --test simulate -- --nocapture

# Deliberate bugs in the engine, one by one: the simulation has to catch each.
mutants:
    tests/mutants/run

# Every parser against random input, SECONDS each.
fuzz SECONDS="600":
    fuzz/run {{ SECONDS }}
