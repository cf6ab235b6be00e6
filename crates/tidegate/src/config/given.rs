//! A value as it was given: typed in a file, a text in the environment.

use tidegate_gateway::Share;

/// A value somebody gave for a key.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// In the file.
    Toml(&'a toml::Value),
    /// In the environment.
    Text(&'a str),
}

impl<'a> Given<'a> {
    /// A text.
    pub fn text(self) -> Result<&'a str, String> {
        match self {
            Self::Toml(value) => {
                value.as_str().ok_or_else(|| "must be a text in quotes".to_owned())
            }
            Self::Text(text) => Ok(text),
        }
    }

    /// A text that `parse` takes.
    pub fn parsed<T>(self, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let text = self.text()?;
        parse(text).ok_or_else(|| format!("is `{text}`; {wanted}"))
    }

    /// Yes or no.
    pub fn boolean(self) -> Result<bool, String> {
        let found = match self {
            Self::Toml(value) => value.as_bool(),
            Self::Text(text) => text.parse().ok(),
        };
        found.ok_or_else(|| "must be true or false".to_owned())
    }

    /// A number within bounds.
    pub fn number(self, least: u32, most: u32) -> Result<u32, String> {
        let found = match self {
            Self::Toml(value) => value.as_integer(),
            Self::Text(text) => text.parse().ok(),
        };
        found
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| format!("must be a number from {least} to {most}"))
    }

    /// A fraction of something.
    pub fn share(self) -> Result<Share, String> {
        let found = match self {
            Self::Toml(value) => value
                .as_float()
                .or_else(|| value.as_integer().and_then(|n| i32::try_from(n).ok()).map(f64::from)),
            Self::Text(text) => text.parse().ok(),
        };
        found.and_then(Share::new).ok_or_else(|| "must be a number from 0.0 to 1.0".to_owned())
    }

    /// A list of texts; in the environment, between commas.
    pub fn list(self) -> Result<Vec<&'a str>, String> {
        match self {
            Self::Toml(value) => value
                .as_array()
                .and_then(|items| items.iter().map(toml::Value::as_str).collect())
                .ok_or_else(|| "must be a list of texts, such as [\"a\", \"b\"]".to_owned()),
            Self::Text(text) => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
            }
        }
    }
}
