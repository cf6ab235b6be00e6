//! What is fuzzed, and what must hold whatever the bytes are.
//!
//! Each module has one function, `run`, that takes any bytes and panics when a promise is broken. The
//! fuzzer calls it, and so does `tests/corpus.rs` with every kept input, on the stable compiler. A target
//! that demands much holds an input of the fuzzer to one part of it ([`Turn`]), and kept ones to all.
//!
//! A further target is a module here, a line in [`TARGETS`], a file in `fuzz_targets/`, a `[[bin]]` in
//! `Cargo.toml` and a folder of seeds in `corpus/`.

pub mod answer;
pub mod feed;
pub mod head;
pub mod json;
mod material;
pub mod signature;
pub mod snapshot;
pub mod target;
pub mod time;
mod world;

/// A target.
pub type Run = fn(&[u8], Turn);

/// Which of a target's further demands an input is held to.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// All of them.
    All,
    /// One of them.
    One(usize),
}

impl Turn {
    /// One that the input chooses, each about as often as the others.
    pub fn of(data: &[u8]) -> Self {
        Self::One(data.iter().map(|byte| usize::from(*byte)).sum())
    }

    /// Is it the `nth` of `count`?
    pub fn is(self, nth: usize, count: usize) -> bool {
        match self {
            Self::All => true,
            Self::One(n) => n % count == nth,
        }
    }
}

/// All targets, by name.
pub const TARGETS: [(&str, Run); 8] = [
    ("answer", answer::run),
    ("feed", feed::run),
    ("head", head::run),
    ("json", json::run),
    ("signature", signature::run),
    ("snapshot", snapshot::run),
    ("target", target::run),
    ("time", time::run),
];

/// The program of a target: under cargo-fuzz the fuzzer, otherwise one that runs the files it is
/// given.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name::run(data, $crate::Turn::of(data)));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args().skip(1) {
                $crate::$name::run(&std::fs::read(file)?, $crate::Turn::All);
            }
            Ok(())
        }
    };
}
