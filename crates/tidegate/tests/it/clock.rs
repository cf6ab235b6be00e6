//! A machine whose clock is wrong for a while: nothing is decided meanwhile, and nothing is left of it.

use std::path::Path;
use std::time::Instant;

use crate::support::{FAKETIME, Folder, Http, PATIENCE, Ran, Server, WORLD, tidegate};

/// A server whose clock is shifted by what is written into a file.
struct Shifted {
    folder: Folder,
    shift: String,
    http: Http,
}

impl Shifted {
    fn new() -> Self {
        assert!(Path::new(FAKETIME).exists(), "faketime is missing: apt-get install faketime");
        let folder = Folder::new();
        let shift = folder.file("shift", "+0\n");
        Self { folder, shift, http: Http::new() }
    }

    fn variables(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", FAKETIME),
            ("FAKETIME_TIMESTAMP_FILE", &self.shift),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }

    fn set(&self, shift: &str) {
        std::fs::write(&self.shift, format!("{shift}\n")).unwrap();
    }

    /// Applies the world with this role of olaf's: a change each time it is another one.
    fn apply(&self, role: &str) -> Ran {
        let world = WORLD.replace("role: developer", &format!("role: {role}"));
        let world = self.folder.file("world.yaml", &world);
        self.folder.run(&["apply", "-f", &world])
    }

    /// A command that sees the same clock as the server.
    fn with_its_clock(&self, words: &[&str]) -> Ran {
        let data = self.folder.word();
        let words = [words, &["--data-dir", &data]].concat();
        tidegate(&words).envs(self.variables()).output().unwrap().into()
    }

    /// Waits until the server is ready, or until it says why it is not.
    fn until_ready(&self, server: &Server, wanted: Option<&str>) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.http.get(&format!("{}/readyz", server.control)).json();
            if answer["reason"].as_str() == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{answer}");
            server.moment();
        }
    }
}

/// B12: a clock that was wrong once was wrong for ever.
#[test]
fn a_clock_that_is_years_ahead_decides_nothing_and_leaves_nothing() {
    let shifted = Shifted::new();
    let server = Server::serve_with(&shifted.folder, &shifted.variables());
    assert_eq!(shifted.apply("developer").code, Some(0));
    for wrong in ["+7300d", "+3h", "-3h"] {
        shifted.set(wrong);
        shifted.until_ready(&server, Some("clock"));
        let refused = shifted.apply("admin");
        assert!(refused.code != Some(0) && refused.err.contains("clock"), "{wrong}: {refused:?}");
        let mut doctor = tidegate(&["doctor"]);
        doctor.env("TIDEGATE_DATA_DIR", shifted.folder.data()).envs(shifted.variables());
        let doctor = Ran::from(doctor.output().unwrap());
        assert!(
            doctor.out.contains("fault    clock") && doctor.out.contains("trust-clock"),
            "{doctor:?}"
        );
        shifted.set("+0");
        shifted.until_ready(&server, None);
        assert_eq!(shifted.apply("admin").code, Some(0), "{wrong}");
        assert_eq!(shifted.apply("developer").code, Some(0), "{wrong}");
    }
    assert!(server.stop().success());
}

#[test]
fn an_operator_accepts_a_clock_and_takes_a_decision_time_back() {
    let shifted = Shifted::new();
    let start = || Server::start(&["serve"], &shifted.folder, &shifted.variables());
    let server = start();
    shifted.until_ready(&server, None);
    assert_eq!(shifted.apply("developer").code, Some(0));
    // The clock is right, says the operator; and later that it was not.
    let mut server = server;
    for (clock, said, role) in
        [("+90d", "the next decision may", "admin"), ("+0", "its time is", "viewer")]
    {
        shifted.set(clock);
        shifted.until_ready(&server, Some("clock"));
        assert_ne!(shifted.apply(role).code, Some(0));
        assert!(server.stop().success());
        let trusted = shifted.with_its_clock(&["store", "trust-clock"]);
        assert!(trusted.code == Some(0) && trusted.out.contains(said), "{trusted:?}");
        server = start();
        shifted.until_ready(&server, None);
        assert_eq!(shifted.apply(role).code, Some(0));
    }
    // A start that finds it wrong says so, and is there when it is right.
    assert!(server.stop().success());
    shifted.set("+400d");
    let server = start();
    shifted.until_ready(&server, Some("clock"));
    shifted.set("+0");
    shifted.until_ready(&server, None);
    assert_eq!(shifted.apply("developer").code, Some(0));
    assert!(server.stop().success());
}
