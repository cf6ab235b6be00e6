//! `tidegate apply` on a folder no server works on.

use crate::support::{Folder, WORLD};

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let dry = folder.done(&["apply", "-f", &world, "--dry-run"]);
    assert!(dry.contains("created project p1\n"), "{dry}");
    assert_eq!(folder.done(&["apply", "-f", &world, "--dry-run"]), dry, "a dry run leaves nothing");
    let first = folder.done(&["apply", "-f", &world]);
    assert_eq!(first, dry);
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
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("`god`") && ran.err.contains("`g 1`"), "{ran:?}");
    assert!(!folder.data().exists());
    for (text, words) in [("projects: [", "world.yaml"), ("project: []", "project")] {
        let file = folder.file("world.yaml", text);
        let ran = folder.run(&["apply", "-f", &file]);
        assert_eq!(ran.code, Some(3));
        assert!(ran.err.contains(words), "{ran:?}");
    }
    let missing = folder.run(&["apply", "-f", "/nowhere/world.yaml"]);
    assert!(missing.err.contains("cannot read /nowhere/world.yaml"), "{missing:?}");
}
