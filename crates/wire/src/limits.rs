//! Every limit of the wire that is not one of the lifecycle, in one place.

pub use tidegate_domain::limits::{
    BATCH_APIS, BATCH_APPLICATIONS, BATCH_APPS, RETENTION_HOURS, TEXT_CHARS,
};

/// The shortest name of an API, in characters.
pub const API_NAME_MIN: usize = 3;

/// The longest name of an API or an app, in characters.
pub const NAME_CHARS: usize = 64;

/// The longest path, in characters.
pub const PATH_CHARS: usize = 255;

/// The longest name of a request parameter, in characters.
pub const PARA_NAME_CHARS: usize = 32;

/// The longest name of a parameter of a backend, in characters.
pub const BACKEND_NAME_CHARS: usize = 64;

/// The longest default, example or constant value of a parameter, in characters.
pub const VALUE_CHARS: usize = 1_024;

/// The most request parameters, mappings or constants of one API, each.
pub const PARAS: usize = 100;

/// The most tags of one API.
pub const TAGS: usize = 50;

/// The longest tag, in characters.
pub const TAG_CHARS: usize = 64;

/// The longest host with its port, in characters.
pub const HOST_CHARS: usize = 260;

/// The longest time a backend may take, in milliseconds: ten minutes.
pub const TIMEOUT_MS: u32 = 600_000;

/// How long a backend may take when its definition does not say, in milliseconds: what the vendor's
/// gateway waits.
pub const TIMEOUT_DEFAULT_MS: u32 = 50_000;

/// The longest definition that is kept, in bytes of JSON.
pub const DEFINITION_BYTES: usize = 256 * 1024;

/// The largest page of a list.
pub const PAGE: u64 = 1_000;

/// The page of a list when the caller names none.
pub const PAGE_DEFAULT: u64 = 10;

/// The page of the list of applications when the caller names none.
pub const PAGE_DEFAULT_APPLICATIONS: u64 = 100;

/// How much of a value a refusal repeats, in characters.
pub const ECHO_CHARS: usize = 40;

/// How much of the JSON reader's complaint a refusal repeats, in characters.
pub const COMPLAINT_CHARS: usize = 400;

const _: () = assert!(API_NAME_MIN <= NAME_CHARS);
const _: () = assert!(PARA_NAME_CHARS <= BACKEND_NAME_CHARS);
const _: () = assert!(PAGE_DEFAULT <= PAGE && PAGE_DEFAULT_APPLICATIONS <= PAGE);
const _: () = assert!(ECHO_CHARS < COMPLAINT_CHARS);
