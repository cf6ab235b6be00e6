//! The JSON schema of the configuration file, for editors and for those who check files before they
//! ship them. It is made from the table of keys: what a key's own function takes is what it allows.

use serde_json::{Map, Value, json};

use super::given::Given;
use super::keys::{KEYS, Key};
use super::values::Config;

/// The keys that take one of a few words.
pub const CHOICES: &[(&str, &[&str])] = &[("log.format", &["text", "json"])];

/// The schema of a configuration file.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for key in KEYS {
        match key.name.split_once('.') {
            None => {
                properties.insert(key.name.to_owned(), of_key(key));
            }
            Some((section, name)) => {
                let section = properties.entry(section).or_insert_with(
                    || json!({ "type": "object", "additionalProperties": false, "properties": {} }),
                );
                section["properties"][name] = of_key(key);
            }
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of `tidegate serve`",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn of_key(key: &Key) -> Value {
    let default = format!("it = {}", key.default).parse::<toml::Table>().ok();
    let default = default.and_then(|mut table| table.remove("it"));
    let mut schema = match &default {
        Some(toml::Value::Boolean(_)) => json!({ "type": "boolean" }),
        Some(toml::Value::Integer(default)) => bounds(key, *default),
        Some(toml::Value::Float(_)) => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Some(toml::Value::Array(_)) => json!({ "type": "array", "items": { "type": "string" } }),
        _ => json!({ "type": "string" }),
    };
    if let Some((_, words)) = CHOICES.iter().find(|(name, _)| *name == key.name) {
        schema["enum"] = json!(words);
    }
    let help: Vec<&str> = key.help.lines().map(str::trim).collect();
    schema["description"] = json!(help.join(" "));
    schema["default"] = json!(default);
    schema
}

/// The least and the largest number a key takes, between which it takes all.
fn bounds(key: &Key, default: i64) -> Value {
    let takes =
        |n: i64| (key.set)(&mut Config::default(), Given::Toml(&toml::Value::Integer(n))).is_ok();
    let last_taken = |mut taken: i64, mut refused: i64| {
        while (refused - taken).abs() > 1 {
            let middle = taken.midpoint(refused);
            *(if takes(middle) { &mut taken } else { &mut refused }) = middle;
        }
        taken
    };
    let minimum = last_taken(default, -1);
    let maximum = last_taken(default, i64::from(u32::MAX) + 1);
    json!({ "type": "integer", "minimum": minimum, "maximum": maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_offered_is_taken_and_no_other() {
        for (name, words) in CHOICES {
            let key = KEYS.iter().find(|key| key.name == *name).unwrap();
            let takes = |word| (key.set)(&mut Config::default(), Given::Text(word)).is_ok();
            assert!(words.iter().all(|word| takes(word)) && !takes("no such word"), "{name}");
        }
    }

    #[test]
    fn a_number_and_its_bounds_are_those_of_its_key() {
        let schema = schema();
        let lease = &schema["properties"]["gateway"]["properties"]["lease_seconds"];
        assert_eq!((lease["minimum"].as_i64(), lease["maximum"].as_i64()), (Some(5), Some(86_400)));
        assert_eq!(lease["default"], 300);
        let threads = &schema["properties"]["gateway"]["properties"]["threads"];
        assert_eq!(threads["minimum"], 0);
        for key in KEYS {
            let value: toml::Table = format!("it = {}", key.default).parse().unwrap();
            let is_share = value["it"].is_float();
            for (n, is_taken) in [(0.0, true), (1.0, true), (-0.1, false), (1.1, false)] {
                let given = toml::Value::Float(n);
                let taken = (key.set)(&mut Config::default(), Given::Toml(&given)).is_ok();
                assert_eq!(taken, is_share && is_taken, "{} {n}", key.name);
            }
        }
    }
}
