# The development loop. Each recipe is plain commands: `just` (https://just.systems) runs them, and so can you by hand.

# What there is.
default:
    @just --list

# A development server with a sample world, at http://127.0.0.1:8787 and 8788.
dev *words:
    cargo run -- dev {{words}}

# Does it compile? Some seconds.
check:
    cargo check --workspace --all-targets --all-features

# What to run before each commit: two minutes once everything is compiled.
quick:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
    cargo test --all-features --locked --quiet -p tidegate-domain -p tidegate-sign -p tidegate-wire -p tidegate-tidy

# All tests of one crate, or those whose name has a word in it: `just test gateway`, `just test control grants`.
test crate *word:
    cargo test --all-features --locked -p {{ if crate == "tidegate" { "tidegate" } else { "tidegate-" + crate } }} {{word}}

# Rewrites the reviewed tables after a change of rules, routes, pages or the command line. Read the diff.
tables:
    UPDATE_TABLE=1 cargo test --workspace --all-features --locked --quiet

# Everything, as CI does; installs what is missing (as root).
all:
    ./test

# Everything that can be tested with what is installed.
all-as-is:
    ./test --no-install

# What fuzzing has found, kept and run again.
fuzz-corpus:
    fuzz/run --corpus

# The API documentation of all crates.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --open
