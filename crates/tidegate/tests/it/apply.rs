//! `tidegate apply` on a folder no server works on.

use crate::support::{Folder, Ran, Server, WORLD, tidegate};

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let dry = folder.done(&["apply", "-f", &world, "--dry-run"]);
    assert!(dry.contains("would create project p1\n"), "{dry}");
    assert_eq!(folder.done(&["apply", "-f", &world, "--dry-run"]), dry, "a dry run leaves nothing");
    assert!(!folder.data().exists(), "not even a folder");
    let begun = folder.run(&["apply", "-f", &world]);
    assert!(begun.code == Some(0) && begun.err.contains("a new store is begun in"), "{begun:?}");
    let first = begun.out;
    assert_eq!(first.replace("created", "would create"), dry);
    for line in ["created user rita", "created instance g1", "created workspace w1"] {
        assert!(first.lines().any(|l| l == line), "{line} is missing in {first}");
    }
    assert_eq!(folder.done(&["apply", "-f", &world]), "no changes\n");

    let changed =
        WORLD.replace("name: sales", "name: Sales").replace("role: admin", "role: viewer");
    let changed = folder.file("changed.yaml", &changed);
    let difference = folder.done(&["apply", "-f", &changed]);
    assert_eq!(difference, "updated workspace w1\nupdated member w1/ada\n");
}

#[test]
fn a_faulty_file_is_told_whole_and_touches_nothing() {
    let folder = Folder::new();
    let faulty = WORLD.replace("role: admin", "role: god").replace("id: g1", "id: 'g 1'");
    let file = folder.file("world.yaml", &faulty);
    let ran = folder.run(&["apply", "-f", &file]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("`god`") && ran.err.contains("`g 1`"), "{ran:?}");
    assert!(!folder.data().exists());
    for (text, words) in [("projects: [", "world.yaml"), ("project: []", "project")] {
        let file = folder.file("world.yaml", text);
        let ran = folder.run(&["apply", "-f", &file]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(words), "{ran:?}");
    }
    let missing = folder.run(&["apply", "-f", "/nowhere/world.yaml"]);
    assert!(missing.err.contains("/nowhere/world.yaml cannot be read"), "{missing:?}");
}

#[test]
fn what_is_left_out_is_said_and_a_weak_password_is_refused() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let without: Vec<&str> = WORLD.lines().filter(|line| !line.contains("ada")).collect();
    let without = folder.file("without.yaml", &without.join("\n"));
    let dry = folder.done(&["apply", "-f", &without, "--dry-run"]);
    assert_eq!(dry, "would disable user ada\nwould remove member w1/ada\n");
    let done = folder.done(&["apply", "-f", &without]);
    assert_eq!(done, "disabled user ada\nremoved member w1/ada\n");
    let weak = WORLD.replace("{name: rita,", "{name: rita, password: '12345',");
    let ran = folder.run(&["apply", "-f", &folder.file("weak.yaml", &weak)]);
    assert!(ran.code == Some(2) && ran.err.contains("too weak"), "{ran:?}");
    assert!(!ran.err.contains("12345"), "{ran:?}");
}

#[test]
fn a_fault_in_yaml_shows_no_line_of_the_file() {
    let folder = Folder::new();
    let secret = WORLD.replace("{name: rita,", "{name: rita, password: hunter2-hunter2,");
    let faulty = secret.replace("role: admin", "rolle: admin");
    let ran = folder.run(&["apply", "-f", &folder.file("world.yaml", &faulty)]);
    assert!(ran.err.contains("there is no key `rolle`") && ran.err.contains("line "), "{ran:?}");
    assert!(!ran.err.contains("hunter2") && ran.err.lines().count() == 1, "{ran:?}");
}

#[test]
fn no_store_is_made_in_a_folder_that_was_not_named() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let home = tempfile::tempdir().unwrap();
    let here = |words: &[&str]| -> Ran {
        tidegate(words).current_dir(home.path()).output().unwrap().into()
    };
    for words in [&["apply", "-f", &world][..], &["apply", "-f", &world, "--dry-run"]] {
        let ran = here(words);
        assert!(ran.code == Some(2) && ran.err.contains("there is no store in ./data"), "{ran:?}");
        assert!(!home.path().join("data").exists());
    }
    let config = folder.file("tidegate.toml", "data_dir = \"./data\"\n");
    assert_eq!(here(&["apply", "-f", &world, "--config", &config]).code, Some(0));
    assert_eq!(here(&["apply", "-f", &world]).out, "no changes\n", "there is one now");
}

#[test]
fn a_server_elsewhere_is_asked_with_the_operators_token() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let server = Server::serve(&folder);
    let token = folder.data().join("operator.token").to_str().unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    let ask = |words: &[&str]| -> Ran {
        let fixed = ["apply", "-f", &world, "--endpoint", &server.control];
        let mut command = tidegate(&[&fixed[..], words].concat());
        command.current_dir(elsewhere.path()).output().unwrap().into()
    };
    let ran = ask(&[]);
    assert!(ran.err.contains("--operator-token-file"), "{ran:?}");
    assert_eq!(ask(&["--operator-token-file", &token]).out, "no changes\n");
    assert!(!elsewhere.path().join("data").exists());
}
