//! Every limit of this crate, and the relations between them.

/// Longest path and query together, in bytes; holds for the wire form and for the canonical form.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;

/// Most path segments of a target.
pub const MAX_SEGMENTS: usize = 64;

/// Most query pairs of a target.
pub const MAX_QUERY_PAIRS: usize = 256;

/// Longest `Authorization` value, in bytes.
pub const MAX_AUTHORIZATION_BYTES: usize = 8 * 1024;

/// Longest key id (`Access=`), in bytes.
pub const MAX_ACCESS_BYTES: usize = 128;

/// Most names in `SignedHeaders=`.
pub const MAX_SIGNED_HEADERS: usize = 64;

/// Longest name in `SignedHeaders=`, in bytes.
pub const MAX_HEADER_NAME_BYTES: usize = 100;

// The longest lists of their kinds still fit into the value that carries them.
const _: () = assert!(
    MAX_SIGNED_HEADERS * (MAX_HEADER_NAME_BYTES + 1) + MAX_ACCESS_BYTES + 256
        <= MAX_AUTHORIZATION_BYTES
);
const _: () = assert!(2 * (MAX_SEGMENTS + MAX_QUERY_PAIRS) <= MAX_TARGET_BYTES);
