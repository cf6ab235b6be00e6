//! What can be wrong with a signed request. The texts are written for the one who sent it.

/// Why a signature was refused, or could not be made.
///
/// No text holds a secret, a signature or a header value; names of headers are shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No header with an authorization was sent.
    #[error("the request carries no authorization header; sign it with SDK-HMAC-SHA256")]
    MissingAuthorization,
    /// `Authorization` and `x-Authorization` are both there and say different things.
    #[error(
        "the authorization headers of the request differ; send one of them, or the same value in both"
    )]
    Conflict,
    /// The value is not of the form `SDK-HMAC-SHA256 Access=.., SignedHeaders=.., Signature=..`.
    #[error(
        "the authorization header is malformed ({0}); it has the form \
         `SDK-HMAC-SHA256 Access=<key>, SignedHeaders=<a;b>, Signature=<64 hex digits>`"
    )]
    MalformedAuthorization(&'static str),
    /// The first word is not the one algorithm that is supported.
    #[error("the signature algorithm is not supported; use SDK-HMAC-SHA256")]
    UnsupportedAlgorithm,
    /// `SignedHeaders` names a header that the request does not have.
    #[error(
        "the signed header `{0}` is not in the request; send it, or leave it out of SignedHeaders"
    )]
    HeaderNotPresent(String),
    /// A header that counts for the signature was sent more than once.
    #[error("the header `{0}` was sent more than once; send it once")]
    DuplicateHeader(String),
    /// `host` is not among the signed headers of a call that is accepted only with it.
    #[error("`host` must be among SignedHeaders")]
    HostNotSigned,
    /// `x-sdk-date` is not among the signed headers.
    #[error("`x-sdk-date` must be among SignedHeaders")]
    DateNotSigned,
    /// `x-sdk-content-sha256` was sent but is not among the signed headers.
    #[error("`x-sdk-content-sha256` is in the request, so it must be among SignedHeaders")]
    ContentHashNotSigned,
    /// `X-Sdk-Date` is no real time in the one accepted form.
    #[error("X-Sdk-Date must be a real UTC time in the form YYYYMMDDTHHMMSSZ")]
    BadDate,
    /// `X-Sdk-Date` is too far from the time of the checker.
    #[error(
        "X-Sdk-Date is {seconds_off} s away from the time here (negative: in the past), \
         {window_seconds} s are allowed; correct the clock and sign again"
    )]
    ClockSkew {
        /// Signed minus present time, in seconds; negative when the request is old.
        seconds_off: i64,
        /// The allowed distance, in seconds.
        window_seconds: i64,
    },
    /// `X-Sdk-Content-Sha256` is neither a SHA-256 nor `UNSIGNED-PAYLOAD`.
    #[error("X-Sdk-Content-Sha256 must be the SHA-256 of the body as 64 hex digits")]
    BadContentHash,
    /// The body is streamed, so its hash has to be declared, and is not.
    #[error("this call needs the header X-Sdk-Content-Sha256, and it must be signed")]
    MissingContentHash,
    /// `X-Sdk-Content-Sha256` is not the hash of the body.
    #[error("X-Sdk-Content-Sha256 is not the SHA-256 of the body that arrived")]
    BodyMismatch,
    /// `UNSIGNED-PAYLOAD` where the body has to be signed.
    #[error("UNSIGNED-PAYLOAD is not accepted for this call; sign the body")]
    UnsignedPayloadRefused,
    /// The method is not an upper-case token.
    #[error("the method must be an upper-case HTTP token")]
    BadMethod,
    /// The host has blanks, control characters or non-ASCII characters, or is empty.
    #[error("the host of the request is malformed")]
    BadHost,
    /// The key id cannot be written into an `Authorization` value (signing only).
    #[error("the access key must be 1 to 128 visible ASCII characters without a comma")]
    BadAccess,
    /// The secret is empty or a decoy (signing only; when checking it is [`Self::BadSignature`]).
    #[error("there is no secret to sign with")]
    UnusableSecret,
    /// The signature is not the one of this request under this secret.
    #[error(
        "the signature does not match; check the key and its secret, and that method, path, query, signed \
         headers and body arrive as they were signed"
    )]
    BadSignature,
}

/// Why a path and query was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TargetError {
    /// It does not begin with `/`.
    #[error("the request target must begin with `/`")]
    NotOriginForm,
    /// Longer than [`MAX_TARGET_BYTES`](crate::MAX_TARGET_BYTES), as sent or in canonical form.
    #[error("the path and query are too long")]
    TooLong,
    /// More than [`MAX_SEGMENTS`](crate::MAX_SEGMENTS).
    #[error("the path has too many segments")]
    TooManySegments,
    /// More than [`MAX_QUERY_PAIRS`](crate::MAX_QUERY_PAIRS).
    #[error("the query has too many parameters")]
    TooManyPairs,
    /// A `%` without two hex digits behind it.
    #[error("a `%` must be followed by two hex digits")]
    BadEscape,
    /// The decoded bytes are not UTF-8.
    #[error("the decoded path and query must be UTF-8")]
    NotUtf8,
    /// Two slashes in a row.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// `.` or `..`, plain or percent-encoded.
    #[error("the path has a segment `.` or `..`")]
    DotSegment,
    /// `%2F` in the path.
    #[error("an encoded slash is not accepted in the path")]
    EncodedSlash,
    /// A backslash, plain anywhere or percent-encoded in the path.
    #[error("a backslash is not accepted in the path, and must be encoded in the query")]
    Backslash,
    /// A control character: plain anywhere, percent-encoded in the path, `%00` also in the query.
    #[error("control characters are not accepted")]
    Control,
    /// `;` in the path, plain or percent-encoded.
    #[error("`;` is not accepted in the path")]
    Semicolon,
    /// `#`, which belongs to the client's side of an address.
    #[error("`#` must be percent-encoded")]
    Fragment,
    /// A character that has to be percent-encoded.
    #[error("the path and query hold a character that must be percent-encoded")]
    NotEncoded,
}
