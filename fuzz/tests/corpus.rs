//! Every kept input, through its target: what the fuzzer once found interesting, or wrong, is looked
//! at in every test run, on the stable compiler.

use std::path::Path;

use tidegate_fuzz::{TARGETS, Turn};

/// Inputs of a target, so that they stay quick to look at.
const MOST_KEPT: usize = 450;

#[test]
fn every_kept_input_is_answered_as_promised() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, run) in TARGETS {
        let mut files = 0;
        for file in std::fs::read_dir(corpus.join(name)).unwrap() {
            let path = file.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            println!("{}", path.display());
            run(&data, Turn::All);
            // Neither does it matter where an input ends.
            for end in 0..data.len().min(512) {
                run(&data[..end], Turn::All);
            }
            files += 1;
        }
        assert!(files > 0, "{name} has no seeds");
        assert!(files <= MOST_KEPT, "{name}: fuzz/run --keep {name}");
    }
}

#[test]
fn every_target_has_a_program() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut programs: Vec<String> = std::fs::read_dir(here.join("fuzz_targets"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    programs.sort();
    assert_eq!(programs, TARGETS.map(|(name, _)| name));
}
