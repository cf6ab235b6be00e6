//! What seals a backup: a pass phrase, or a key in a file.
//!
//! The head says which of them, and how the key is made of a pass phrase. Whoever changes it gets
//! another key, so it needs no seal of its own.
//!
//! ```text
//! "tidegate-backup\0", version, 0 | 1, memory, passes, lanes, salt
//! ```

use std::io::{ErrorKind, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use clap::Args;
use tidegate_gateway::system_words;
use tidegate_seal::{SealError, SealingKey};
use tidegate_sign::Secret;
use zeroize::Zeroizing;

use crate::data::unhex;
use crate::exit::{Misused, misused};
use crate::random;

const MAGIC: [u8; 16] = *b"tidegate-backup\0";
const VERSION: u32 = 1;
const SALT: usize = 16;
const HEAD: usize = MAGIC.len() + 4 + 1 + 12 + SALT;

/// How a pass phrase becomes a key: Argon2id over 64 MiB (RFC 9106, its second choice).
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

/// The most a file may ask for before anything of it is believed.
const MOST: Cost = Cost { memory_kib: 4 * COST.memory_kib, passes: 2 * COST.passes, lanes: 16 };

/// The most work, as memory times passes: four times that of a backup that is made today.
const MOST_WORK: u64 = 4 * COST.work();

/// The shortest pass phrase, in bytes.
const SHORTEST: usize = 12;

/// The longest file of a pass phrase or key, in bytes.
const LONGEST: u64 = 4_096;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    const fn work(self) -> u64 {
        self.memory_kib as u64 * self.passes as u64
    }
}

/// Where the pass phrase or the key comes from. Without any, a terminal is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pass phrase or key")]
pub struct KeyArgs {
    /// The file that holds the pass phrase, in its first line.
    #[arg(
        long,
        env = "TIDEGATE_BACKUP_PASS_PHRASE_FILE",
        value_name = "FILE",
        conflicts_with = "key_file"
    )]
    pass_phrase_file: Option<PathBuf>,

    /// The file that holds a key instead: 64 hex digits.
    #[arg(long, env = "TIDEGATE_BACKUP_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// The variable that may hold the pass phrase itself.
const VARIABLE: &str = "TIDEGATE_BACKUP_PASS_PHRASE";

/// A key for a new backup, and what that begins with.
pub struct NewKey {
    /// The key.
    pub key: SealingKey,
    /// The head of the file.
    pub head: [u8; HEAD],
}

impl KeyArgs {
    /// For a backup that is made.
    pub fn for_new(&self) -> anyhow::Result<NewKey> {
        let mut head = Head { cost: None, salt: [0; SALT] };
        let key = match &self.key_file {
            Some(path) => key_in(path)?,
            None => {
                head = Head { cost: Some(COST), salt: random::bytes()? };
                let phrase = self.phrase(true)?;
                if phrase.expose().len() < SHORTEST {
                    misused!("a pass phrase needs {SHORTEST} characters; several words are good");
                }
                stretched(&phrase, &COST, &head.salt)?
            }
        };
        Ok(NewKey { key, head: head.bytes() })
    }

    /// For a backup that is there, whose head is read.
    pub fn for_old(&self, from: &mut impl Read) -> anyhow::Result<SealingKey> {
        let mut bytes = [0; HEAD];
        from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => anyhow::Error::new(Misused(FOREIGN.to_owned())),
            _ => error.into(),
        })?;
        let head = Head::read(&bytes)?;
        match (head.cost, &self.key_file) {
            (None, Some(path)) => key_in(path),
            (None, None) => misused!("it was sealed with a key file: name it with --key-file"),
            (Some(_), Some(_)) => misused!("it was sealed with a pass phrase, not with a key file"),
            (Some(cost), None) => stretched(&self.phrase(false)?, &cost, &head.salt),
        }
    }

    fn phrase(&self, is_new: bool) -> anyhow::Result<Secret> {
        if let Some(path) = &self.pass_phrase_file {
            let text = short_text(path)?;
            return Ok(Secret::new(text.lines().next().unwrap_or_default()));
        }
        if let Some(phrase) = std::env::var_os(VARIABLE) {
            let phrase = Zeroizing::new(phrase.into_string().unwrap_or_default());
            return Ok(Secret::new(phrase.as_str()));
        }
        if !std::io::stdin().is_terminal() {
            misused!(
                "a pass phrase is needed: --pass-phrase-file, {VARIABLE}, a terminal, or --key-file"
            );
        }
        let phrase = Zeroizing::new(rpassword::prompt_password("Pass phrase: ")?);
        if is_new && *phrase != *Zeroizing::new(rpassword::prompt_password("Once more: ")?) {
            misused!("these were two different pass phrases");
        }
        Ok(Secret::new(phrase.as_str()))
    }
}

const FOREIGN: &str = "it is no backup of Tidegate";

struct Head {
    /// None for a key file.
    cost: Option<Cost>,
    salt: [u8; SALT],
}

impl Head {
    fn bytes(&self) -> [u8; HEAD] {
        let cost = self.cost.unwrap_or(Cost { memory_kib: 0, passes: 0, lanes: 0 });
        let mut bytes = [0; HEAD];
        let parts = MAGIC
            .into_iter()
            .chain(VERSION.to_le_bytes())
            .chain([u8::from(self.cost.is_some())])
            .chain(cost.memory_kib.to_le_bytes())
            .chain(cost.passes.to_le_bytes())
            .chain(cost.lanes.to_le_bytes())
            .chain(self.salt);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    fn read(bytes: &[u8; HEAD]) -> anyhow::Result<Self> {
        let (magic, rest) = bytes.split_at(MAGIC.len());
        if magic != MAGIC {
            misused!("{FOREIGN}");
        }
        let (numbers, salt) = rest.split_at(rest.len() - SALT);
        let number = |at: usize| {
            let four = numbers.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map(u32::from_le_bytes).unwrap_or_default()
        };
        if number(0) != VERSION {
            bail!("it has another version's form");
        }
        let cost = Cost { memory_kib: number(5), passes: number(9), lanes: number(13) };
        let is_phrase = match numbers.get(4) {
            Some(0) => false,
            Some(1) => true,
            _ => bail!("its head is damaged"),
        };
        let within = cost.memory_kib <= MOST.memory_kib
            && cost.passes <= MOST.passes
            && cost.work() <= MOST_WORK
            && cost.lanes <= MOST.lanes;
        if !within {
            bail!("its head is damaged: it asks for too much work");
        }
        let salt = salt.try_into().unwrap_or([0; SALT]);
        Ok(Self { cost: is_phrase.then_some(cost), salt })
    }
}

fn stretched(phrase: &Secret, cost: &Cost, salt: &[u8]) -> anyhow::Result<SealingKey> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(SealingKey::LEN))
        .map_err(|_| anyhow!("its head is damaged"))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; SealingKey::LEN]);
    argon
        .hash_password_into(phrase.expose().as_bytes(), salt, &mut *key)
        .map_err(|error| anyhow!("the pass phrase cannot be used: {error}"))?;
    Ok(SealingKey::new(*key))
}

fn key_in(path: &Path) -> anyhow::Result<SealingKey> {
    let key = unhex(short_text(path)?.trim()).map(Zeroizing::new);
    let key = key.and_then(|key| <[u8; SealingKey::LEN]>::try_from(key.as_slice()).ok());
    let Some(key) = key else {
        misused!(
            "{} holds no key: 64 hex digits, as `openssl rand -hex 32` prints",
            path.display()
        );
    };
    Ok(SealingKey::new(key))
}

fn short_text(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(path).and_then(|f| f.take(LONGEST).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => misused!("{} cannot be read: {}", path.display(), system_words(&error)),
    }
}

/// What went wrong with a sealed file, in the words of a backup.
pub fn told(error: std::io::Error) -> anyhow::Error {
    let seal = error.get_ref().and_then(|inner| inner.downcast_ref::<SealError>());
    match seal {
        Some(SealError::OtherKey) => {
            Misused("the pass phrase or key is wrong, or its head is damaged".to_owned()).into()
        }
        Some(SealError::Foreign) => anyhow!("it is damaged or cut short"),
        Some(
            SealError::OtherForm { .. }
            | SealError::Damaged
            | SealError::TooLong
            | SealError::NoRandomness,
        ) => anyhow!(error),
        None if error.kind() == ErrorKind::UnexpectedEof => anyhow!("it is damaged or cut short"),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_asks_for_much_more_work_than_any_backup_is_refused_before_it_is_done() {
        let head = |memory_kib, passes, lanes| {
            let cost = Some(Cost { memory_kib, passes, lanes });
            Head::read(&Head { cost, salt: [0; SALT] }.bytes()).map(|_| ())
        };
        let Cost { memory_kib, passes, lanes } = COST;
        assert!(head(memory_kib, passes, lanes).is_ok(), "what is made today");
        assert!(head(4 * memory_kib, passes, lanes).is_ok(), "a later version may ask for more");
        for (memory_kib, passes, lanes) in [
            (1024 * 1024, 16, 4),
            (5 * memory_kib, 1, lanes),
            (4 * memory_kib, 2 * passes, lanes),
            (memory_kib, 3 * passes, lanes),
            (memory_kib, passes, 17),
            (u32::MAX, u32::MAX, 1),
        ] {
            let refused = head(memory_kib, passes, lanes).unwrap_err().to_string();
            assert!(refused.contains("too much work"), "{refused}");
        }
    }
}
