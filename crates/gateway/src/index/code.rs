//! The one encoding of what the index holds, for the digest and for the snapshot: numbers in little
//! endian, texts and lists with their length before them, choices as one byte.
//!
//! Reading is strict and bounded: memory grows with what is there, never with what is promised.

use std::collections::HashSet;

use tidegate_domain::admission::Held;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause, Term};
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, HostName, InstanceId, ProjectId, Timestamp, UserId,
};
use tidegate_sign::Secret;

use super::serves::Serves;
use crate::feed::{
    Backend, Constant, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedToken, Moved, Number,
    Position, Rules, Throttle,
};

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// There are too few of them, or they cannot be read.
    #[error("it cannot be read to its end: {0}")]
    Read(#[from] std::io::Error),
    /// They say something that no index says.
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
}

const TOO_SHORT: Broken = Broken::Malformed("it ends too early");

/// A value with an encoding.
pub(super) trait Code: Sized {
    /// Adds its bytes.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads it back.
    fn get(from: &mut &[u8]) -> Result<Self, Broken>;
}

/// A struct is its fields, in the order given here; one that is forgotten does not compile.
macro_rules! code {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::index::code::Code for $type {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),+ } = self;
                $($crate::index::code::Code::put($field, out);)+
            }

            fn get(from: &mut &[u8]) -> Result<Self, $crate::index::code::Broken> {
                Ok(Self { $($field: $crate::index::code::Code::get(from)?),+ })
            }
        }
    };
    ($type:ident(0)) => {
        impl $crate::index::code::Code for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $crate::index::code::Code::put(&self.0, out);
            }

            fn get(from: &mut &[u8]) -> Result<Self, $crate::index::code::Broken> {
                Ok(Self($crate::index::code::Code::get(from)?))
            }
        }
    };
}
pub(super) use code;

/// A choice is one byte.
macro_rules! choice {
    ($type:ident { $($case:ident = $byte:literal),+ $(,)? }) => {
        impl Code for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$case => $byte),+ });
            }

            fn get(from: &mut &[u8]) -> Result<Self, Broken> {
                match u8::get(from)? {
                    $($byte => Ok(Self::$case),)+
                    _ => Err(Broken::Malformed(concat!("an unknown ", stringify!($type)))),
                }
            }
        }
    };
}

macro_rules! number {
    ($($type:ty),+) => {$(
        impl Code for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(from: &mut &[u8]) -> Result<Self, Broken> {
                Code::get(from).map(Self::from_le_bytes)
            }
        }
    )+};
}

macro_rules! id {
    ($($type:ident),+) => {$(
        impl Code for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_bytes(self.as_str().as_bytes(), out);
            }

            fn get(from: &mut &[u8]) -> Result<Self, Broken> {
                Self::parse(get_text(from)?).map_err(|_| Broken::Malformed("an id"))
            }
        }
    )+};
}

impl<const N: usize> Code for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        let (bytes, rest) = from.split_first_chunk().ok_or(TOO_SHORT)?;
        *from = rest;
        Ok(*bytes)
    }
}

impl Code for [u64; 4] {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|word| word.put(out));
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        Ok([Code::get(from)?, Code::get(from)?, Code::get(from)?, Code::get(from)?])
    }
}

number!(u8, u32, u64, i64);
id!(ApiId, AppId, DomainId, InstanceId, ProjectId, UserId);

impl Code for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        match u8::get(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Broken::Malformed("neither yes nor no")),
        }
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// A length. None is longer than 4 GiB: all of them come from texts and lists with limits.
pub(super) fn put_len(len: usize, out: &mut Vec<u8>) {
    u32::try_from(len).unwrap_or(u32::MAX).put(out);
}

/// A text, where it stands.
fn get_text<'a>(from: &mut &'a [u8]) -> Result<&'a str, Broken> {
    let len = u32::get(from)? as usize;
    let (text, rest) = from.split_at_checked(len).ok_or(TOO_SHORT)?;
    *from = rest;
    std::str::from_utf8(text).map_err(|_| Broken::Malformed("a text is not UTF-8"))
}

impl Code for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        get_text(from).map(str::to_owned)
    }
}

impl Code for Secret {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.expose().as_bytes(), out);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        get_text(from).map(Self::new)
    }
}

impl<T: Code> Code for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        if bool::get(from)? { T::get(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Code> Code for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        let len = u32::get(from)?;
        let mut values = Self::new();
        for _ in 0..len {
            values.push(T::get(from)?);
        }
        Ok(values)
    }
}

impl Code for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_ms().put(out);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        i64::get(from).map(Self::from_ms)
    }
}

impl Code for HostName {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_str().as_bytes(), out);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        let text = get_text(from)?;
        let host = Self::parse(text).ok().filter(|host| host.as_str() == text);
        host.ok_or(Broken::Malformed("a host"))
    }
}

impl Code for Status {
    fn put(&self, out: &mut Vec<u8>) {
        let (byte, at) = match self {
            Self::Created => (0, None),
            Self::PublishPending => (1, None),
            Self::PublishRejected => (2, None),
            Self::Published => (3, None),
            Self::Stopping { at } => (4, Some(at)),
            Self::Stopped => (5, None),
            Self::RecoverPending => (6, None),
            Self::Unpublishing { at } => (7, Some(at)),
            Self::Offline => (8, None),
        };
        out.push(byte);
        if let Some(at) = at {
            at.put(out);
        }
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        Ok(match u8::get(from)? {
            0 => Self::Created,
            1 => Self::PublishPending,
            2 => Self::PublishRejected,
            3 => Self::Published,
            4 => Self::Stopping { at: Code::get(from)? },
            5 => Self::Stopped,
            6 => Self::RecoverPending,
            7 => Self::Unpublishing { at: Code::get(from)? },
            8 => Self::Offline,
            _ => return Err(Broken::Malformed("an unknown status")),
        })
    }
}

impl Code for Serves {
    fn put(&self, out: &mut Vec<u8>) {
        let these = match self {
            Self::All => None,
            Self::These(instances) => {
                let mut instances: Vec<InstanceId> = instances.iter().cloned().collect();
                instances.sort_unstable();
                Some(instances)
            }
        };
        these.put(out);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        let these: Option<Vec<InstanceId>> = Code::get(from)?;
        if these.as_ref().is_some_and(|these| !these.is_sorted_by(|a, b| a < b)) {
            return Err(Broken::Malformed("an instance comes twice, or out of order"));
        }
        Ok(these.map_or(Self::All, |these| Self::These(HashSet::from_iter(these))))
    }
}

choice!(Method { Get = 0, Post = 1 });
choice!(AuthType { App = 0, Iam = 1, None = 2 });
choice!(AppKind { App = 0, Iam = 1 });
choice!(Position { Path = 0, Query = 1, Header = 2 });
choice!(CutCause { Reviewer = 0, App = 1, Unpublished = 2 });

code!(Cut { at, cause });
code!(Term { since, until, cut });
code!(Held { grant, paused_from, applied_until, shutdown_at });
code!(FeedApp { id, domain, project, kind, key, secret });
code!(FeedPublication { api, instance, status, published_at });
code!(FeedInstance { project, id, hosts });
code!(FeedToken { hash, user, domain, project, expires_at });
code!(FeedApi { id, project, domain, name, auth, method, path, backend, rules });
code!(Backend { https, authority, method, path, timeout_ms, moved, constants, numbers });
code!(Number { name, position, may_be_empty });
code!(Moved { name, position, backend_name, backend_position, required, default });
code!(Constant { name, position, value });
code!(Throttle { name, window_ms, per_api, per_user, per_app });
code!(Rules {
    nonce,
    odd_paths,
    upgrade,
    throttle,
    retries,
    http2,
    connect_timeout_ms,
    read_timeout_ms,
    total_timeout_ms,
    more_backends,
    require_signed_host,
    forward_credentials,
});
