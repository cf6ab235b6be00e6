//! The kept inputs of `snapshot` that have a name, and what each is refused for. One whose reason is another
//! than its name says would not reach what it was made for.

use std::path::Path;

use tidegate_fuzz::Turn;
use tidegate_fuzz::snapshot::outcome;

/// "read" are those that are good.
const OUTCOMES: &[(&str, &str)] = &[
    ("a-good-head-and-another-part", "it is damaged or cut short"),
    ("a-good-head-and-no-more", "it is damaged or cut short"),
    ("another-salt", "it was sealed with another key"),
    ("another-version", "it has form 9, and this version reads form 3"),
    ("foreign", "it does not begin like one"),
    ("history-of-all", "read"),
    ("history-with-gaps", "read"),
    ("image-as-it-was-0", "read"),
    ("image-as-it-was-1", "read"),
    ("image-as-it-was-2", "read"),
    ("image-as-it-was-3", "read"),
    ("image-as-it-was-4", "read"),
    ("image-cut", "it ends too early"),
    ("image-with-a-count-of-many", "it ends too early"),
    ("image-with-a-grant-packed-and-odd", "a grant comes twice"),
    ("image-with-a-node-of-nothing", "it ends too early"),
    ("image-with-a-node-without-pages", "a node that holds nothing, or more than its grants"),
    ("image-with-a-page-without-grants", "a node that holds nothing, or more than its grants"),
    ("image-with-a-part-gone", "an id"),
    ("image-with-a-part-twice", "a node has fewer pages"),
    ("image-with-a-token-twice", "a token comes twice"),
    ("image-with-an-empty-part", "a part holds more or fewer than it should"),
    ("image-with-an-instance-twice", "an instance comes twice, or out of order"),
    ("image-with-pages-of-many", "a node has fewer pages"),
    ("image-with-parts-of-many", "an id"),
    ("image-with-some-bytes-gone", "it ends too early"),
    ("image-with-some-bytes-twice", "it ends too early"),
    ("image-with-two-nodes-exchanged", "a grant of nobody, or one out of its place"),
    ("magic-alone", "it does not begin like one"),
    ("nothing", "it does not begin like one"),
    ("nothing-under-a-seal", "it ends too early"),
    ("sealed-and-a-part-gone", "it is damaged or cut short"),
    ("sealed-and-a-part-twice", "it is damaged or cut short"),
    ("sealed-and-cut", "it is damaged or cut short"),
    ("sealed-and-longer", "it is damaged or cut short"),
    ("sealed-and-no-end", "it is damaged or cut short"),
    ("sealed-and-one-bit", "it is damaged or cut short"),
    ("sealed-as-it-was-0", "read"),
    ("sealed-as-it-was-1", "read"),
    ("sealed-as-it-was-2", "read"),
    ("sealed-as-it-was-3", "read"),
    ("sealed-as-it-was-4", "read"),
    ("the-version-before", "it has form 1, and this version reads form 3"),
];

#[test]
fn every_named_snapshot_is_refused_for_what_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/snapshot");
    let mut outcomes = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if is_named(&name) {
            let refused = outcome(&std::fs::read(&path).unwrap(), Turn::All);
            let why = refused.map_or("read".to_owned(), |broken| broken.to_string());
            // Whether it cannot be read or is malformed, the reason tells.
            let why = why.rsplit(": ").next().unwrap_or_default().to_owned();
            outcomes.push((name, why));
        }
    }
    outcomes.sort();
    let outcomes: Vec<_> =
        outcomes.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
    assert_eq!(outcomes, OUTCOMES);
}

/// Those that the fuzzer found are called by their hash.
fn is_named(name: &str) -> bool {
    !(name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
