//! What is fuzzed, and what must hold whatever the bytes are.
//!
//! Each module has one function, `run`, that takes any bytes and panics when a promise is broken. The
//! fuzzer calls it, and so does `tests/corpus.rs` with every kept input, on the stable compiler.
//!
//! A further target is a module here, a line in [`TARGETS`], a file in `fuzz_targets/`, a `[[bin]]` in
//! `Cargo.toml` and a folder of seeds in `corpus/`.

pub mod answer;
pub mod feed;
pub mod head;
pub mod json;
mod material;
pub mod signature;
pub mod target;
pub mod time;

/// A target.
pub type Run = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: [(&str, Run); 7] = [
    ("answer", answer::run),
    ("feed", feed::run),
    ("head", head::run),
    ("json", json::run),
    ("signature", signature::run),
    ("target", target::run),
    ("time", time::run),
];

/// The program of a target: under cargo-fuzz the fuzzer, otherwise one that runs the files it is
/// given.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name::run(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args().skip(1) {
                $crate::$name::run(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
